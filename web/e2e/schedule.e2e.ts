import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clean, dev, launch, open, type Program, shot, themes, workflow } from './harness';

let browser: Browser;
let server: Program;

beforeAll(async () => {
  [browser, server] = await Promise.all([launch(), dev()]);
});

afterAll(async () => {
  await browser?.close();
  await server?.stop();
});

describe('schedules', () => {
  it('teaches, then makes one with a preview, runs it, shows the fire, and disables it', async () => {
    await workflow(server.url, 'Invoices', {
      metadata: { name: 'Invoices', version: '1.0.0' },
      nodes: { start: { node_id: 'start', node_type: 'StartNode', config: {}, position: [0, 0] } },
      connections: [],
    });
    const w = await open(browser);
    const { page } = w;
    await page.goto(`${server.url}/fleet/schedules`);
    await page.getByText('No schedules yet.').waitFor();
    await themes(page, 'schedules-empty');
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.getByRole('button', { name: 'New schedule…' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('textbox', { name: 'Name', exact: true }).fill('nightly');
    await dialog.getByRole('combobox', { name: 'Workflow' }).selectOption({ label: 'Invoices' });
    await dialog.getByRole('combobox', { name: 'Time zone' }).fill('Europe/Berlin');

    // Every day of March at 02:30: one of them does not exist.
    await dialog.getByRole('textbox', { name: /^Cron/ }).fill('30 2 25-31 3 *');
    await dialog.getByText('moved: the clocks change', { exact: false }).first().waitFor();
    expect(await dialog.getByRole('region', { name: 'Next runs' }).getByRole('listitem').count()).toBe(10);
    await clean(page);
    await shot(page, 'schedule-dialog-dark');
    await dialog.getByRole('button', { name: 'Make the schedule' }).click();
    const one = page.getByRole('region', { name: 'nightly', exact: true });
    await one.getByText('None of its times has come yet.').waitFor();

    await one.getByRole('button', { name: 'Run now' }).click();
    await one.getByRole('row', { name: /By hand.*Fired/ }).waitFor();
    await page.getByRole('switch', { name: 'nightly enabled' }).click();
    await one.getByRole('button', { name: 'Resume' }).waitFor();
    expect(await page.getByRole('switch', { name: 'nightly enabled' }).isChecked()).toBe(false);
    await themes(page, 'schedule');
    await page.setViewportSize({ width: 390, height: 844 });
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
    await themes(page, 'schedule-390');
    expect(w.faults).toEqual([]);
    await w.context.close();
  });
});
