import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask, clean, dev, launch, open, type Program, shot, themes, workflow } from './harness';

let browser: Browser;
let server: Program;

const chain = (name: string, nodes: [string, string, object][]) => ({
  metadata: { name, version: '1.0.0' },
  nodes: Object.fromEntries(nodes.map(([id, type, config], i) => [id, { node_id: id, node_type: type, config, position: [260 * i, 0] }])),
  connections: nodes.slice(1).map(([id], i) => ({ source_node: nodes[i]?.[0], source_port: 'exec_out', target_node: id, target_port: 'exec_in' })),
});

const log = (message: string, level = 'info') => ({ message, level });

let failing: (more?: object) => Promise<string>;
let slow: (more?: object) => Promise<string>;

beforeAll(async () => {
  [browser, server] = await Promise.all([launch(), dev()]);
  failing = await workflow(
    server.url,
    'Pay invoices',
    chain('Pay invoices', [
      ['start', 'StartNode', {}],
      ...Array.from({ length: 30 }, (_, i): [string, string, object] => [`say_${i}`, 'LogNode', log(`line ${i}`)]),
      ['warn', 'LogNode', log('\u001b[33mthe amount looks odd\u001b[0m', 'error')],
      ['read', 'ReadFileNode', { file_path: '/nowhere/invoices.csv' }],
    ]),
  );
  slow = await workflow(
    server.url,
    'Long run',
    chain('Long run', [
      ['start', 'StartNode', {}],
      ['first', 'LogNode', log('begun')],
      ['pause', 'WaitNode', { duration: 60 }],
      ['last', 'LogNode', log('done')],
    ]),
  );
});

const robots: ChildProcess[] = []; // that a test started beside the program

const ended = () =>
  Promise.all(
    robots.splice(0).map((r) => {
      const gone = r.exitCode !== null || r.signalCode !== null ? Promise.resolve() : new Promise<void>((done) => r.once('exit', () => done()));
      r.kill('SIGKILL');
      return gone;
    }),
  );

afterAll(async () => {
  await ended();
  await browser?.close();
  await server?.stop();
});

describe('the page of a job', () => {
  it('opens a failed one at its first error, and makes a new job of it @main', async () => {
    const id = await failing({ retry: { max: 0 }, variables: { month: 'May' } });
    const w = await open(browser);
    const { page } = w;
    await page.goto(`${server.url}/fleet/jobs/${id}`);
    const head = page.getByRole('main');
    await head.getByText('Failed').first().waitFor();
    await page
      .getByRole('region', { name: 'Now' })
      .getByText(/outside of the job’s folder|outside of the job's folder/)
      .waitFor();
    const lines = page.getByRole('region', { name: 'Log' });
    await lines.getByText('the amount looks odd').waitFor();
    await lines.getByText('line 29').waitFor();
    const timeline = page.getByRole('list', { name: 'Timeline' });
    await timeline.getByText('Attempt 1 on dev-').waitFor();
    await timeline.getByRole('button', { name: /read$/ }).waitFor();
    await themes(page, 'job-failed');

    // Search through all lines, by the keyboard.
    await page.getByRole('searchbox', { name: 'Search all lines' }).fill('LINE 1');
    await page.getByText('11 lines').waitFor();
    await page.getByRole('button', { name: 'Next match' }).click();
    await page.getByText('1 of 11 lines').waitFor();
    await lines.locator('mark').first().waitFor();

    // The keys of the log work on the page, and are on the sheet of keys.
    await page.getByRole('searchbox', { name: 'Search all lines' }).blur();
    await page.keyboard.press('Shift+N');
    await page.getByText('11 of 11 lines').waitFor();
    await page.keyboard.press('g');
    await page.keyboard.press('g');
    await lines.locator('[data-chosen]').getByText('[say_0] line 0').waitFor();
    await page.keyboard.press('w');
    await page.getByRole('button', { name: 'Wrap', pressed: true }).waitFor();
    await page.keyboard.press('o');
    await page.getByRole('button', { name: 'Newest first', pressed: true }).waitFor();
    expect(page.url()).toContain('order=new');
    await page.keyboard.press('o');
    await page.keyboard.press('w');
    await page.keyboard.press('e');
    await lines.locator('[data-chosen]').getByText('the amount looks odd').waitFor();
    await page.keyboard.press('?');
    await page.getByRole('dialog').getByText('Error before').waitFor();
    await page.keyboard.press('Escape');
    await page.keyboard.press('Shift+F');
    await shot(page, 'job-log-full-dark');
    await page.keyboard.press('Escape');
    await page.locator('[data-full]').waitFor({ state: 'detached' });

    // Lines that follow each other have one address.
    await lines.getByRole('button', { name: 'Link to line 31 of attempt 1' }).click();
    await lines.getByRole('button', { name: 'Link to line 29 of attempt 1' }).click({ modifiers: ['Shift'] });
    await page.waitForURL(/line=1\.29-31/);
    expect(await lines.locator('[data-chosen]').count()).toBe(3);
    await page.getByRole('searchbox', { name: 'Search all lines' }).fill('');
    await page.getByRole('button', { name: 'More ▾' }).click();
    await clean(page);
    const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('menuitem', { name: 'Download all lines' }).click()]);
    expect(readFileSync((await file.path()) ?? '', 'utf8').split('\n').length).toBe(32);

    // A node that is chosen is chosen everywhere, and in the address.
    await timeline.getByRole('button', { name: /read$/ }).click();
    await page.getByRole('tab', { name: 'Nodes' }).click();
    await page.getByText('Only read.').waitFor();
    expect(page.url()).toContain('node=read');
    await page.getByRole('tab', { name: 'Graph' }).click();
    await page.locator('.react-flow__node.selected').getByText('read').first().waitFor();
    await page.locator('.react-flow__node').getByText('Failed').first().waitFor();
    await themes(page, 'job-graph');
    expect(w.faults).toEqual([]);
    await w.context.close();
  });

  it('shows what went in and out, and makes a new job of it', async () => {
    const id = await failing({ retry: { max: 0 }, variables: { month: 'May' } });
    const w = await open(browser);
    const { page } = w;
    await page.goto(`${server.url}/fleet/jobs/${id}`);
    await page.getByRole('button', { name: 'Retry…' }).waitFor();
    for (const tab of ['Variables', 'Artifacts', 'Attempts', 'Events', 'Raw']) {
      await page.getByRole('tab', { name: tab }).click();
      await page
        .getByText(/^Loading /)
        .first()
        .waitFor({ state: 'detached' });
      await clean(page);
      await shot(page, `job-${tab.toLowerCase()}-dark`);
    }
    await page.goBack();
    await page.getByRole('tab', { name: 'Events' }).and(page.locator('[aria-selected=true]')).waitFor();

    await page.getByRole('button', { name: 'Retry…' }).click();
    await page
      .getByRole('dialog')
      .getByText(/Both link|both link/)
      .waitFor();
    await clean(page);
    await page.getByRole('button', { name: 'Make a new job' }).click();
    await page.getByRole('link', { name: 'Open the new job' }).click();
    await page.getByText('Retry of').waitFor();
    await page.getByRole('tab', { name: 'Variables' }).click();
    await page.getByText('Compared with').waitFor();
    await page.getByRole('table', { name: 'Went in' }).getByText('May').waitFor();
    await themes(page, 'job-variables');
    await page.getByRole('tab', { name: 'Log' }).click();
    await page.getByRole('link', { name: `…${id.slice(-8)}` }).click();
    await page.getByText('Retried as').waitFor();

    // A dead letter says so, and can be hidden; a copy has other variables, and the same robot is asked for by name.
    await page.getByRole('button', { name: 'Retry…' }).first().click();
    await page.getByRole('radio', { name: /On the same robot, dev-/ }).check();
    await clean(page);
    await page.getByRole('button', { name: 'Make a new job' }).click();
    await page.getByRole('link', { name: 'Open the new job' }).click();
    await page.waitForURL((u) => !u.pathname.endsWith(id));
    const made = page.url().split('/').at(-1)?.split('?')[0] ?? '';
    expect((await ask<{ target_robot_id?: string }>(server.url, 'GET', `/jobs/${made}`)).target_robot_id).toMatch(/^dev-/);
    await page.getByText(/^Dead letter:/).waitFor();
    await page.getByRole('button', { name: 'Hide' }).click();
    await page.getByText('It is no dead letter any more. The job stays.').waitFor();
    await page.getByRole('button', { name: 'Clone…' }).click();
    await page.getByRole('textbox', { name: /^Variables/ }).fill('{"month":');
    await page.getByRole('button', { name: 'Submit the new job' }).click();
    await page.getByRole('alert').getByText('Variables must be a JSON object.').waitFor();
    await page.getByRole('textbox', { name: /^Variables/ }).fill('{"month":"June"}');
    await themes(page, 'job-clone');
    await page.getByRole('button', { name: 'Submit the new job' }).click();
    await page.getByRole('link', { name: 'Open the new job' }).click();
    await page.waitForURL((u) => !u.pathname.endsWith(made));
    await page.getByRole('tab', { name: 'Variables' }).click();
    await page.getByText('June').waitFor();
    await page.getByRole('button', { name: 'Copy ▾' }).click();
    await clean(page);
    await shot(page, 'job-copy-dark');
    await page.keyboard.press('Escape');
    expect(w.faults).toEqual([]);
    await w.context.close();
  });

  it('goes on from the node that failed, and says why where it cannot', async () => {
    const id = await failing({ retry: { max: 0 } });
    const w = await open(browser);
    const { page } = w;
    await page.goto(`${server.url}/fleet/jobs/${id}`);
    await page.getByRole('button', { name: 'Retry…' }).first().click();
    await page.getByText('Normal · as usual in the tenant').waitFor();
    await page.getByRole('radio', { name: /^The node that failed, read/ }).check();
    await themes(page, 'job-retry-from');
    await page.setViewportSize({ width: 390, height: 844 });
    await clean(page);
    await shot(page, 'job-retry-from-narrow');
    await page.setViewportSize({ width: 1440, height: 900 });
    await page.getByRole('button', { name: 'Make a new job' }).click();
    await page.getByRole('link', { name: 'Open the new job' }).click();
    await page.waitForURL((u) => !u.pathname.endsWith(id));
    await page.getByText('from node read').waitFor();
    await page.getByText('Normal · as the job before').waitFor();
    await page.getByRole('tab', { name: 'Nodes' }).click();
    await page.getByText(/^Done before, in the job that this one repeats: start, say_0,/).waitFor();
    const table = page.getByRole('region', { name: 'What happened' }).getByRole('row');
    await table.filter({ hasText: 'Failed' }).waitFor();
    expect(await table.count()).toBe(2);
    await themes(page, 'job-done-before');
    await page.getByRole('tab', { name: 'Graph' }).click();
    await page.locator('.react-flow__node').getByText('Done before').first().waitFor();
    await clean(page);
    await shot(page, 'job-done-before-graph-dark');

    const keeps = await workflow(
      server.url,
      'Keep a file',
      chain('Keep a file', [
        ['start', 'StartNode', {}],
        ['write', 'WriteFileNode', { file_path: 'kept.txt', content: 'x' }],
        ['read', 'ReadFileNode', { file_path: '/nowhere/invoices.csv' }],
      ]),
    );
    await page.goto(`${server.url}/fleet/jobs/${await keeps({ retry: { max: 0 } })}`);
    await page.getByRole('button', { name: 'Retry…' }).first().click();
    await page.getByText('The folder of the job holds kept.txt, and it goes with the attempt.').waitFor();
    expect(await page.getByRole('radio', { name: 'The node that failed' }).isDisabled()).toBe(true);
    await clean(page);
    await shot(page, 'job-not-resumable-dark');
    expect(w.faults).toEqual([]);
    await w.context.close();
  });

  it('says why one waits, and what would help', async () => {
    const id = await slow({ placement: { capabilities: ['gpu'] } });
    const w = await open(browser);
    const { page } = w;
    await page.goto(`${server.url}/fleet/jobs/${id}`);
    const why = page.getByRole('region', { name: 'Why is it waiting?' });
    await why.getByText(/2 robots looked at: 0 fit, 0 of them free · 2 lack a capability\./).waitFor();
    await why.getByText('it did not need gpu').waitFor();
    await why.getByRole('button', { name: 'Robot by robot' }).click();
    await why
      .getByText(/Capability: gpu is wanted, lacks gpu/)
      .first()
      .waitFor();
    await themes(page, 'job-waiting');

    // What helps is a button: the same job without the demand, in place of this one.
    await page.setViewportSize({ width: 390, height: 844 });
    await shot(page, 'job-waiting-390-dark');
    await page.setViewportSize({ width: 1440, height: 900 });
    await why.getByRole('button', { name: 'Drop gpu…' }).click();
    await page.getByRole('checkbox', { name: 'Cancel this one' }).waitFor();
    expect(await page.getByRole('textbox', { name: /^Capabilities/ }).inputValue()).toBe('');
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Cancel…' }).click();
    await page.getByRole('textbox', { name: 'Reason' }).fill('not needed any more');
    await page.getByRole('button', { name: 'Cancel the job' }).click();
    await page.getByRole('button', { name: 'Retry…' }).waitFor();
    expect(w.faults).toEqual([]);
    await w.context.close();
  });

  it('lets any robot take one that waits for a certain one', async () => {
    await ask(server.url, 'POST', '/robots/dev-1/pause', {});
    const id = await slow({ target_robot_id: 'dev-1' });
    const w = await open(browser);
    const { page } = w;
    await page.goto(`${server.url}/fleet/jobs/${id}`);
    await page.getByRole('region', { name: 'Why is it waiting?' }).getByRole('button', { name: 'Let any robot take it' }).click();
    await page.getByRole('link', { name: 'dev-2' }).first().waitFor(); // the very job, in place
    expect(page.url()).toContain(id);
    await ask(server.url, 'POST', `/jobs/${id}/cancel`, { force: true });
    await ask(server.url, 'POST', '/robots/dev-1/resume', {});
    expect(w.faults).toEqual([]);
    await w.context.close();
  });

  it('follows one that runs, and stops it @main', async () => {
    const id = await slow();
    const w = await open(browser, { width: 390, height: 844 });
    const { page } = w;
    await page.goto(`${server.url}/fleet/jobs/${id}`);
    await page.getByRole('main').getByText('Running').first().waitFor();
    await page.getByRole('region', { name: 'Log' }).getByText('begun').waitFor();
    await page
      .getByRole('list', { name: 'Timeline' })
      .getByRole('button', { name: /pause$/ })
      .waitFor();
    expect(await page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth)).toBe(false);
    await themes(page, 'job-running-390');
    await page.getByRole('button', { name: 'Cancel…' }).click();
    await page.getByRole('button', { name: 'Cancel the job' }).click();
    await page
      .getByRole('region', { name: 'Now' })
      .getByText(/left, then it is stopped by force/)
      .waitFor();
    await page.getByRole('button', { name: 'Force stop…' }).click();
    await clean(page);
    await page.getByRole('button', { name: 'Stop by force' }).click();
    await page.getByRole('button', { name: 'Retry…' }).waitFor();
    expect((await ask<{ status: string }>(server.url, 'GET', `/jobs/${id}`)).status).toBe('cancelled');
    expect(w.faults).toEqual([]);
    await w.context.close();
  });

  it('asks a person of each step whether it was done, and refuses an answer to what has changed', async () => {
    // A robot of its own, whose step ends it: nobody knows whether that step was done.
    const home = mkdtempSync(join(tmpdir(), 'fleet-payer-'));
    const env = { PATH: process.env.PATH ?? '', HOME: home };
    const bin = process.env.FLEET_BIN ?? join(import.meta.dirname, '../../bin/fleet');
    const { secret } = await ask<{ secret: string }>(server.url, 'POST', '/keys', { kind: 'robot', robot_id: 'payer' });
    const there = async () => {
      while (!(await ask<{ robots: { robot_id: string }[] }>(server.url, 'GET', '/robots?limit=100')).robots.some((r) => r.robot_id === 'payer'))
        await new Promise((again) => setTimeout(again, 50));
    };
    const robot = () =>
      robots.push(
        spawn(bin, ['robot', 'run', '--url', server.url, '--data-dir', home, '--name', 'payer', '--allow-shell', '--drain-timeout', '100ms'], {
          env: { ...env, FLEET_ROBOT_KEY: secret },
          stdio: 'ignore',
        }),
      );
    robot();
    await there();
    const doc = chain('Pay', [
      ['start', 'StartNode', {}],
      ['say', 'LogNode', log('about to pay')],
      ['pay', 'RunCommandNode', { command: 'kill -TERM $PPID; sleep 60', shell: true, allow_dangerous: true, timeout: 100 }],
      ['done', 'LogNode', log('paid')],
    ]);
    const pay = await workflow(server.url, 'Pay', { ...doc, settings: { fleet: { effects: { pay: true } } } });
    const id = await pay({ target_robot_id: 'payer' });
    const w = await open(browser);
    const { page } = w;
    await page.goto(`${server.url}/fleet/jobs/${id}`);
    const asks = page.getByRole('region', { name: 'Decision' });
    await asks.getByText('A person has to decide').waitFor();
    await asks.getByText('about to pay').waitFor();
    const again = asks.getByRole('button', { name: 'Run again' });
    const reason = asks.getByRole('textbox', { name: /^Reason/ });
    await reason.fill('seen in the bank');
    await asks.getByText('Say first whether pay was done.').waitFor();
    expect(await again.isDisabled()).toBe(true);
    expect(await asks.getByRole('button', { name: 'Mark completed' }).isEnabled()).toBe(true);
    await asks.getByRole('radio', { name: 'Done (skip it)', exact: true }).check();
    await asks.getByRole('textbox', { name: /^Its outputs/ }).fill('{"exit_code": 0}');
    await themes(page, 'job-decide');
    await page.setViewportSize({ width: 390, height: 844 });
    await shot(page, 'job-decide-390-dark');
    await page.setViewportSize({ width: 1440, height: 900 });

    // Somebody else answers first, while this page does not hear of it: the answer made here is refused.
    const version = (await ask<{ version: number }>(server.url, 'GET', `/jobs/${id}`)).version;
    await page.route('**/decide', async (route) => {
      expect(route.request().headers()['if-match']).toBe(`"${version}"`);
      await ask(server.url, 'POST', `/jobs/${id}/decide`, { decision: 'retry', reason: 'first', effects: [{ node_id: 'pay', done: true }] });
      const answer = await route.fetch();
      expect(answer.status()).toBe(412);
      await route.fulfill({ response: answer });
    });
    await again.click();
    await asks.waitFor({ state: 'detached' });
    await page.unroute('**/decide');

    // The step that was done is skipped: the robot lives, and the job completes.
    robot();
    await page.getByRole('main').getByText('Completed').first().waitFor();
    await page.getByRole('region', { name: 'Log' }).getByText('paid').first().waitFor();
    expect(w.faults.filter((f) => !f.includes('412'))).toEqual([]);
    await w.context.close();
    await ended();
    rmSync(home, { recursive: true, force: true });
  });

  it('draws its nodes with their passes, marks the critical path, and looks at a part', async () => {
    const flow = (a: string, port: string, b: string, to = 'exec_in') => ({ source_node: a, source_port: port, target_node: b, target_port: to });
    const doc = chain('Two ways', [
      ['start', 'StartNode', {}],
      ['fork', 'ForkNode', { branch_count: 2 }],
      ['slow', 'WaitNode', { duration: 1 }],
      ['quick', 'WaitNode', { duration: 0.3 }],
      ['join', 'JoinNode', {}],
      ['loop', 'ForLoopStartNode', { mode: 'range', start: 0, end: 30 }],
      ['body', 'LogNode', log('pass')],
      ['back', 'ForLoopEndNode', { paired_start_id: 'loop' }],
      ['end', 'LogNode', log('end')],
    ]);
    const ways = await workflow(server.url, 'Two ways', {
      ...doc,
      connections: [
        flow('start', 'exec_out', 'fork'),
        flow('fork', 'branch_1', 'slow'),
        flow('fork', 'branch_2', 'quick'),
        flow('slow', 'exec_out', 'join'),
        flow('quick', 'exec_out', 'join'),
        flow('join', 'exec_out', 'loop'),
        flow('loop', 'body', 'body'),
        flow('body', 'exec_out', 'back'),
        flow('loop', 'completed', 'end'),
      ],
    });
    const id = await ways();
    const w = await open(browser);
    const { page } = w;
    await page.goto(`${server.url}/fleet/jobs/${id}`);
    await page.getByRole('main').getByText('Completed').first().waitFor();
    const timeline = page.getByRole('list', { name: 'Timeline' });
    const row = (name: string | RegExp) => timeline.getByRole('listitem').filter({ has: page.getByRole('button', { name }) });
    await row(/slow$/).getByRole('img', { name: 'on the critical path' }).waitFor();
    expect(
      await row(/quick$/)
        .getByRole('img', { name: 'on the critical path' })
        .count(),
    ).toBe(0);
    await page.getByText(/◆ Critical path: \d+ of \d+ nodes, /).waitFor();

    // 30 passes are closed until somebody opens them, with a click or with the arrow keys.
    expect(await timeline.getByText(/Pass /).count()).toBe(0);
    await timeline.getByRole('button', { name: /^Open body, 30 in it/ }).click();
    await timeline.getByText('Pass 1').first().waitFor();
    await themes(page, 'job-timeline');
    await page.getByRole('tab', { name: 'Timeline' }).focus();
    await timeline.getByRole('button', { name: /body$/ }).focus();
    await page.keyboard.press('ArrowLeft');
    await timeline.getByText('Pass 1').first().waitFor({ state: 'detached' });
    await page.keyboard.press('ArrowRight');
    await timeline.getByText('Pass 1').first().waitFor();
    await page.keyboard.press('End');
    await page.waitForFunction(() => document.activeElement?.closest('li')?.textContent?.includes('end'));
    await page.keyboard.press('Home');
    await page.waitForFunction(() => document.activeElement?.closest('li')?.getAttribute('data-kind') !== 'node');

    // A part of the time is looked at by a drag or by keys, and is in the address.
    const axis = page.getByRole('slider', { name: /^Time\./ });
    const box = await axis.boundingBox();
    if (!box) throw new Error('the axis is nowhere');
    await page.mouse.move(box.x + 0.2 * box.width, box.y + 8);
    await page.mouse.down();
    await page.mouse.move(box.x + 0.6 * box.width, box.y + 8, { steps: 4 });
    await page.mouse.up();
    await page.waitForURL(/zoom=\d+-\d+/);
    await shot(page, 'job-timeline-part-dark');
    await page.reload();
    await page.getByRole('button', { name: 'Whole run' }).click();
    await page.waitForURL((u) => !u.search.includes('zoom'));
    await axis.focus();
    for (let i = 0; i < 10; i++) await page.keyboard.press('Shift+ArrowRight');
    await page.keyboard.press('Enter');
    await page.waitForURL(/zoom=\d+-\d+/);
    await axis.focus();
    await page.keyboard.press('Escape');
    await page.waitForURL((u) => !u.search.includes('zoom'));
    expect(w.faults).toEqual([]);
    await w.context.close();
  });

  it('has a lane for each robot when one failed and another tried again', async () => {
    const id = await failing({ retry: { application: { max: 1, delay_seconds: 3, jitter: 0, other_robot: 'must' } } });
    const w = await open(browser);
    const { page } = w;
    await page.goto(`${server.url}/fleet/jobs/${id}`);
    const timeline = page.getByRole('list', { name: 'Timeline' });
    await timeline.getByText('Robot dev-1').waitFor();
    await timeline.getByText('Robot dev-2').waitFor();
    await page.getByRole('main').getByText('Failed').first().waitFor();
    await page
      .getByRole('slider', { name: /^Time\./ })
      .getByText(/⋯ \d/)
      .first()
      .waitFor(); // the pause is folded
    await themes(page, 'job-lanes');
    await page.setViewportSize({ width: 390, height: 844 });
    await shot(page, 'job-lanes-390-light');
    expect(w.faults).toEqual([]);
    await w.context.close();
  });

  it('shows the files that one left', async () => {
    const leaves = await workflow(
      server.url,
      'Leaves files',
      chain('Leaves files', [
        ['start', 'StartNode', {}],
        ['pause', 'WaitNode', { duration: 4 }],
        ['list', 'WriteFileNode', { file_path: 'artifacts/list.csv', content: 'invoice;amount\n"A;1";12\n' }],
        [
          'page',
          'WriteFileNode',
          {
            file_path: 'artifacts/page.svg',
            content: '<svg xmlns="http://www.w3.org/2000/svg" width="320" height="180"><rect width="320" height="180" fill="#55aa99"/></svg>',
          },
        ],
        ['read', 'ReadFileNode', { file_path: '/nowhere/invoices.csv' }],
      ]),
    );
    const id = await leaves({ retry: { max: 0 } });
    const w = await open(browser);
    const { page } = w;
    await page.goto(`${server.url}/fleet/jobs/${id}?pane=artifacts`);
    await page.getByText('The job left no files.').waitFor();
    await page.getByRole('button', { name: 'Look into list.csv' }).waitFor(); // told while it is looked at
    await page.getByRole('tab', { name: 'Log' }).click();
    await page.getByRole('link', { name: 'Its picture' }).click();
    await page.getByRole('button', { name: 'Look into list.csv' }).click();
    await page.getByRole('table', { name: 'list.csv' }).getByText('A;1').waitFor();
    await page.getByRole('button', { name: 'Look into page.svg' }).click();
    await page.getByRole('img', { name: 'page.svg, attempt 1' }).waitFor();
    await page.waitForFunction(() => [...document.images].every((i) => i.complete && i.naturalWidth === 320));
    await themes(page, 'job-artifacts');
    const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'list.csv' }).click()]);
    expect(readFileSync((await file.path()) ?? '', 'utf8')).toContain('"A;1";12');
    expect(w.faults).toEqual([]);
    await w.context.close();
  });

  it('clones one that completed, which is not retried', async () => {
    const quick = await workflow(
      server.url,
      'Quick',
      chain('Quick', [
        ['start', 'StartNode', {}],
        ['say', 'LogNode', log('done')],
      ]),
    );
    const id = await quick();
    const w = await open(browser);
    const { page } = w;
    await page.goto(`${server.url}/fleet/jobs/${id}`);
    await page.getByRole('main').getByText('Completed').first().waitFor();
    await page.getByText('2 of 2 nodes').waitFor();
    expect(await page.getByRole('button', { name: /Retry|Run again/ }).count()).toBe(0);
    await page.getByRole('separator', { name: 'Width of the panes' }).press('ArrowRight');
    await page.getByRole('separator', { name: 'Width of the panes' }).and(page.locator('[aria-valuenow="55"]')).waitFor();
    await page.getByRole('button', { name: 'Clone…' }).click();
    await page.getByRole('button', { name: 'Submit the new job' }).click();
    await page.getByRole('link', { name: 'Open the new job' }).click();
    await page.waitForURL((u) => !u.pathname.endsWith(id));
    await page.getByRole('main').getByText('Completed').first().waitFor();
    expect(w.faults).toEqual([]);
    await w.context.close();
  });

  it('says so when there is none', async () => {
    const w = await open(browser);
    await w.page.goto(`${server.url}/fleet/jobs/01939c3e-0000-7000-8000-000000000000`);
    await w.page
      .getByRole('alert')
      .getByText(/01939c3e/)
      .waitFor();
    await w.context.close();
  });
});
