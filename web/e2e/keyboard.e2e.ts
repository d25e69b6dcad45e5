import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask, clean, dev, launch, open, type Program, shot, themes, workflow } from './harness';

let browser: Browser;
let server: Program;
let submit: (more?: object) => Promise<string>;

beforeAll(async () => {
  [browser, server] = await Promise.all([launch(), dev()]);
  submit = await workflow(server.url, 'Invoices', {
    metadata: { name: 'Invoices', version: '1.0.0' },
    nodes: { start: { node_id: 'start', node_type: 'StartNode', config: {}, position: [0, 0] } },
    connections: [],
  });
});

afterAll(async () => {
  await browser?.close();
  await server?.stop();
});

describe('the keyboard', () => {
  it('leads to pages, robots, workflows and jobs, and gives the focus back', async () => {
    const id = await submit();
    const w = await open(browser);
    const { page } = w;
    await page.goto(`${server.url}/`);
    await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
    await page.getByTestId('connection').getByText('Live').waitFor();
    const heading = (name: string) => page.getByRole('heading', { level: 1, name, exact: true }).waitFor();
    for (const [keys, name] of [
      ['g r', 'Robots'],
      ['g j', 'Jobs'],
      ['3', 'Schedules'],
      ['g q', 'Queues'],
      ['6', 'API Keys'],
      ['g w', 'Workflows'],
      ['g v', 'Activity'],
    ] as const) {
      for (const k of keys.split(' ')) await page.keyboard.press(k);
      await heading(name);
    }
    const before = page.getByRole('link', { name: 'Audit' });
    await before.focus();
    const dialog = page.getByRole('dialog', { name: 'Go to' });
    const field = dialog.getByRole('combobox', { name: 'Go to' });
    await page.keyboard.press('Control+k');
    await dialog.getByRole('option', { name: 'Pages: Overview' }).waitFor();
    await dialog.getByRole('option', { name: 'Robots: dev-1' }).waitFor();
    await themes(page, 'palette');
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    expect(await before.evaluate((e) => e === document.activeElement)).toBe(true);

    await page.keyboard.press('Control+k');
    await field.fill('dev-1');
    await page.keyboard.press('Enter');
    await heading('dev-1');
    await page.keyboard.press('Control+k');
    await field.fill(id);
    await dialog.getByRole('option', { name: /^Jobs: Invoices/ }).waitFor();
    await page.keyboard.press('Enter');
    await page.waitForURL(`**/fleet/jobs/${id}`);
    await ask(server.url, 'POST', '/queues', { name: 'Zahlungen' });
    await page.keyboard.press('Control+k');
    await field.fill('zahl'); // what only the server knows
    await dialog.getByRole('option', { name: 'Queues: Zahlungen' }).waitFor();
    await shot(page, 'palette-found-dark');
    await page.keyboard.press('Enter');
    await page.waitForURL('**/fleet/queues/*');
    await page.keyboard.press('Control+k');
    await field.fill('no such thing');
    await dialog.getByText('Nothing is called that.', { exact: false }).waitFor();
    await page.keyboard.press('Escape');

    await page.keyboard.press('?');
    const sheet = page.getByRole('dialog', { name: 'Keys' });
    await sheet.getByText('Go to…').waitFor();
    await themes(page, 'keys');
    await sheet.getByRole('button', { name: 'Close' }).click();
    expect(w.faults).toEqual([]);
    await w.context.close();
  });

  it('walks lists, acts on rows, saves views, and stands still', async () => {
    const w = await open(browser);
    const { page } = w;
    await page.goto(`${server.url}/fleet/robots`);
    await page.getByText('2 of 2 robots').waitFor();
    await page.keyboard.press('j');
    await page.keyboard.press('j');
    await page.keyboard.press('x');
    await page.getByText('1 robot selected').waitFor();
    expect(await page.getByRole('checkbox', { name: 'Select dev-2' }).isChecked()).toBe(true);
    await page.keyboard.press('m');
    const dialog = page.getByRole('dialog', { name: 'Maintenance: 1 robot' });
    await dialog.waitFor();
    await clean(page);
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Clear selection' }).click();

    await page.keyboard.press('/');
    await page.keyboard.type('gr'); // is text in a field
    await page.getByText('0 of 2 robots').waitFor();
    await page.getByRole('searchbox', { name: 'Search robots' }).fill('dev-1');
    await page.getByText('1 of 2 robots').waitFor();
    await page.getByRole('button', { name: 'Save this view…' }).click();
    await page.getByRole('textbox', { name: 'Name' }).fill('The first');
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    const view = page.getByRole('button', { name: 'The first', exact: true });
    await view.waitFor();
    expect(await view.getAttribute('aria-pressed')).toBe('true');
    await page.getByRole('searchbox', { name: 'Search robots' }).fill('dev');
    await page.getByRole('button', { name: 'Update The first' }).waitFor();
    await clean(page);
    await shot(page, 'robots-view-changed-dark');
    await page.reload();
    await page.getByText('2 of 2 robots').waitFor();
    await view.click();
    await page.getByText('1 of 2 robots').waitFor();
    expect(new URL(page.url()).searchParams.get('q')).toBe('dev-1');
    // Removed and brought back; and shared, for whoever comes with another browser.
    await page.getByRole('button', { name: 'Remove the view The first' }).click();
    await view.waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Undo' }).click();
    await view.waitFor();
    await page.getByRole('searchbox', { name: 'Search robots' }).fill('dev-2');
    await page.getByRole('button', { name: 'Save as…' }).click();
    await page.getByRole('textbox', { name: 'Name' }).fill('The second');
    await page.getByRole('checkbox', { name: 'Everybody in the tenant sees it' }).check();
    await clean(page);
    await shot(page, 'view-save-dark');
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await page.getByRole('button', { name: 'The second shared' }).waitFor();
    const other = await open(browser);
    await other.page.goto(`${server.url}/fleet/robots`);
    await other.page.getByRole('button', { name: 'The second shared' }).click();
    await other.page.getByText('1 of 2 robots').waitFor();
    await themes(other.page, 'views');
    expect(other.faults).toEqual([]);
    await other.context.close();
    await page.getByRole('button', { name: 'The first', exact: true }).click();
    await page.getByText('1 of 2 robots').waitFor();

    await page.getByRole('heading', { level: 1 }).click();
    await page.keyboard.press('Shift+L');
    await page.getByText(/^Paused at /).waitFor();
    await ask(server.url, 'POST', '/robots/dev-1/pause', {});
    await page.getByText(/· [1-9]\d* changes waiting/).waitFor();
    expect(await page.getByRole('row', { name: /dev-1/ }).getByText('Paused').count()).toBe(0);
    await clean(page);
    await shot(page, 'robots-paused-dark');
    await page.getByRole('button', { name: 'Go on' }).click();
    await page.getByRole('row', { name: /dev-1/ }).getByText('Paused').waitFor();
    await ask(server.url, 'POST', '/robots/dev-1/resume', {});

    await page.keyboard.press('[');
    await page.getByRole('link', { name: 'Activity' }).waitFor();
    await clean(page);
    await shot(page, 'rail-folded-dark');
    await page.keyboard.press('[');
    await page.keyboard.press('g');
    await page.keyboard.press('j');
    await page.getByRole('heading', { level: 1, name: 'Jobs' }).waitFor();
    await page.getByRole('row').nth(1).waitFor();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.waitForURL('**/fleet/jobs/*');

    // Letters can be switched off; what has Ctrl stays.
    await page.goto(`${server.url}/settings/profile`);
    await page.getByRole('checkbox', { name: 'Letters alone do something' }).uncheck();
    await page.getByRole('heading', { level: 1 }).click();
    await page.keyboard.press('?');
    await page.keyboard.press('Control+k');
    await page.getByRole('dialog', { name: 'Go to' }).waitFor();
    expect(await page.getByRole('dialog').count()).toBe(1);
    expect(w.faults).toEqual([]);
    await w.context.close();
  });
});
