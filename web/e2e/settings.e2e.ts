import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clean, launch, open, type Program, serve, shot, themes } from './harness';

let browser: Browser;
let server: Program;
let dir: string;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'fleet-settings-'));
  [browser, server] = await Promise.all([launch(), serve(dir)]);
});

afterAll(async () => {
  await browser?.close();
  await server?.stop();
  rmSync(dir, { recursive: true, force: true });
});

const password = 'a long enough password';

describe('an installation that begins', () => {
  it('makes the first administrator, lets people in, and keeps customers apart @main', async () => {
    const token = /--token (cfs_\S+)/.exec(server.output())?.[1] ?? '';
    expect(token).not.toBe('');
    const w = await open(browser);
    const { page } = w;
    await page.goto(`${server.url}/fleet/jobs`);
    await page.getByRole('heading', { name: 'Casare Fleet' }).waitFor();
    await themes(page, 'login');
    await page.getByRole('link', { name: 'Make the first administrator' }).click();
    await page.getByRole('textbox', { name: 'Token (cfs_…)' }).fill('cfs_wrong');
    await page.getByRole('textbox', { name: 'Your name' }).fill('ada');
    await page.getByRole('textbox', { name: 'Password, at least 12 characters' }).fill(password);
    await page.getByRole('textbox', { name: 'The same again' }).fill(`${password}!`);
    await page.getByRole('button', { name: 'Make the first administrator' }).click();
    await page.getByText('The two passwords differ.').waitFor();
    await page.getByRole('textbox', { name: 'The same again' }).fill(password);
    await page.getByRole('button', { name: 'Make the first administrator' }).click();
    await page.getByRole('alert').filter({ hasText: /token/i }).waitFor();
    await page.getByRole('textbox', { name: 'Token (cfs_…)' }).fill(token);
    await page.getByRole('textbox', { name: 'Password, at least 12 characters' }).fill(password);
    await page.getByRole('textbox', { name: 'The same again' }).fill(password);
    await themes(page, 'setup');
    await page.getByRole('button', { name: 'Make the first administrator' }).click();
    await page.getByRole('link', { name: 'Sign in' }).click();

    await page.getByRole('textbox', { name: 'Name' }).fill('ada');
    await page.getByLabel('Password').fill('not this one at all');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('alert').waitFor();
    await page.getByLabel('Password').fill(password);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('No robot is here yet.').waitFor();
    await page.getByTestId('connection').getByText('Live').waitFor();
    await themes(page, 'overview-first');

    await page.getByRole('link', { name: 'Settings' }).click();
    await page.getByRole('button', { name: 'Change the password…' }).waitFor();
    await themes(page, 'settings-profile');
    const dialog = page.getByRole('dialog');
    await page.getByRole('link', { name: 'Users' }).click();
    await page.getByRole('button', { name: 'New user…' }).click();
    await dialog.getByLabel('Name', { exact: true }).fill('bob');
    await dialog.getByLabel('Role').selectOption('viewer');
    await dialog.getByLabel(/Password/).fill('short');
    await dialog.getByRole('button', { name: 'Make the user' }).click();
    await dialog.getByRole('alert').filter({ hasText: /12/ }).waitFor();
    await clean(page);
    await dialog.getByLabel(/Password/).fill(password);
    await dialog.getByRole('button', { name: 'Make the user' }).click();
    await page.getByRole('row', { name: /bob/ }).waitFor();
    await page.getByRole('button', { name: 'Edit bob' }).click();
    await dialog.getByLabel('Role').selectOption('operator');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('row', { name: /bob.*Operator/ }).waitFor();
    await themes(page, 'settings-users');

    await page.getByRole('link', { name: 'Secrets' }).click();
    await page.getByRole('button', { name: 'Set a secret…' }).click();
    await dialog.getByLabel('Name', { exact: true }).fill('erp');
    await dialog.getByLabel(/^Fields/).fill('user=ada\npassword=hunter2-hunter2');
    await dialog.getByRole('button', { name: 'Set it' }).click();
    await page.getByRole('row', { name: /erp/ }).getByText('password, user').waitFor();
    expect(await page.content()).not.toContain('hunter2');
    await themes(page, 'settings-secrets');

    await page.getByRole('link', { name: 'Assets' }).click();
    await page.getByRole('button', { name: 'Set an asset…' }).click();
    await dialog.getByLabel('Name', { exact: true }).fill('erp_url');
    await dialog.getByLabel('Value', { exact: true }).fill('https://erp.example');
    await dialog.getByRole('button', { name: 'Set it' }).click();
    await page.getByRole('row', { name: /erp_url.*https:\/\/erp\.example/ }).waitFor();

    await page.getByRole('link', { name: 'Environments' }).click();
    await page.getByRole('button', { name: 'Set one…' }).click();
    await dialog.getByLabel('Name', { exact: true }).fill('prod');
    await dialog.getByLabel('Lost after, seconds').fill('120');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('row', { name: /prod.*120 s/ }).waitFor();
    await themes(page, 'settings-environments');

    await page.getByRole('link', { name: 'Calendars' }).click();
    await page.getByText('No calendars yet.').waitFor();
    await page.getByRole('button', { name: 'New calendar…' }).click();
    await dialog.getByLabel('Name', { exact: true }).fill('workdays');
    await dialog.getByLabel(/^Time zone/).fill('Europe/Berlin');
    await dialog.getByLabel(/^Hours/).fill('Weekdays 8 to 18');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await dialog.getByRole('alert').filter({ hasText: 'cannot be read' }).waitFor();
    await dialog.getByLabel(/^Hours/).fill('Mon-Thu 08:00-18:00\nFri 08:00-14:00');
    await dialog.getByLabel(/^Holidays/).fill('12-25 Christmas\neaster+1 Easter Monday');
    await clean(page);
    await dialog.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('row', { name: /workdays.*Mon-Thu 08:00-18:00.*Fri 08:00-14:00/s }).waitFor();
    await page.getByRole('button', { name: 'Edit workdays' }).click();
    expect(await dialog.getByLabel(/^Holidays/).inputValue()).toBe('12-25 Christmas\neaster+1 Easter Monday');
    await dialog.getByLabel('What it is for').fill('When people work');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await page.getByText('When people work').waitFor();
    await themes(page, 'settings-calendars');
    await page.getByRole('button', { name: 'Delete workdays' }).click();
    await dialog.getByRole('button', { name: 'Delete the calendar' }).click();
    await page.getByText('workdays is deleted.').waitFor();

    await page.getByRole('link', { name: 'Reservations' }).click();
    await page.getByText('No reservations yet.').waitFor();
    await page.getByRole('button', { name: 'New reservation…' }).click();
    await dialog.getByLabel('Name', { exact: true }).fill('month end');
    await dialog.getByLabel(/^Slots/).fill('2');
    await dialog.getByRole('textbox', { name: /^Or of robots of the pools/ }).fill('finance');
    await dialog.getByRole('button', { name: 'Add finance' }).click();
    await dialog.getByLabel(/^For jobs with the labels/).fill('team=payroll');
    await clean(page);
    await shot(page, 'reservation-form');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('row', { name: /month end.*2.*Pools finance.*team=payroll.*Always.*Enabled/s }).waitFor();
    await page.getByRole('button', { name: 'Edit month end' }).click();
    await dialog.getByLabel('Others may use what no holder waits for').check();
    await dialog.getByRole('button', { name: 'Save' }).click();
    await page
      .getByRole('row', { name: /month end/ })
      .getByRole('cell', { name: 'Yes', exact: true })
      .waitFor();
    await themes(page, 'settings-reservations');
    await page.getByRole('button', { name: 'Delete month end' }).click();
    await dialog.getByRole('button', { name: 'Delete the reservation' }).click();
    await page.getByText(/month end is deleted/).waitFor();

    await page.getByRole('link', { name: 'Tenants and limits' }).click();
    await page.getByRole('button', { name: 'New tenant…' }).click();
    await dialog.getByLabel(/^Id/).fill('acme');
    await dialog.getByLabel(/^Robots/).fill('50');
    await dialog.getByRole('button', { name: 'Make the tenant' }).click();
    await page.getByRole('row', { name: /acme.*50/ }).waitFor();
    await themes(page, 'settings-tenants');
    await page.getByRole('link', { name: 'System' }).click();
    await page.getByText('fleet serve', { exact: true }).waitFor();
    await clean(page);
    await shot(page, 'settings-system-light');

    // Who works across tenants chooses one; it stays in the address from page to page.
    await page.reload();
    await page.getByRole('combobox', { name: 'Tenant' }).selectOption('acme');
    await page.getByText('You see the tenant acme, which is not your own.').waitFor();
    await page.getByRole('link', { name: 'Assets' }).click();
    await page.getByText('No assets yet.').waitFor();
    await page.getByRole('link', { name: 'Fleet' }).click();
    await page.getByText('No robots yet.').waitFor();
    await page.getByTestId('connection').getByText('Live').waitFor();
    expect(page.url()).toContain('tenant=acme');
    await themes(page, 'robots-empty');
    await page.getByRole('combobox', { name: 'Tenant' }).selectOption('default');
    await page.getByText('You see the tenant acme').waitFor({ state: 'detached' });
    expect(w.faults.filter((f) => !/status of (400|401|403|409|422)/.test(f))).toEqual([]);

    // Somebody with fewer rights sees fewer parts, and no tenant filter.
    const bob = await open(browser, { width: 390, height: 844 });
    await bob.page.goto(`${server.url}/settings/users`);
    await bob.page.getByRole('textbox', { name: 'Name' }).fill('bob');
    await bob.page.getByLabel('Password').fill(password);
    await bob.page.getByRole('button', { name: 'Sign in' }).click();
    await bob.page.getByText(/Your role may not see users/).waitFor();
    expect(await bob.page.getByRole('combobox', { name: 'Tenant' }).count()).toBe(0);
    expect(await bob.page.getByRole('link', { name: 'Audit' }).count()).toBe(0);
    await bob.page.goto(`${server.url}/fleet/api-keys`);
    await bob.page.getByText(/Your role cannot manage keys/).waitFor();
    await themes(bob.page, 'keys-forbidden-390');
    await bob.page.goto(`${server.url}/fleet/schedules/new`);
    await bob.page.getByText(/Your role may not make schedules/).waitFor();
    expect(await bob.page.getByRole('dialog').count()).toBe(0);
    await bob.page.getByRole('button', { name: 'Sign out' }).click();
    await bob.page.getByRole('button', { name: 'Sign in' }).waitFor();
    await bob.context.close();
    await w.context.close();
  });
});
