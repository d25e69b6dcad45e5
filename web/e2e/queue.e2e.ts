import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask, clean, dev, launch, open, type Program, shot, themes, workflow } from './harness';

let browser: Browser;
let server: Program;

beforeAll(async () => {
  [browser, server] = await Promise.all([launch(), dev()]);
});

afterAll(async () => {
  await browser?.close();
  await server?.stop();
});

describe('queues', () => {
  it('teaches, then makes one, fills it, and settles what failed @main', async () => {
    const w = await open(browser);
    const { page } = w;
    await page.goto(`${server.url}/fleet/queues`);
    await page.getByText('No queues yet.').waitFor();
    await clean(page);
    await shot(page, 'queues-empty-dark');
    await page.getByRole('button', { name: 'New queue…' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('textbox', { name: 'Name' }).fill('invoices');
    await dialog.getByRole('spinbutton', { name: /Tries/ }).fill('0');
    await clean(page);
    await dialog.getByRole('button', { name: 'Make the queue' }).click();
    const queue = page.getByRole('region', { name: 'invoices' });
    await queue.getByText('No items yet.').waitFor();

    await page.getByRole('button', { name: 'Add an item…' }).click();
    await dialog.getByRole('textbox', { name: /Reference/ }).fill('4711');
    await dialog.getByRole('textbox', { name: /Data/ }).fill('{"amount": 12}');
    await dialog.getByRole('button', { name: 'Add the item' }).click();
    await queue.getByRole('button', { name: '4711' }).waitFor();

    await page.getByRole('button', { name: 'Import…' }).click();
    await dialog.getByRole('textbox', { name: 'Lines' }).fill('{"reference":"4712","data":{"amount":3}}\n{"reference":"4713","priority":99,"data":{}}');
    await dialog.getByRole('button', { name: 'Add 2 items' }).click();
    await dialog.getByText('1 added, 1 refused.').waitFor();
    await dialog.getByText(/Item 2: .*priority/).waitFor();
    await clean(page);
    await shot(page, 'queue-import-dark');
    await dialog.getByRole('button', { name: 'Close' }).click();

    // A program takes one and fails it: the page follows without a reload.
    const id = new URL(page.url()).pathname.split('/').at(-1) ?? '';
    const got = await ask<{ items: { id: string; reference: string }[] }>(server.url, 'POST', `/queues/${id}/items/claim`, { count: 1 });
    const item = got.items[0];
    await ask(server.url, 'POST', `/queue-items/${item?.id}/fail`, {
      processing_exception_type: 'BusinessException',
      error_message: 'The supplier is not known.',
    });
    await page.getByRole('row', { name: new RegExp(`${item?.reference} .*Failed`) }).waitFor();
    await page.getByRole('button', { name: 'Failed', exact: true }).click();
    await queue.getByRole('button', { name: item?.reference ?? '' }).click();
    const panel = page.getByRole('complementary', { name: /^Item/ }).last();
    await panel.getByText('Business error: The supplier is not known.').waitFor();
    await panel.scrollIntoViewIfNeeded();
    await themes(page, 'queue-item');
    await panel.getByRole('button', { name: 'Retry' }).click();
    await page.getByText('All tries').waitFor();
    await page.getByRole('complementary', { name: /^Item/ }).last().getByRole('button', { name: 'Postpone…' }).click();
    await dialog.getByLabel('Nobody takes it before').fill('2031-01-01T10:00');
    await dialog.getByRole('button', { name: 'Postpone' }).click();
    await page.getByText(/Nobody takes it before 2031-01-01/).waitFor();
    // What is deleted is taken back, and so is not deleted.
    await page.getByRole('complementary', { name: /^Item/ }).last().getByRole('button', { name: 'Delete' }).click();
    await page.getByText(/is deleted in 8 s; no robot takes it any more/).waitFor();
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.getByText('is deleted in 8 s').waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByText('Paused: nothing more is taken').waitFor();
    await page.getByRole('button', { name: 'All', exact: true }).click();
    await page.setViewportSize({ width: 390, height: 844 });
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
    await themes(page, 'queue-390');
    expect(w.faults).toEqual([]);
    await w.context.close();
  });

  it('does the same with many items, and takes a delete back', async () => {
    const queue = await ask<{ id: string }>(server.url, 'POST', '/queues', { name: 'letters', max_retries: 0 });
    for (const n of [1, 2, 3, 4]) await ask(server.url, 'POST', `/queues/${queue.id}/items`, { reference: `L${n}`, data: {} });
    const w = await open(browser);
    const { page } = w;
    await page.goto(`${server.url}/fleet/queues/${queue.id}`);
    await page.getByRole('checkbox', { name: 'Choose L1' }).check();
    await page.getByRole('checkbox', { name: 'Choose L2' }).check();
    const bar = page.getByRole('region', { name: 'With the chosen items' });
    await bar.getByText('2 items chosen (2 new, 0 failed or abandoned)').waitFor();
    await themes(page, 'queue-bulk');
    await bar.getByRole('button', { name: 'Set priority…' }).click();
    await page
      .getByRole('dialog')
      .getByRole('spinbutton', { name: /^Priority/ })
      .fill('0');
    await page.getByRole('button', { name: 'Set the priority' }).click();
    await page.getByText('2 items done.').waitFor();
    await page.getByRole('row', { name: /L1 .*Critical/ }).waitFor();

    await page.getByRole('checkbox', { name: 'All items of this page' }).check();
    await bar.getByRole('button', { name: 'Delete' }).click();
    await page.getByText(/4 items are deleted/).waitFor();
    await clean(page);
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.getByRole('checkbox', { name: 'Choose L4' }).check();
    await bar.getByRole('button', { name: 'Delete' }).click();
    await page.getByText('1 item done.').waitFor();
    await page.getByRole('checkbox', { name: 'Choose L4' }).waitFor({ state: 'detached' });
    await page.getByRole('checkbox', { name: 'Choose L3' }).waitFor();
    expect(w.faults).toEqual([]);
    await w.context.close();
  });

  it('moves items to another queue, and shows how deep a queue was', async () => {
    const from = await ask<{ id: string }>(server.url, 'POST', '/queues', { name: 'orders', sla_seconds: 3600 });
    const to = await ask<{ id: string }>(server.url, 'POST', '/queues', { name: 'returns' });
    for (const n of [1, 2, 3]) await ask(server.url, 'POST', `/queues/${from.id}/items`, { reference: `O${n}`, data: {} });
    const w = await open(browser);
    const { page } = w;
    await page.goto(`${server.url}/fleet/queues/${from.id}`);
    await page.getByRole('checkbox', { name: 'Choose O1' }).check();
    await page.getByRole('checkbox', { name: 'Choose O3' }).check();
    await page.getByRole('button', { name: 'Move…' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('combobox', { name: 'Queue' }).selectOption({ label: 'returns' });
    await clean(page);
    await shot(page, 'queue-move-dark');
    await dialog.getByRole('button', { name: 'Move', exact: true }).click();
    await page.getByText('2 items done.').waitFor();
    await page.getByRole('checkbox', { name: 'Choose O1' }).waitFor({ state: 'detached' });
    await page.goto(`${server.url}/fleet/queues/${to.id}`);
    await page.getByRole('checkbox', { name: 'Choose O3' }).waitFor();
    await page.getByRole('button', { name: 'O1', exact: true }).click();
    await page.getByText('Moved from the queue orders.').waitFor();

    // The server reads once a minute.
    await expect
      .poll(async () => (await ask<{ points: { peak: number }[] }>(server.url, 'GET', `/queues/${to.id}/depth?range=6h`)).points.at(-1)?.peak, {
        timeout: 90_000,
      })
      .toBe(2);
    await page.goto(`${server.url}/fleet/queues/${to.id}?range=6h`);
    const chart = page.getByRole('region', { name: 'New items over time' });
    await chart.getByRole('img', { name: /^At most 2 new, 2 at the end/ }).waitFor();
    await page
      .getByRole('navigation', { name: 'Queues' })
      .getByRole('link', { name: /returns .*Oldest/ })
      .waitFor();
    await themes(page, 'queue-depth');
    await chart.getByRole('button', { name: '24 hours' }).click();
    await page.waitForURL((u) => !u.search.includes('range'));
    await chart.getByRole('button', { name: 'View as table' }).click();
    await chart.getByRole('columnheader', { name: 'Most' }).waitFor();
    await clean(page);
    expect(w.faults).toEqual([]);
    await w.context.close();
  }, 150_000);

  it('shows dead letters, and retries one', async () => {
    const submit = await workflow(server.url, 'Bad', {
      metadata: { name: 'Bad', version: '1.0.0' },
      nodes: {
        start: { node_id: 'start', node_type: 'StartNode', config: {}, position: [0, 0] },
        read: { node_id: 'read', node_type: 'ReadFileNode', config: { file_path: '/nowhere/x' }, position: [250, 0] },
      },
      connections: [{ source_node: 'start', source_port: 'exec_out', target_node: 'read', target_port: 'exec_in' }],
    });
    const w = await open(browser, { light: true });
    const { page } = w;
    await page.goto(`${server.url}/fleet/dead-letters`);
    await page.getByText('No dead letter waits for you.').waitFor();
    await submit({ retry: { max: 0 } });
    await page.getByRole('row', { name: /Bad/ }).waitFor();
    await themes(page, 'dead-letters');
    await page.getByRole('button', { name: /^Retry Bad/ }).click();
    await submit({ retry: { max: 0 } });
    await page.getByRole('button', { name: 'By failure' }).click();
    await page.getByRole('row', { name: /Bad .*outside of the job/ }).waitFor();
    await themes(page, 'dead-letters-groups');
    await page.getByRole('button', { name: /^Retry all \d+ of Bad/ }).click();
    await clean(page);
    await page.getByRole('button', { name: 'Make the new jobs' }).click();
    await page.getByText(/tried again as (a new one|new ones)\./).waitFor();
    await page.getByRole('button', { name: 'All', exact: true }).click();
    await page
      .getByText(/Looked after/)
      .first()
      .waitFor();
    expect(w.faults).toEqual([]);
    await w.context.close();
  });
});
