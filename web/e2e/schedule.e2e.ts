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

describe('schedules', () => {
  it('teaches, then makes one with a preview, runs it, shows the fire, and disables it @main', async () => {
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
    await dialog
      .getByText(/^02:30 does not exist on \d+ March: runs at 03:00$/)
      .first()
      .waitFor();
    await dialog.getByText('At 02:30, on day 25 to day 31 in March.').waitFor();
    expect(
      await dialog
        .getByRole('region', { name: 'Next runs' })
        .getByRole('listitem')
        .filter({ hasText: /\+0[12]:00 CES?T/ })
        .count(),
    ).toBe(10);
    await dialog.getByRole('combobox', { name: 'When it was missed', exact: false }).selectOption('run_all');
    await dialog.getByRole('spinbutton', { name: 'Most runs to catch up' }).fill('3');
    await dialog.getByRole('combobox', { name: 'Usual times' }).selectOption({ label: 'On the last day of each month at 18:00' });
    await dialog.getByText('At 18:00, the last day of the month.').waitFor();
    await dialog.getByRole('textbox', { name: /^Cron/ }).fill('30 2 25-31 3 *');
    await dialog
      .getByText(/^02:30 does not exist/)
      .first()
      .waitFor();
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

  it('asks for what the workflow needs, places its jobs, and takes a delete back', async () => {
    await workflow(server.url, 'Payroll', {
      metadata: { name: 'Payroll', version: '1.0.0' },
      nodes: { start: { node_id: 'start', node_type: 'StartNode', config: {}, position: [0, 0] } },
      connections: [],
      settings: {
        fleet: {
          inputs: {
            type: 'object',
            required: ['month'],
            properties: {
              month: { type: 'integer', title: 'Month' },
              mode: { type: 'string', enum: ['fast', 'safe'] },
              dry: { type: 'boolean', title: 'Dry run' },
            },
          },
        },
      },
    });
    const w = await open(browser);
    const { page } = w;
    await page.goto(`${server.url}/fleet/schedules`);
    await page.getByRole('button', { name: 'New schedule…' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('textbox', { name: 'Name', exact: true }).fill('payroll');
    await dialog.getByRole('combobox', { name: 'Workflow' }).selectOption({ label: 'Payroll' });
    await dialog.getByRole('spinbutton', { name: 'Month' }).fill('7');
    await dialog.getByRole('combobox', { name: /^mode/ }).selectOption('safe');
    await dialog.getByRole('checkbox', { name: 'Dry run' }).check();
    await dialog.getByText('Placement: any robot').click();
    const { robots } = await ask<{ robots: { robot_id: string; name: string }[] }>(server.url, 'GET', '/robots');
    await dialog
      .getByRole('treegrid')
      .getByRole('row', { name: robots[0]?.name ?? '' })
      .first()
      .click();
    await dialog.getByText(/^Each job waits for /).waitFor();
    await dialog.getByRole('group', { name: 'Where its jobs run' }).scrollIntoViewIfNeeded();
    await clean(page);
    await themes(page, 'schedule-form');
    await page.emulateMedia({ colorScheme: 'dark' });
    await dialog.getByRole('button', { name: 'Make the schedule' }).click();
    await page.getByRole('region', { name: 'payroll', exact: true }).waitFor();
    const read = async () =>
      (await ask<{ schedules: { schedule_name: string; schedule_id: string }[] }>(server.url, 'GET', '/schedules?view=list')).schedules.find(
        (s) => s.schedule_name === 'payroll',
      );
    const made = await ask<{ input: unknown; placement: { target_robot_id: string } }>(server.url, 'GET', `/schedules/${(await read())?.schedule_id}`);
    expect(made.input).toEqual({ month: 7, mode: 'safe', dry: true });
    expect(made.placement.target_robot_id).toBe(robots[0]?.robot_id);

    const one = page.getByRole('region', { name: 'payroll', exact: true });
    await one.getByRole('button', { name: 'Delete' }).click();
    await page.getByText('The schedule payroll is deleted in 8 s; its jobs go on.').waitFor();
    await clean(page);
    await shot(page, 'schedule-undo-dark');
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.getByText('is deleted in 8 s').waitFor({ state: 'detached' });
    expect(await read()).toBeDefined();
    await one.getByRole('button', { name: 'Delete' }).click();
    await page
      .getByText('payroll is deleted; its jobs go on.')
      .or(page.getByRole('link', { name: 'payroll' }))
      .first()
      .waitFor();
    await page.getByRole('link', { name: 'payroll' }).waitFor({ state: 'detached' });
    expect(await read()).toBeUndefined();
    expect(w.faults).toEqual([]);
    await w.context.close();
  });

  it('skips the next run, shows the week, and says which come at once', async () => {
    const made = await ask<{ workflow_id: string }>(server.url, 'PUT', '/workflows', {
      workflow_name: 'Report',
      workflow_json: {
        metadata: { name: 'Report', version: '1.0.0' },
        nodes: { start: { node_id: 'start', node_type: 'StartNode', config: {}, position: [0, 0] } },
        connections: [],
      },
    });
    const add = (schedule_name: string, cron_expression: string) =>
      ask<{ schedule_id: string; next_run: string }>(server.url, 'POST', '/schedules', {
        schedule_name,
        workflow_id: made.workflow_id,
        cron_expression,
        timezone: 'UTC',
      });
    const one = await add('morning', '0 9 * * *');
    await add('also', '0 9 * * *');
    await add('noon', '5 12 * * 1-5');
    const w = await open(browser);
    const { page } = w;
    await page.goto(`${server.url}/fleet/schedules`);
    await page.getByRole('button', { name: 'Agenda' }).click();
    await page.getByText('Yellow: several schedules in one minute.', { exact: false }).waitFor();
    const cells = page.getByRole('button', { name: /o’clock: 2 runs$/ });
    expect(await cells.count()).toBeGreaterThanOrEqual(6);
    await cells.first().click();
    await page
      .getByRole('region', { name: /^Runs of/ })
      .getByRole('link', { name: 'also' })
      .waitFor();
    await page
      .getByRole('region', { name: 'At the same time' })
      .getByRole('listitem')
      .filter({ hasText: /also.*morning.*7 times, first/ })
      .waitFor();
    await themes(page, 'agenda');
    const next = new Date(new Date().getFullYear(), new Date().getMonth() + 1, 1);
    const month = `${next.getFullYear()}-${String(next.getMonth() + 1).padStart(2, '0')}`;
    await page.getByRole('combobox', { name: 'Days' }).selectOption(month);
    await page.waitForURL((u) => u.searchParams.get('month') === month && u.searchParams.get('view') === 'agenda');
    await page.getByRole('button', { name: new RegExp(`^${month}-15, .*: 2 runs$`) }).waitFor();
    await themes(page, 'agenda-month');
    await page.goBack();
    await page.setViewportSize({ width: 390, height: 844 });
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
    await themes(page, 'agenda-390');
    await page.setViewportSize({ width: 1440, height: 900 });
    await page.getByRole('button', { name: /^Weekly/ }).click();
    await page.getByText('No schedule matches “weekly”.').waitFor();
    await themes(page, 'schedules-filtered');
    await page.getByRole('button', { name: 'Clear filters' }).click();

    // The list is walked, ordered and narrowed by key, and the address has all of it.
    const names = () => page.getByRole('row').getByRole('link').allTextContents();
    await page.keyboard.press('s');
    await page.waitForURL((u) => u.searchParams.get('sort') === 'name');
    expect((await names()).filter((n) => ['also', 'morning', 'noon'].includes(n))).toEqual(['also', 'morning', 'noon']);
    await page.getByRole('searchbox', { name: 'Search schedules' }).fill('noo');
    await page.getByText('1 of ', { exact: false }).waitFor();
    await page.reload();
    await page.getByRole('link', { name: 'noon' }).waitFor();
    expect(await page.getByRole('searchbox', { name: 'Search schedules' }).inputValue()).toBe('noo');
    await page.keyboard.press('j');
    await page.keyboard.press('Space');
    await page.getByRole('region', { name: 'noon', exact: true }).waitFor();
    await page.keyboard.press('Space');
    await page.getByRole('region', { name: 'noon', exact: true }).waitFor({ state: 'detached' });
    await page.getByRole('combobox', { name: 'Enabled or not' }).waitFor();
    await page.keyboard.press('f');
    expect(await page.evaluate(() => document.activeElement?.getAttribute('aria-label'))).toBe('Enabled or not');
    await page.getByRole('searchbox', { name: 'Search schedules' }).fill('');

    // What is done with one stands in its row.
    await page.getByRole('button', { name: 'Actions of noon' }).click();
    await clean(page);
    await shot(page, 'schedules-menu-dark');
    await page.getByRole('menuitem', { name: 'Run now' }).click();
    await page.getByRole('img', { name: /of the last 1 succeeded/ }).waitFor();
    await page.getByRole('button', { name: 'Actions of noon' }).click();
    await page.getByRole('menuitem', { name: 'Duplicate…' }).click();
    const copy = page.getByRole('dialog');
    expect(await copy.getByRole('textbox', { name: 'Name', exact: true }).inputValue()).toBe('noon copy');
    await copy.getByRole('textbox', { name: /^Cron/ }).fill('0 9 * * *');
    await copy.getByText('together with', { exact: false }).first().waitFor();
    const priority = copy.getByRole('spinbutton', { name: /^Priority/ });
    if (!(await priority.isVisible())) await copy.getByText('More: priority', { exact: false }).click();
    await priority.fill('5');
    await copy.getByRole('spinbutton', { name: /^Disable it/ }).fill('3');
    await themes(page, 'schedule-copy');
    await copy.getByRole('button', { name: 'Make the schedule' }).click();
    await page.getByRole('region', { name: 'noon copy', exact: true }).waitFor();
    const list = await ask<{ schedules: { schedule_name: string; priority: number; pause_after_failures: number }[] }>(
      server.url,
      'GET',
      '/schedules?view=list',
    );
    expect(list.schedules.find((s) => s.schedule_name === 'noon copy')).toMatchObject({ priority: 5, pause_after_failures: 3 });
    await page.goto(`${server.url}/fleet/schedules`);
    await themes(page, 'schedules');
    await page.getByRole('button', { name: 'Actions of noon copy' }).click();
    await page.getByRole('menuitem', { name: 'Delete' }).click();
    await page.getByText('noon copy is deleted; its jobs go on.').waitFor();

    await page.getByRole('link', { name: 'morning' }).click();
    const view = page.getByRole('region', { name: 'morning', exact: true });
    await view.getByRole('button', { name: 'Skip next' }).click();
    await view.getByText('does not come. It goes on at', { exact: false }).waitFor();
    const after = await ask<{ next_run: string }>(server.url, 'GET', `/schedules/${one.schedule_id}`);
    expect(Date.parse(after.next_run) - Date.parse(one.next_run)).toBe(86_400_000);
    expect(w.faults).toEqual([]);
    await w.context.close();
  });
});
