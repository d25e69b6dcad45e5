import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask, clean, dev, launch, open, type Program, themes } from './harness';

/** The page of one robot over a made-up fleet, and machines that come and meet. */
let browser: Browser;
let server: Program;

beforeAll(async () => {
  [browser, server] = await Promise.all([launch(), dev('--demo', '60', '--demo-seed', '7')]);
});

afterAll(async () => {
  await browser?.close();
  await server?.stop();
});

describe('the page of a robot', () => {
  it('has its parts, each with an address', async () => {
    const w = await open(browser);
    const { page } = w;
    let id = '';
    await expect
      .poll(
        async () => {
          const { jobs } = await ask<{ jobs: { robot_id?: string }[] }>(server.url, 'GET', '/jobs?status=completed&limit=1');
          id = jobs[0]?.robot_id ?? '';
          return id;
        },
        { timeout: 30_000 },
      )
      .not.toBe('');
    await page.goto(`${server.url}/fleet/robots/${id}`);
    await page.getByRole('heading', { level: 1, name: id }).waitFor();
    await page.getByRole('list', { name: 'Last results, the newest first' }).getByRole('link').first().waitFor();
    await page.getByRole('region', { name: 'Checks' }).getByRole('row').nth(8).waitFor();
    const time = page.getByRole('slider', { name: 'Time' });
    await time.focus();
    await page.keyboard.press('Home');
    const at = await time.getAttribute('aria-valuetext');
    await page.keyboard.press('ArrowRight');
    expect(await time.getAttribute('aria-valuetext')).not.toBe(at);
    await page.getByRole('button', { name: '7 days' }).click();
    expect(new URL(page.url()).searchParams.get('range')).toBe('7d');
    await page.getByRole('button', { name: 'View as table' }).click();
    await page.getByRole('region', { name: 'Its machine and slots, as a table' }).waitFor();
    await themes(page, 'robot-overview');
    const parts = page.getByRole('navigation', { name: 'Parts of the robot' });
    const to = async (name: string) => {
      await parts.getByRole('link', { name, exact: true }).click();
      await page.waitForURL(new RegExp(`tab=${name.toLowerCase()}`));
      expect(await parts.locator('[aria-current=page]').allTextContents()).toEqual([name]);
    };
    await to('Jobs');
    await page.getByRole('region', { name: 'Jobs of the robot' }).getByRole('row').nth(1).waitFor();
    await clean(page);
    await to('Logs');
    const log = page.getByRole('region', { name: 'Log of the robot' });
    const lines = () => log.getByRole('listitem').count();
    await log.getByRole('listitem').first().waitFor();
    await themes(page, 'robot-logs');
    const before = await lines();
    await page.waitForFunction((n) => document.querySelectorAll('[aria-label="Log of the robot"] li').length > n, before, { timeout: 60_000 }); // it goes on
    await to('Commands');
    await page.getByRole('button', { name: 'Maintenance…' }).click();
    const dialog = page.getByRole('dialog', { name: 'Maintenance: 1 robot' });
    await dialog.getByRole('textbox', { name: 'Reason' }).fill('a new fan');
    await dialog.getByRole('button', { name: 'Put 1 robot into maintenance' }).click();
    const asked = page.getByRole('region', { name: 'Commands' }).getByRole('row', { name: /^Maintenance/ });
    await asked.getByText('Done').waitFor();
    await page.getByText('· a new fan').first().waitFor();
    await themes(page, 'robot-commands');
    await to('Events');
    await page.getByText('Active → Maintenance').first().waitFor();
    await page.getByText('a new fan').last().waitFor();
    await clean(page);
    await page.getByRole('button', { name: 'Resume' }).click();
    await to('Config');
    await page.getByText('comes from its key').waitFor();
    const flow = (await ask<{ workflows: { workflow_id: string; workflow_name: string }[] }>(server.url, 'GET', '/workflows?limit=1')).workflows[0];
    await page.getByText('fleet workflow assign WORKFLOW').waitFor();
    await ask(server.url, 'PUT', `/workflows/${flow?.workflow_id}/assignments/${id}`, { is_default: true });
    await page.getByText('tried here before all others').waitFor();
    await page
      .getByRole('main')
      .getByRole('link', { name: flow?.workflow_name ?? 'no workflow' })
      .waitFor();
    await themes(page, 'robot-config');
    await page.setViewportSize({ width: 390, height: 844 });
    for (const name of ['Overview', 'Jobs', 'Logs', 'Commands', 'Events']) {
      await parts.getByRole('link', { name, exact: true }).click();
      await page.waitForFunction((n) => document.querySelector('nav[aria-label="Parts of the robot"] [aria-current=page]')?.textContent === n, name);
      expect(await page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth)).toBe(false);
      await clean(page);
    }
    expect(w.faults).toEqual([]);
    await w.context.close();
  });
});

describe('two machines with one id', () => {
  it('are both named, and a robot tests itself when it is asked', async () => {
    const own = await dev();
    const bin = process.env.FLEET_BIN ?? join(import.meta.dirname, '../../bin/fleet');
    const home = mkdtempSync(join(tmpdir(), 'fleet-two-'));
    const made = await ask<{ secret: string }>(own.url, 'POST', '/keys', { kind: 'robot', robot_id: 'twin' });
    const twin = (n: number) =>
      spawn(bin, ['robot', 'run', '--name', 'twin', '--url', own.url, '--data-dir', join(home, String(n))], {
        env: { PATH: process.env.PATH ?? '', HOME: home, FLEET_ROBOT_KEY: made.secret },
        stdio: 'ignore',
      });
    const first = twin(1);
    const ended = [first].map((c) => new Promise((r) => c.once('exit', r)));
    try {
      await expect
        .poll(
          () =>
            ask<{ status: string }>(own.url, 'GET', '/robots/twin').then(
              (r) => r.status,
              () => '',
            ),
          { timeout: 30_000 },
        )
        .toBe('online');
      const second = twin(2);
      ended.push(new Promise((r) => second.once('exit', r)));
      const w = await open(browser);
      const { page } = w;
      await page.goto(`${own.url}/fleet/robots`);
      await page.getByRole('row', { name: /twin/ }).getByText('two machines').waitFor();
      await page.goto(`${own.url}/fleet/robots?view=health`);
      await page.getByText(/is connected, .* asks for its id/).waitFor();
      await clean(page);
      expect(await page.getByRole('region', { name: 'Capacity by capability' }).getByText('checkpoints').count()).toBe(0);
      second.kill('SIGTERM');
      await page.goto(`${own.url}/fleet/robots/twin`);
      const checks = page.getByRole('region', { name: 'Checks' });
      await checks
        .getByRole('row', { name: /Offset of its clock/ })
        .getByText('Healthy')
        .waitFor();
      await checks.getByText('Never tested').waitFor();
      await page.getByRole('button', { name: 'Self-test' }).click();
      await checks.getByText('Passed').waitFor();
      await page.getByRole('link', { name: 'Commands' }).click();
      await page
        .getByRole('row', { name: /^Self test/ })
        .getByText(/can be written/)
        .waitFor();
      await themes(page, 'robot-tested');
      expect(w.faults).toEqual([]);
      await w.context.close();
    } finally {
      first.kill('SIGTERM');
      await Promise.all(ended);
      await own.stop();
      rmSync(home, { recursive: true, force: true });
    }
  });
});

describe('a new robot', () => {
  let home: string;
  let robot: ChildProcess | undefined;
  afterAll(() => {
    robot?.kill('SIGTERM');
    if (home) rmSync(home, { recursive: true, force: true });
  });
  it('is made by a command with a token that is made on the click, and the dialog waits for its first heartbeat', async () => {
    const w = await open(browser);
    const { page } = w;
    await page.goto(`${server.url}/fleet/robots`);
    await page.getByText(/^\d+ of \d+ robots$/).waitFor();
    expect((await ask<{ enrolments: unknown[] }>(server.url, 'GET', '/enrolments')).enrolments.length).toBe(0);
    await page.getByRole('button', { name: 'Add robot' }).click();
    const dialog = page.getByRole('dialog', { name: 'Add a robot' });
    await clean(page);
    await dialog.getByRole('button', { name: 'Make the command' }).click();
    const command = (await dialog.getByTestId('command').textContent()) ?? '';
    const token = /--token (\S+)/.exec(command)?.[1] ?? '';
    expect(token).toMatch(/^cfe_/);
    await dialog.getByText('Waiting for the first heartbeat…').waitFor();
    await themes(page, 'robots-add');
    home = mkdtempSync(join(tmpdir(), 'fleet-new-'));
    const env = { PATH: process.env.PATH ?? '', HOME: home };
    const bin = process.env.FLEET_BIN ?? join(import.meta.dirname, '../../bin/fleet');
    const enrol = spawn(bin, ['robot', 'enrol', '--url', server.url, '--token', token, '--id', 'brand-new', '--data-dir', home], { env, stdio: 'ignore' });
    expect(await new Promise((done) => enrol.once('exit', done))).toBe(0);
    robot = spawn(bin, ['robot', 'run', '--url', server.url, '--data-dir', home, '--name', 'brand-new'], { env, stdio: 'ignore' });
    await dialog.getByRole('link', { name: 'brand-new' }).waitFor();
    await dialog.getByText('Online').waitFor();
    await dialog.getByRole('button', { name: 'Close' }).click();
    await page.getByRole('table', { name: 'Robots' }).getByRole('link', { name: 'brand-new' }).waitFor();
    expect(w.faults).toEqual([]);
    await w.context.close();
  });
});
