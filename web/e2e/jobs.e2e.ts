import { readFileSync } from 'node:fs';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask, clean, dev, launch, open, type Program, type RobotProcess, robot, shot, workflow } from './harness';

let browser: Browser;
let server: Program;
let demo: Program;
const bots: RobotProcess[] = [];
const ids: Record<string, string> = {};

const doc = (name: string) => ({ metadata: { name }, nodes: { s: { node_id: 's', node_type: 'StartNode', config: {} } }, connections: [] });
const slow = {
  metadata: { name: 'slow' },
  nodes: {
    s: { node_id: 's', node_type: 'StartNode', config: {} },
    w: { node_id: 'w', node_type: 'WaitNode', config: { duration: 120 } },
  },
  connections: [{ source_node: 's', source_port: 'exec_out', target_node: 'w', target_port: 'exec_in' }],
};

beforeAll(async () => {
  [browser, server, demo] = await Promise.all([launch(), dev(), dev('--demo', '40')]);
  const invoices = await workflow(server.url, 'invoices', doc('invoices'));
  ids.gpu = await invoices({ placement: { capabilities: ['gpu'] }, priority: 5 });
  ids.urgent = await invoices({ placement: { capabilities: ['gpu'] }, priority: 0 });
  ids.done = await invoices();
  ids.cancelled = await invoices({ placement: { capabilities: ['gpu'] } });
  await ask(server.url, 'POST', `/jobs/${ids.cancelled}/cancel`, {});
});

afterAll(async () => {
  await browser?.close();
  await Promise.all(bots.map((b) => b.kill('SIGKILL'))); // a test that failed leaves none behind
  await Promise.all([server?.stop(), demo?.stop()]);
});

describe('the list of jobs', () => {
  it('says why jobs wait, and finds them by reason, priority and text, all in the address', async () => {
    const w = await open(browser);
    await w.page.goto(`${server.url}/fleet/jobs`);
    const table = w.page.getByRole('table', { name: 'Jobs' });
    const row = (id: string) => table.getByRole('row').filter({ hasText: `…${id.slice(-8)}` });
    await row(ids.gpu ?? '')
      .getByText(/^Waits for a robot with gpu: none of 2 robots fits/)
      .waitFor();
    await w.page.getByText(/^\d+ jobs in the last 24 h, newest first\. Priority: 0 goes first\.$/).waitFor();
    await w.page.getByLabel('Reason').selectOption('no_match');
    await w.page.waitForURL('**/fleet/jobs?why=no_match');
    await expect.poll(() => table.getByRole('row').count()).toBe(3);
    await w.page.getByLabel('Priority').selectOption('0');
    await expect.poll(() => table.getByRole('row').count()).toBe(2);
    await row(ids.urgent ?? '')
      .getByText('Critical')
      .waitFor();
    await w.page.goBack();
    await expect.poll(() => table.getByRole('row').count()).toBe(3);
    await w.page.reload();
    await expect.poll(() => table.getByRole('row').count()).toBe(3);
    await w.page.getByRole('button', { name: 'Clear filters' }).click();
    await w.page.getByRole('searchbox', { name: 'Search jobs' }).fill((ids.done ?? '').slice(-8));
    await expect.poll(() => table.getByRole('row').count()).toBe(2);
    await w.page.getByRole('searchbox', { name: 'Search jobs' }).fill('nobody has this');
    await w.page.getByText('No job matches this filter in the last 24 h.').waitFor();
    await clean(w.page);
    await shot(w.page, 'jobs-nothing');
    expect(w.faults).toEqual([]);
    await w.context.close();
  });
  it('says beside a row why it waits and what would help, by its reason and by Space, in the address', async () => {
    const w = await open(browser);
    await w.page.goto(`${server.url}/fleet/jobs?status=pending`);
    const table = w.page.getByRole('table', { name: 'Jobs' });
    const row = table.getByRole('row').filter({ hasText: `…${(ids.gpu ?? '').slice(-8)}` });
    const reason = row.getByRole('button', { name: /^Waits for a robot with gpu: none of 2 robots fits/ });
    expect(await reason.evaluate((b) => b.scrollWidth > b.clientWidth)).toBe(false); // it is read without opening anything
    await reason.click();
    const peek = w.page.getByRole('region', { name: `Job …${(ids.gpu ?? '').slice(-8)} at a glance` });
    await peek.getByRole('heading', { name: 'Why is it waiting?' }).waitFor();
    await peek.getByText(/2 robots looked at: 0 fit, 0 of them free · 2 lack a capability\./).waitFor();
    await peek.getByRole('button', { name: 'Drop gpu…' }).waitFor();
    expect(new URL(w.page.url()).searchParams.get('peek')).toBe(ids.gpu);
    for (const colorScheme of ['dark', 'light'] as const) {
      await w.page.emulateMedia({ colorScheme });
      await clean(w.page);
      await shot(w.page, `jobs-why-${colorScheme}`);
    }
    await w.page.setViewportSize({ width: 390, height: 844 });
    await clean(w.page);
    await shot(w.page, 'jobs-why-390');
    await w.page.setViewportSize({ width: 1440, height: 900 });
    await w.page.reload();
    await peek.getByRole('heading', { name: 'Why is it waiting?' }).waitFor();
    await w.page.keyboard.press('Escape');
    await peek.waitFor({ state: 'detached' });
    expect(w.page.url()).not.toContain('peek');
    // By key it comes at any row, and goes along.
    await w.page.keyboard.press('ArrowDown');
    await w.page.keyboard.press('Space');
    const any = w.page.getByRole('region', { name: /at a glance$/ });
    await any.getByRole('button', { name: 'Open the job' }).waitFor();
    const first = new URL(w.page.url()).searchParams.get('peek');
    await w.page.keyboard.press('ArrowDown');
    await expect.poll(() => new URL(w.page.url()).searchParams.get('peek')).not.toBe(first);
    // What helps is done from here: the job is more urgent, and the row says so.
    await w.page.keyboard.press('Space');
    await any.waitFor({ state: 'detached' });
    // What is chosen is in the address, too, and is there again after a reload.
    await w.page.keyboard.press('x');
    const bar = w.page.getByRole('region', { name: 'What is chosen' });
    await bar.getByText('1 job selected (1 pending)').waitFor();
    expect(new URL(w.page.url()).searchParams.get('sel')).toMatch(/^[0-9a-f-]{36}$/);
    await w.page.reload();
    await bar.getByText('1 job selected (1 pending)').waitFor();
    await w.page.keyboard.press('Escape');
    await bar.waitFor({ state: 'detached' });
    // The other order is that of what runs.
    await w.page.keyboard.press('s');
    const order = w.page.getByLabel('Order');
    expect(await order.evaluate((e) => e === document.activeElement)).toBe(true);
    await order.selectOption('longest');
    await w.page.waitForURL('**/fleet/jobs?*sort=longest*');
    await order.selectOption('');
    await w.page
      .getByText(/newest first/)
      .first()
      .waitFor();
    expect(w.page.url()).not.toContain('sort');
    expect(w.faults).toEqual([]);
    await w.context.close();
  });
  it('shows its columns before its rows, and dims what it could not read anew', async () => {
    const w = await open(browser);
    let held: (() => void) | undefined;
    const until = new Promise<void>((go) => {
      held = go;
    });
    let broken = false;
    await w.page.route('**/api/v1/jobs?*', async (r) => {
      await until;
      if (broken)
        await r.fulfill({
          status: 504,
          contentType: 'application/problem+json',
          body: JSON.stringify({ detail: 'The server did not answer in time.', request_id: '7f3a' }),
        });
      else await r.continue();
    });
    await w.page.goto(`${server.url}/fleet/jobs`);
    const bones = w.page.getByText('Loading jobs…');
    await bones.waitFor();
    await w.page.getByText('Workflow', { exact: true }).waitFor();
    await clean(w.page);
    await shot(w.page, 'jobs-loading');
    held?.();
    const table = w.page.getByRole('table', { name: 'Jobs' });
    await table.getByRole('row').nth(1).waitFor();
    await bones.waitFor({ state: 'detached' });
    const another = await workflow(server.url, 'another', doc('another'));
    broken = true;
    await another(); // the list asks anew
    const fault = w.page.getByRole('alert').filter({ hasText: 'The server did not answer in time.' });
    await fault.getByText('7f3a').waitFor();
    await fault.getByText(/Showing the state of \d\d:\d\d:\d\d\./).waitFor();
    expect(await table.getAttribute('data-old')).toBe('true');
    for (const colorScheme of ['dark', 'light'] as const) {
      await w.page.emulateMedia({ colorScheme });
      await clean(w.page);
      await shot(w.page, `jobs-fault-${colorScheme}`);
    }
    broken = false;
    await fault.getByRole('button', { name: 'Try again' }).click();
    await fault.waitFor({ state: 'detached' });
    expect(await table.getAttribute('data-old')).toBe(null);
    expect(w.faults.filter((f) => !f.includes('504'))).toEqual([]);
    await w.context.close();
  });
  it('goes on from the node that failed by the menu of a row, and leads to the line in one click', async () => {
    const run = await workflow(server.url, 'reads', {
      metadata: { name: 'reads' },
      nodes: {
        s: { node_id: 's', node_type: 'StartNode', config: {} },
        say: { node_id: 'say', node_type: 'LogNode', config: { message: 'before', level: 'info' } },
        odd: { node_id: 'odd', node_type: 'LogNode', config: { message: 'the amount looks odd', level: 'error' } },
        read: { node_id: 'read', node_type: 'ReadFileNode', config: { file_path: '/nowhere/x.csv' } },
      },
      connections: [
        ['s', 'say'],
        ['say', 'odd'],
        ['odd', 'read'],
      ].map(([a, b]) => ({ source_node: a, source_port: 'exec_out', target_node: b, target_port: 'exec_in' })),
    });
    const id = await run({ retry: { max: 0 } });
    const w = await open(browser);
    await w.page.goto(`${server.url}/fleet/jobs?q=reads`);
    const table = w.page.getByRole('table', { name: 'Jobs' });
    const row = table.getByRole('row').filter({ hasText: `…${id.slice(-8)}` });
    await row.getByText('Failed').waitFor();
    // Two clicks would do; one does: the row's link opens the job at the line.
    await row
      .getByRole('link', { name: `…${id.slice(-8)}` })
      .first()
      .click();
    const lines = w.page.getByRole('region', { name: 'Log' });
    await lines.locator('[data-chosen]').getByText('the amount looks odd').waitFor();
    await w.page.goBack();
    await row.waitFor();
    await w.page.keyboard.press('ArrowDown');
    await w.page.keyboard.press('l');
    await lines.locator('[data-chosen]').getByText('the amount looks odd').waitFor();
    await w.page.goBack();
    await row.getByRole('button', { name: /^Actions of job/ }).click();
    await w.page.getByRole('menuitem', { name: 'Retry from read' }).waitFor();
    await clean(w.page);
    await shot(w.page, 'jobs-menu-from');
    await w.page.getByRole('menuitem', { name: 'Retry from read' }).click();
    await w.page.getByText(/^New job ….{8} from ….{8} ·/).waitFor();
    await row.getByText(/^retried as/).waitFor();
    const made = await ask<{ jobs: { job_id: string }[] }>(server.url, 'GET', `/jobs?retry_of=${id}`);
    expect((await ask<{ resumed_from: { node: string } }>(server.url, 'GET', `/jobs/${made.jobs[0]?.job_id}`)).resumed_from.node).toBe('read');
    // A row that was never begun says why it cannot.
    await w.page.goto(`${server.url}/fleet/jobs?status=cancelled`);
    await table
      .getByRole('row')
      .nth(1)
      .getByRole('button', { name: /^Actions of job/ })
      .click();
    const cannot = w.page.getByRole('menuitem', { name: /^Retry from the failed node/ });
    await expect.poll(() => cannot.textContent()).not.toContain('Looking');
    expect(await cannot.getAttribute('aria-disabled')).toBe('true');
    // Many at once: where that can be.
    await w.page.goto(`${server.url}/fleet/jobs?q=reads&status=failed`);
    await table.getByRole('row').nth(1).waitFor();
    await w.page.keyboard.press('ArrowDown');
    await w.page.keyboard.press('x');
    await w.page.getByRole('region', { name: 'What is chosen' }).getByRole('button', { name: 'Retry…' }).click();
    const dialog = w.page.getByRole('dialog');
    await dialog.getByRole('checkbox', { name: /^From the node that failed where that can be/ }).check();
    await clean(w.page);
    await shot(w.page, 'jobs-retry-dialog');
    await dialog.getByRole('button', { name: 'Retry it' }).click();
    await w.page.getByText('Retry: 1 of 1 done, 0 failed, 0 left as they were.').waitFor();
    expect(w.faults).toEqual([]);
    await w.context.close();
  });
  it('has a menu for each row, by click and by key, and links a job with the one that repeats it', async () => {
    const w = await open(browser);
    await w.page.goto(`${server.url}/fleet/jobs?range=1h`);
    const table = w.page.getByRole('table', { name: 'Jobs' });
    const row = table.getByRole('row').filter({ hasText: `…${(ids.cancelled ?? '').slice(-8)}` });
    await row.getByRole('button', { name: /^Actions of job/ }).click();
    const menu = w.page.getByRole('menu');
    await menu.getByRole('menuitem', { name: 'Retry r', exact: true }).waitFor();
    await clean(w.page);
    await shot(w.page, 'jobs-menu');
    await w.page.keyboard.press('Escape');
    await menu.waitFor({ state: 'detached' });
    await row.getByRole('button', { name: /^Actions of job/ }).click();
    // What is likely is one Enter away, and the rest is there, too, in both forms.
    await w.context.grantPermissions(['clipboard-read', 'clipboard-write']);
    const clipboard = () => w.page.evaluate(() => navigator.clipboard.readText());
    await menu.getByRole('menuitem', { name: /^Copy as CLI/ }).click();
    const told = w.page.getByRole('dialog', { name: /^Commands of invoices/ });
    await told.getByText(`fleet job log ${ids.cancelled}`, { exact: true }).waitFor();
    await clean(w.page);
    await shot(w.page, 'jobs-commands');
    await w.page.keyboard.press('Enter');
    await told.getByText('“Retry” is copied.').waitFor();
    expect(await clipboard()).toBe(`fleet job retry ${ids.cancelled}`);
    await told.getByRole('radio', { name: 'As curl' }).check();
    await told.getByRole('button', { name: 'Copy: Show' }).click();
    await expect.poll(clipboard).toBe(`curl -H "Authorization: Bearer $FLEET_KEY" ${server.url}/api/v1/jobs/${ids.cancelled}`);
    await w.page.keyboard.press('Escape');
    await told.waitFor({ state: 'detached' });
    await w.page.keyboard.press('Shift+C'); // of no row: of the list
    await expect.poll(clipboard).toBe('fleet job list --since 1h');
    await row.getByRole('button', { name: /^Actions of job/ }).click();
    await menu.getByRole('menuitem', { name: 'Retry r', exact: true }).click();
    await w.page.getByText(/^New job ….{8} from ….{8} ·/).waitFor();
    await row.getByText(/^retried as/).waitFor();
    await row.getByRole('link', { name: /^…/ }).last().click();
    await w.page.waitForURL('**/fleet/jobs/*');
    expect(w.page.url()).not.toContain(ids.cancelled);
    expect(w.faults).toEqual([]);
    await w.context.close();
  });
  it('asks the same of many jobs that keys have chosen, in one operation with a result for each', async () => {
    const w = await open(browser);
    const asked: string[] = [];
    w.page.on('request', (r) => {
      if (r.method() === 'POST') asked.push(new URL(r.url()).pathname);
    });
    await w.page.goto(`${server.url}/fleet/jobs?status=pending&why=no_match`);
    const table = w.page.getByRole('table', { name: 'Jobs' });
    await expect.poll(() => table.getByRole('row').count()).toBeGreaterThan(2);
    const rows = (await table.getByRole('row').count()) - 1;
    await w.page.keyboard.press('ArrowDown');
    await w.page.keyboard.press('x');
    const bar = w.page.getByRole('region', { name: 'What is chosen' });
    await bar.getByText('1 job selected (1 pending)').waitFor();
    await w.page.keyboard.press('Shift+ArrowDown');
    await bar.getByText('2 jobs selected (2 pending)').waitFor();
    const saved = async (format: string) => {
      const [file] = await Promise.all([w.page.waitForEvent('download'), w.page.getByRole('menuitem', { name: format }).click()]);
      return readFileSync(await file.path(), 'utf8')
        .trim()
        .split('\n');
    };
    await bar.getByRole('button', { name: 'Export ▾' }).click();
    const two = await saved('As CSV');
    expect(two[0]).toMatch(/^job_id,status,workflow_id,/);
    expect(two.slice(1).map((line) => line.split(',')[1])).toEqual(['pending', 'pending']);
    await w.page.getByText('jobs.csv is saved.').waitFor();
    await w.page.getByRole('button', { name: 'Export ▾' }).first().click(); // of all that match
    const all = (await saved('As JSON lines')).map((line) => JSON.parse(line) as { waiting_reason: string });
    expect(all.map((j) => j.waiting_reason)).toEqual(Array.from({ length: rows }, () => 'no_match'));
    await w.page.keyboard.press('Control+a');
    await bar.getByText(`${rows} jobs selected (${rows} pending)`).waitFor();
    await bar.getByRole('button', { name: 'Cancel…' }).click();
    const dialog = w.page.getByRole('dialog');
    await dialog.getByText(`${rows} pending: cancelled at once.`).waitFor();
    await clean(w.page);
    await shot(w.page, 'jobs-bulk-dialog');
    await dialog.getByRole('button', { name: 'Cancel them' }).click();
    await w.page.getByText(`Cancel: ${rows} of ${rows} done, 0 failed, 0 left as they were.`).waitFor();
    await w.page.getByText('No job matches these 2 filters in the last 24 h.').waitFor();
    await clean(w.page);
    await shot(w.page, 'jobs-bulk-result');
    expect(asked.filter((p) => p.includes('/jobs'))).toEqual(['/api/v1/jobs/bulk-actions']);
    expect(w.faults).toEqual([]);
    await w.context.close();
  });
  it('makes jobs that wait more urgent and moves them to a robot, one by its menu and all that match at once', async () => {
    const rest = async (what: string) => {
      for (const r of ['dev-1', 'dev-2']) await ask(server.url, 'POST', `/robots/${r}/${what}`, {});
    };
    await rest('pause');
    const made = await ask<{ workflow_id: string }>(server.url, 'PUT', '/workflows', { workflow_name: 'letters', workflow_json: doc('letters') });
    await ask(server.url, 'POST', '/jobs/bulk', { jobs: Array.from({ length: 120 }, () => ({ workflow_id: made.workflow_id })) });
    const w = await open(browser);
    await w.page.goto(`${server.url}/fleet/jobs?status=pending&workflow=${made.workflow_id}`);
    const table = w.page.getByRole('table', { name: 'Jobs' });
    await expect.poll(() => table.getByRole('row').count()).toBe(101);
    // One by its menu: a name that is typed finds the robot, and the list says how it is and what it has room for.
    const row = table.getByRole('row').nth(1);
    const id = (await row.getByRole('cell').nth(2).getAttribute('title')) ?? '';
    await row.getByRole('button', { name: /^Actions of job/ }).click();
    await w.page.getByRole('menuitem', { name: 'Move to robot…' }).click();
    const dialog = w.page.getByRole('dialog');
    await dialog.getByText('1 pending: asks for that robot from now on.').waitFor();
    expect(await dialog.getByRole('button', { name: 'Move it' }).isDisabled()).toBe(true);
    await dialog.getByRole('searchbox', { name: 'Find a robot' }).fill('ev-2');
    await dialog.getByText('1 of 1 robot shown · 0 can take a job').waitFor();
    expect(await dialog.getByRole('row', { name: /dev-1/ }).count()).toBe(0);
    await dialog.getByRole('row', { name: /dev-2/ }).click();
    await dialog.getByText('dev-2 is paused. It waits until it takes work again.').waitFor();
    await clean(w.page);
    await shot(w.page, 'jobs-move-dialog');
    await dialog.getByRole('button', { name: 'Move it' }).click();
    await dialog.waitFor({ state: 'detached' });
    await w.page.getByText(`…${id.slice(-8)}: waits for dev-2.`).waitFor();
    expect((await ask<{ target_robot_id: string }>(server.url, 'GET', `/jobs/${id}`)).target_robot_id).toBe('dev-2');
    await row.getByRole('button', { name: /^Actions of job/ }).click();
    await w.page.getByRole('menuitem', { name: 'Set priority…' }).click();
    await dialog.getByRole('radio', { name: 'Critical (0)' }).check();
    await clean(w.page);
    await dialog.getByRole('button', { name: 'Set it to Critical (0)' }).click();
    await row.getByText('Critical').waitFor();
    // All that match, also those that are not on the page.
    await w.page.keyboard.press('Control+a');
    const bar = w.page.getByRole('region', { name: 'What is chosen' });
    await bar.getByText('All jobs that match selected').waitFor();
    await bar.getByRole('button', { name: 'Set priority…' }).click();
    await dialog.getByText('Those that wait are that urgent from now on.').waitFor();
    await dialog.getByRole('spinbutton', { name: 'Another number, 0 to 20' }).fill('21');
    expect(await dialog.getByRole('button', { name: 'Set the priority' }).isDisabled()).toBe(true);
    await dialog.getByRole('radio', { name: 'High (5)' }).check();
    await shot(w.page, 'jobs-priority-dialog');
    await dialog.getByRole('button', { name: 'Set it to High (5)' }).click();
    await w.page.getByText('Set priority: 120 of 120 done, 0 failed, 0 left as they were.').waitFor();
    await w.page.keyboard.press('Control+a');
    await bar.getByRole('button', { name: 'Move to robot…' }).click();
    await dialog.getByRole('row', { name: /Any suitable robot/ }).click();
    await dialog.getByRole('button', { name: 'Let any robot take them' }).click();
    await w.page.getByText('Move to robot: 1 of 120 done, 0 failed, 119 left as they were.').waitFor();
    const count = async (q: string) => (await ask<{ jobs: unknown[] }>(server.url, 'GET', `/jobs?limit=500&workflow_id=${made.workflow_id}&${q}`)).jobs.length;
    expect([await count('priority=5'), await count('priority=0')]).toEqual([120, 0]);
    await rest('resume');
    await w.page.getByText('No job matches these 2 filters in the last 24 h.').waitFor();
    await w.page.goto(`${server.url}/fleet/jobs?status=completed&workflow=${made.workflow_id}`);
    await table
      .getByRole('row')
      .nth(1)
      .getByRole('button', { name: /^Actions of job/ })
      .click();
    const why = w.page.getByRole('menuitem', { name: /^Move to robot/ });
    expect(await why.getAttribute('aria-disabled')).toBe('true');
    await why.getByText('Only a job that waits can be changed.').waitFor();
    expect(w.faults).toEqual([]);
    await w.context.close();
  });
  it('keeps a row that no longer matches under the hand, dimmed, until it is let go', async () => {
    const run = await workflow(server.url, 'held', doc('held'));
    const [one, other] = [await run({ placement: { capabilities: ['gpu'] } }), await run({ placement: { capabilities: ['gpu'] } })];
    const w = await open(browser);
    await w.page.goto(`${server.url}/fleet/jobs?status=pending&q=held`);
    const table = w.page.getByRole('table', { name: 'Jobs' });
    const row = table.getByRole('row').filter({ hasText: `…${one.slice(-8)}` });
    await row.hover();
    await ask(server.url, 'POST', `/jobs/${one}/cancel`, {});
    await expect.poll(() => row.getAttribute('data-gone'), { timeout: 15_000 }).toBe('true');
    await clean(w.page);
    await w.page.keyboard.press('.');
    await row.waitFor({ state: 'detached' });
    await table
      .getByRole('row')
      .filter({ hasText: `…${other.slice(-8)}` })
      .waitFor();
    await w.page.keyboard.press('f');
    expect(await w.page.getByLabel('Reason').evaluate((e) => e === document.activeElement)).toBe(true);
    expect(w.faults).toEqual([]);
    await w.context.close();
  });
  it('narrows the time by a brush over the histogram, and widens it again', async () => {
    const w = await open(browser);
    await w.page.goto(`${server.url}/fleet/jobs?range=1h`);
    const slider = w.page.getByRole('slider');
    await slider.focus();
    await w.page.keyboard.press('ArrowLeft');
    await w.page.keyboard.press('Shift+ArrowLeft');
    await w.page.keyboard.press('Enter');
    await w.page.waitForURL('**/fleet/jobs?*from=*');
    await w.page.getByText(/jobs? in the chosen time, newest first/).waitFor();
    await w.page.getByRole('button', { name: 'Whole range' }).click();
    await w.page.getByText(/jobs in the last 24 h, newest first/).waitFor();
    expect(w.faults).toEqual([]);
    await w.context.close();
  });
  it('shows how long a job that ignores the stop has left, and ends it by force', async () => {
    const run = await workflow(server.url, 'slow', slow);
    const bot = await robot(server.url, 'bot-stop');
    bots.push(bot);
    const id = await run({ target_robot_id: 'bot-stop' });
    const w = await open(browser);
    await w.page.goto(`${server.url}/fleet/jobs`);
    const row = w.page.getByRole('row').filter({ hasText: `…${id.slice(-8)}` });
    await row.getByText('Running').waitFor();
    await row.getByRole('button', { name: /^Actions of job/ }).click();
    await w.page.getByRole('menuitem', { name: /^Cancel/ }).click();
    const dialog = w.page.getByRole('dialog');
    await dialog.getByRole('button', { name: 'Cancel the job' }).click();
    await row.getByText(/^Cancelling… \d+ s left/).waitFor();
    const left = async () => Number(/(\d+) s left/.exec((await row.textContent()) ?? '')?.[1]);
    const first = await left();
    expect(first).toBeLessThanOrEqual(60); // the grace, without the time for the robot's word of it
    await expect.poll(left, { timeout: 15_000 }).toBeLessThan(first); // it counts down
    await clean(w.page);
    await shot(w.page, 'jobs-cancelling');
    await row.getByRole('button', { name: 'Force stop' }).click();
    await dialog.getByText('does not come to the end of its step', { exact: false }).waitFor();
    await dialog.getByRole('button', { name: 'Force stop' }).click();
    await row.getByText('Cancelled').first().waitFor();
    expect((await ask<{ cancel_outcome: string }>(server.url, 'GET', `/jobs/${id}`)).cancel_outcome).toBe('forced');
    expect(await row.getByRole('button', { name: 'Force stop' }).count()).toBe(0);
    expect(w.faults).toEqual([]);
    await w.context.close();
    await bot.kill('SIGTERM');
  });
  it('says for how long nothing was heard of the robot of a job that runs', async () => {
    const run = await workflow(server.url, 'slow', slow);
    const bot = await robot(server.url, 'bot-dies');
    bots.push(bot);
    const id = await run({ target_robot_id: 'bot-dies' });
    const w = await open(browser);
    await w.page.goto(`${server.url}/fleet/jobs`);
    const row = w.page.getByRole('row').filter({ hasText: `…${id.slice(-8)}` });
    await row.getByText('Running').waitFor();
    await bot.kill('SIGKILL');
    await row.getByText(/· robot silent \d+ s/).waitFor({ timeout: 75_000 });
    const since = async () => Number(/silent (?:(\d+) min )?(\d+) s/.exec((await row.textContent()) ?? '')?.[2]);
    const first = await since();
    await expect.poll(since, { timeout: 15_000 }).not.toBe(first); // it counts on
    await row.getByText('Running').waitFor(); // silent is a remark, and no state
    await clean(w.page);
    await shot(w.page, 'jobs-silent');
    expect(w.faults).toEqual([]);
    await w.context.close();
  });
});

describe('the jobs of a busy fleet', () => {
  for (const [width, height] of [
    [1440, 900],
    [390, 844],
  ] as const)
    it(`is accessible at ${width}, dark and light`, async () => {
      const w = await open(browser, { width, height });
      await w.page.goto(`${demo.url}/fleet/jobs`);
      await w.page.getByRole('table', { name: 'Jobs' }).waitFor();
      await w.page.getByRole('region', { name: 'Jobs over time' }).waitFor();
      expect(await w.page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth)).toBe(false);
      const table = w.page.getByRole('table', { name: 'Jobs' });
      expect(await table.evaluate((t) => t.scrollWidth > t.clientWidth)).toBe(false);
      if (width === 390) {
        // Two lines: what it is and how it does, and beside that which one and since when.
        const row = table.getByRole('row').first();
        expect((await row.boundingBox())?.height).toBe(56);
        expect(await row.getByRole('cell').count()).toBe(4);
        await row.getByRole('link', { name: /^…/ }).first().waitFor();
        await row.getByRole('button', { name: /^Actions of job/ }).click();
        await w.page.getByRole('menuitem', { name: 'Set priority…' }).waitFor();
        await shot(w.page, 'jobs-menu-390');
        await w.page.keyboard.press('Escape');
      }
      for (const colorScheme of ['dark', 'light'] as const) {
        await w.page.emulateMedia({ colorScheme });
        await clean(w.page);
        await shot(w.page, `jobs-busy-${width}-${colorScheme}`);
      }
      expect(w.faults).toEqual([]);
      await w.context.close();
    });
});
