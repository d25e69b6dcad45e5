import { readFileSync } from 'node:fs';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask, clean, dev, launch, open, type Program, shot, themes } from './harness';

let browser: Browser;
let server: Program;

beforeAll(async () => {
  [browser, server] = await Promise.all([launch(), dev()]);
});

afterAll(async () => {
  await browser?.close();
  await server?.stop();
});

describe('API keys', () => {
  it('makes one that is shown once, rotates it and revokes it @main', async () => {
    const w = await open(browser);
    const { page } = w;
    await page.goto(`${server.url}/fleet/api-keys`);
    await page.getByRole('row', { name: /dev-1/ }).waitFor();
    await page.getByRole('button', { name: 'New key…' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('textbox', { name: 'Name' }).fill('nightly');
    await dialog.getByRole('combobox', { name: /^Role/ }).selectOption('operator');
    await dialog.getByRole('combobox', { name: /Only these permissions/ }).fill('jobs:read, jobs:run');
    await clean(page);
    await dialog.getByRole('button', { name: 'Make the key' }).click();
    await dialog.getByText('This is the only time the key is shown.').waitFor();
    const secret = (await page.getByTestId('secret').textContent()) ?? '';
    expect(secret).toMatch(/^cfu_/);
    await clean(page);
    // It is hard to lose: neither Escape nor the button closes it before somebody says that it is stored.
    for (let i = 0; i < 3; i++) await page.keyboard.press('Escape');
    expect(await dialog.getByRole('button', { name: 'Close' }).isDisabled()).toBe(true);
    await dialog.getByText(`FLEET_KEY=${secret}`).waitFor();
    await dialog.getByRole('checkbox', { name: 'I have stored it' }).check();
    await dialog.getByRole('button', { name: 'Close' }).click();
    await dialog.waitFor({ state: 'detached' });
    expect(await page.content()).not.toContain(secret);
    const row = page.getByRole('row', { name: /nightly/ });
    await row.getByText('Operator · jobs:read, jobs:run').waitFor();
    await row.getByText('Not yet').waitFor();
    const who = await fetch(`${server.url}/api/v1/jobs?limit=1`, { headers: { Authorization: `Bearer ${secret}` } });
    expect(who.status).toBe(200);
    await row.getByText('by local developer').waitFor();
    await themes(page, 'keys');
    // A robot is chosen by its name, with how it is; one that is not there yet is named.
    await page.getByRole('button', { name: 'New key…' }).click();
    await dialog.getByRole('combobox', { name: 'For' }).selectOption('robot');
    await dialog.getByRole('combobox', { name: 'Robot' }).selectOption({ label: 'dev-2 · Online · default' });
    expect(await dialog.getByRole('textbox', { name: 'Its id' }).count()).toBe(0);
    await dialog.getByRole('combobox', { name: 'Robot' }).selectOption({ label: 'A new robot…' });
    await dialog.getByRole('textbox', { name: 'Its id' }).fill('fresh-1');
    await clean(page);
    await shot(page, 'key-new-robot-dark');
    await dialog.getByRole('button', { name: 'Make the key' }).click();
    await dialog.getByRole('checkbox', { name: 'I have stored it' }).check();
    await dialog.getByRole('button', { name: 'Close' }).click();
    await page.getByRole('row', { name: /fresh-1.*Robot fresh-1 in default.*by local developer/ }).waitFor();

    await page.getByRole('button', { name: 'Rotate nightly' }).click();
    await dialog.getByRole('combobox').selectOption('0');
    await dialog.getByRole('button', { name: 'Make the new key' }).click();
    await dialog.getByRole('checkbox', { name: 'I have stored it' }).check();
    await shot(page, 'key-shown-once-light');
    await dialog.getByRole('button', { name: 'Close' }).click();

    // Who goes on with the old key of a robot is told until it ends.
    await page.getByRole('button', { name: 'Rotate dev-1' }).click();
    await dialog.getByRole('button', { name: 'Make the new key' }).click();
    await dialog.getByText(/^FLEET_URL=.*FLEET_ROBOT_KEY=crpa_/s).waitFor();
    await dialog.getByRole('checkbox', { name: 'I have stored it' }).check();
    await dialog.getByRole('button', { name: 'Close' }).click();
    const replaced = page.getByRole('region', { name: 'Keys that are being replaced' });
    await replaced.getByText('1 of 1 has not used the new key yet.').waitFor();
    await replaced.getByText(/dev-1 is still on the old key …/).waitFor();
    await page
      .getByRole('row', { name: /Expiring/ })
      .getByText('Another takes its place')
      .waitFor();
    await themes(page, 'keys-replaced');

    await page.getByRole('button', { name: 'Revoke dev-2' }).click();
    await dialog.getByText(/The robot dev-2 drops within seconds/).waitFor();
    await clean(page);
    await dialog.getByRole('button', { name: 'Back' }).click();
    await page.getByRole('button', { name: 'Revoke nightly' }).first().click();
    await dialog.getByRole('button', { name: 'Revoke the key' }).click();
    await page.getByText('nightly is revoked.').waitFor();

    await page.getByRole('button', { name: 'New token…' }).click();
    await dialog.getByRole('textbox', { name: /Names/ }).fill('warehouse-*');
    await dialog.getByRole('button', { name: 'Make the token' }).click();
    await dialog.getByText('This is the only time the token is shown.').waitFor();
    await dialog.getByRole('checkbox').check();
    await dialog.getByRole('button', { name: 'Close' }).click();
    await page.getByRole('row', { name: /warehouse-\*/ }).waitFor();
    expect(w.faults).toEqual([]);
    await w.context.close();
  });
});

describe('production', () => {
  it('is marked, and asks for its name before what cannot be undone', async () => {
    const w = await open(browser);
    const { page } = w;
    const dialog = page.getByRole('dialog');
    await page.goto(`${server.url}/settings/environments`);
    await page.getByRole('button', { name: 'Edit default' }).click();
    await dialog.getByRole('checkbox', { name: /It is production/ }).check();
    await clean(page);
    await dialog.getByRole('button', { name: 'Save' }).click();
    await page
      .getByRole('row', { name: /default/ })
      .getByText('Production', { exact: true })
      .waitFor();
    await themes(page, 'environments');

    await page.goto(`${server.url}/fleet/api-keys`);
    await page.getByRole('button', { name: 'Revoke dev-2' }).click();
    await dialog.getByText('default is a production environment.').waitFor();
    const revoke = dialog.getByRole('button', { name: 'Revoke the key' });
    expect(await revoke.isDisabled()).toBe(true);
    await dialog.getByRole('textbox', { name: 'Type default to say that you mean it' }).fill('default');
    expect(await revoke.isDisabled()).toBe(false);
    await themes(page, 'key-revoke-production');
    await dialog.getByRole('button', { name: 'Back' }).click();

    await page.goto(`${server.url}/fleet/robots/dev-2`);
    await page.getByText('Production', { exact: true }).waitFor();
    await page.goto(`${server.url}/fleet/robots`);
    await page.getByRole('button', { name: 'Actions of dev-2' }).click();
    await page.getByRole('menuitem', { name: /^Stop…/ }).click();
    const stop = dialog.getByRole('button', { name: /^Stop/ });
    expect(await stop.isDisabled()).toBe(true);
    await dialog.getByRole('textbox', { name: 'Type default to say that you mean it' }).fill('default');
    expect(await stop.isDisabled()).toBe(false);
    await clean(page);
    await shot(page, 'robot-stop-production');
    await dialog.getByRole('button', { name: 'Back' }).click();
    await ask(server.url, 'PUT', '/environments/default', {});
    expect(w.faults).toEqual([]);
    await w.context.close();
  });
});

describe('reservations', () => {
  it('are made for robots that are chosen by name', async () => {
    const w = await open(browser);
    const { page } = w;
    const dialog = page.getByRole('dialog');
    await page.goto(`${server.url}/settings/reservations`);
    await page.getByRole('button', { name: 'New reservation…' }).click();
    await dialog.getByLabel('Name', { exact: true }).fill('month end');
    const robots = dialog.getByRole('group', { name: 'Or of these robots' });
    await robots.getByRole('checkbox', { name: 'dev-2 · Online' }).check();
    await dialog.getByRole('group', { name: 'Of the environments' }).getByRole('checkbox', { name: 'default' }).check();
    await dialog.getByLabel(/^For jobs with the labels/).fill('team=payroll');
    await clean(page);
    await robots.scrollIntoViewIfNeeded();
    await shot(page, 'reservation-choose');
    await page.setViewportSize({ width: 390, height: 800 });
    await clean(page);
    await shot(page, 'reservation-choose-narrow');
    await page.setViewportSize({ width: 1440, height: 900 });
    await dialog.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('row', { name: /month end.*Robots dev-2 · Environments default.*team=payroll/s }).waitFor();
    await page.getByRole('button', { name: 'Edit month end' }).click();
    expect(await robots.getByRole('checkbox', { name: 'dev-2 · Online' }).isChecked()).toBe(true);
    await dialog.getByRole('button', { name: 'Back' }).click();
    await page.getByRole('button', { name: 'Delete month end' }).click();
    await dialog.getByRole('button', { name: 'Delete the reservation' }).click();
    await page.getByText(/month end is deleted/).waitFor();
    expect(w.faults).toEqual([]);
    await w.context.close();
  });
});

describe('saved views', () => {
  it('show at once where somebody else shares, changes or deletes one', async () => {
    const w = await open(browser);
    const { page } = w;
    await page.goto(`${server.url}/fleet/jobs?status=failed`);
    await page.getByTestId('connection').getByText('Live').waitFor();
    await page.getByRole('button', { name: 'Save this view…' }).waitFor();
    const made = await ask<{ view_id: string }>(server.url, 'POST', '/views', { page: 'jobs', name: 'broken', query: { status: 'failed' }, shared: true });
    await page.getByRole('button', { name: 'broken shared' }).waitFor();
    await ask(server.url, 'PUT', `/views/${made.view_id}`, { name: 'to be repaired' });
    await page.getByRole('button', { name: 'to be repaired shared' }).waitFor();
    await clean(page);
    await ask(server.url, 'DELETE', `/views/${made.view_id}`);
    await page.getByRole('button', { name: 'to be repaired shared' }).waitFor({ state: 'detached' });
    expect(w.faults).toEqual([]);
    await w.context.close();
  });
});

describe('the profile', () => {
  it('keeps colours, rows, clock and motion', async () => {
    const w = await open(browser);
    const { page } = w;
    await page.goto(`${server.url}/settings/profile`);
    const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    expect(await ground()).toBe('rgb(12, 15, 20)');
    await page.getByRole('combobox', { name: 'Colours' }).selectOption('light');
    expect(await ground()).toBe('rgb(246, 247, 249)');
    await clean(page);
    await page.getByRole('combobox', { name: 'Time zone' }).fill('Asia/Nowhere');
    await page.getByText(/There is no time zone Asia\/Nowhere/).waitFor();
    await clean(page);
    await page.getByRole('combobox', { name: 'Time zone' }).fill('Asia/Tokyo');
    await page.getByText(/Times are those of Asia\/Tokyo/).waitFor();
    await page.getByRole('combobox', { name: 'Clock' }).selectOption('12');
    await page.getByText(/Now: 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d [ap]m/).waitFor();
    await page.getByRole('combobox', { name: 'Rows' }).selectOption('compact');
    await page.getByRole('combobox', { name: 'Motion' }).selectOption('none');
    await shot(page, 'profile-chosen');
    await page.goto(`${server.url}/fleet/robots`);
    await page.getByRole('row', { name: /dev-1/ }).waitFor();
    expect(await ground()).toBe('rgb(246, 247, 249)');
    expect((await page.getByRole('row', { name: /dev-1/ }).boundingBox())?.height).toBe(28);
    await clean(page);
    await page.goto(`${server.url}/audit`);
    await page
      .getByText(/[ap]m UTC\+09:00/)
      .first()
      .waitFor();
    await page.goto(`${server.url}/settings/profile`);
    await page.getByRole('combobox', { name: 'Colours' }).selectOption('system');
    expect(await ground()).toBe('rgb(12, 15, 20)');
    expect(w.faults).toEqual([]);
    await w.context.close();
  });
});

const parts = [
  { path: '/settings/environments', api: 'environments', what: 'environments' },
  { path: '/settings/reservations', api: 'reservations', what: 'reservations' },
  { path: '/settings/users', api: 'users', what: 'users' },
  { path: '/settings/system', api: 'members', what: 'orchestrators' },
  { path: '/fleet/api-keys', api: 'keys', what: 'keys' },
  { path: '/audit', api: 'audit', what: 'the audit' },
  { path: '/activity', api: 'events', what: 'activity' },
];

describe('what is not there yet, and what does not come', () => {
  it('is told on each page', async () => {
    const w = await open(browser);
    const { page } = w;
    for (const p of parts) {
      let answer: () => void = () => undefined;
      const held = new Promise<void>((done) => {
        answer = done;
      });
      await page.route(new RegExp(`/api/v1/${p.api}(\\?|$)`), async (r) => {
        await held;
        await r.fulfill({
          status: 504,
          headers: { 'Content-Type': 'application/problem+json' },
          body: JSON.stringify({ title: 'x', status: 504, code: 'timeout', detail: 'The server did not answer.', request_id: 'r-7f3a' }),
        });
      });
      await page.goto(server.url + p.path);
      await page.getByText(`Loading ${p.what}…`).waitFor();
      await themes(page, `loading-${p.api}`);
      answer();
      await page.getByRole('alert').getByText('r-7f3a').first().waitFor();
      await page.getByRole('button', { name: 'Try again' }).first().waitFor();
      await themes(page, `error-${p.api}`);
      await page.unrouteAll({ behavior: 'ignoreErrors' });
    }
    expect(w.faults.filter((f) => !f.includes('status of 504'))).toEqual([]);
    await w.context.close();
  });
});

describe('what the server was started with', () => {
  it('is told with where it comes from', async () => {
    const w = await open(browser);
    const { page } = w;
    await page.goto(`${server.url}/settings/retention`);
    await page.getByRole('row', { name: /Days for which jobs that have ended are kept.*--retention-jobs-days.*FLEET_RETENTION_JOBS_DAYS/s }).waitFor();
    await themes(page, 'settings-retention');
    await page.getByRole('link', { name: 'Limits', exact: true }).click();
    await page.getByRole('row', { name: /Request body 1MiB Default --limit-body/ }).waitFor();
    await themes(page, 'settings-limits');
    await page.setViewportSize({ width: 390, height: 800 });
    await clean(page);
    await shot(page, 'settings-limits-narrow');
    // The parts are folded there, by key too, and shut again when one is chosen or left.
    const fold = page.getByRole('group').filter({ has: page.getByRole('navigation', { name: 'Settings' }) });
    const summary = page.locator('summary', { hasText: 'Limits' });
    expect(await page.getByRole('navigation', { name: 'Settings' }).isVisible()).toBe(false);
    await summary.focus();
    await page.keyboard.press('Enter');
    await fold.getByRole('link', { name: 'System' }).waitFor();
    await clean(page);
    await shot(page, 'settings-fold-narrow');
    await page.keyboard.press('Escape');
    await page.getByRole('link', { name: 'System' }).waitFor({ state: 'hidden' });
    await page.keyboard.press('Enter');
    await page.getByRole('link', { name: 'System' }).click();
    await page.getByText('fleet dev', { exact: true }).waitFor();
    await page.getByRole('link', { name: 'Retention' }).waitFor({ state: 'hidden' });
    await page.getByText('SQLite: it answers').waitFor();
    await page.getByText('Waited in the last hour').waitFor();
    await page.locator('summary', { hasText: 'MPL-2.0' }).click();
    await page.getByText('github.com/hashicorp/go-version').waitFor();
    await clean(page);
    expect(w.faults).toEqual([]);
    await w.context.close();
  });
});

describe('activity and audit', () => {
  it('tell what happened, live and provably', async () => {
    const w = await open(browser);
    const { page } = w;
    await page.goto(`${server.url}/activity`);
    await page.getByText(/Robot dev-1 is online/).waitFor();
    await page.getByTestId('connection').getByText('Live').waitFor();
    await ask(server.url, 'POST', '/robots/dev-1/pause', {});
    await page
      .getByText(/Robot dev-1 changed its mode/)
      .first()
      .waitFor();
    await themes(page, 'activity');
    await page.getByRole('button', { name: 'Tenant', exact: true }).click();
    await page.getByText(/Nothing of the kind “Tenant”/).waitFor();

    await page.goto(`${server.url}/audit`);
    await page.getByRole('cell', { name: 'robot.pause' }).first().waitFor();
    await page
      .getByRole('row', { name: /robot\.pause/ })
      .first()
      .getByRole('button')
      .click();
    await page.getByText('Hash').waitFor();
    await page.getByRole('table', { name: 'What changed' }).getByText('paused').waitFor();
    await page.getByRole('link', { name: 'dev-1' }).first().waitFor();
    await page.getByRole('button', { name: 'Verify the chain' }).click();
    await page.getByText(/^All \d+ rows are as they were written/).waitFor();
    await themes(page, 'audit');
    // A broken chain is told with the first row that is not as it was written.
    await page.route('**/api/v1/audit/verify*', (r) =>
      r.fulfill({ json: { rows: 1, checkpoints: 0, last: { seq: 1 }, fault: { seq: 2, kind: 'hash', text: 'Row 2 is not what was written.' } } }),
    );
    await page.getByRole('button', { name: 'Verify the chain' }).click();
    const broken = page.getByRole('alert', { name: 'The chain is broken' });
    await broken.getByRole('row').first().waitFor();
    await broken.getByText('Row 2 is not what was written.').waitFor();
    await themes(page, 'audit-broken');
    // What is exported is what is shown.
    await page.getByRole('textbox', { name: 'Action' }).fill('robot.pause');
    await page.keyboard.press('Enter');
    await page.getByRole('textbox', { name: 'Object (id)' }).fill('dev-1');
    await page.keyboard.press('Enter');
    await page.getByRole('cell', { name: 'robot.pause' }).first().waitFor();
    const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'Export what matches' }).click()]);
    const lines = readFileSync(await file.path(), 'utf8')
      .trim()
      .split('\n');
    expect(lines.map((l) => (JSON.parse(l) as { action: string; object: { id: string } }).action)).toEqual(lines.map(() => 'robot.pause'));
    await themes(page, 'audit-filtered');
    await page.getByRole('combobox', { name: 'Outcome' }).selectOption('denied');
    await page.getByText('No row matches these filters.').waitFor();
    expect(w.faults).toEqual([]);
    await w.context.close();
  });
});
