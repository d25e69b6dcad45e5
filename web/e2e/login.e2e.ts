import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clean, launch, type Program, shot, start, themes } from './harness';
import { freePort, type Issuer, issuer } from './issuer';

const admin = 'an-administrators-key-of-this-test-alone';

let browser: Browser;
let server: Program;
let sso: Issuer;
let address: string;
const data = mkdtempSync(join(tmpdir(), 'fleet-login-'));

beforeAll(async () => {
  sso = await issuer({ groups: ['fleet-operators'], preferred_username: 'Ada', email: 'ada@example.org' });
  const port = await freePort();
  address = `https://localhost:${port}`;
  [browser, server] = await Promise.all([
    launch(),
    start(
      [
        ...['serve', '--listen', `127.0.0.1:${port}`, '--data-dir', data, '--tls', 'auto', '--tls-name', 'localhost', '--limit-sign-ins', '100'],
        ...['--oidc-issuer', sso.url, '--oidc-client-id', sso.client, '--oidc-client-secret', sso.secret, '--oidc-public-url', address],
        ...['--oidc-role', 'fleet-admins=admin', '--oidc-role', 'fleet-operators=operator'],
      ],
      /Listening on (https:\/\/\S+)/,
      { ORCHESTRATOR_ADMIN_API_KEY: admin },
    ),
  ]);
});

afterAll(async () => {
  await browser?.close();
  await server?.stop();
  await sso?.stop();
  rmSync(data, { recursive: true, force: true });
});

/** visit is a browser of its own that takes the certificate of the test. */
async function visit() {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, viewport: { width: 1440, height: 900 }, reducedMotion: 'reduce' });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const violations: string[] = [];
  page.on('console', (m) => {
    if (m.type() === 'error' && /Content Security Policy/.test(m.text())) violations.push(m.text());
  });
  return { context, page, violations };
}

describe('signing in at an OpenID issuer', () => {
  it('leads back to the page that was asked for, with the role of the group', async () => {
    const { context, page, violations } = await visit();
    await page.goto(`${address}/fleet/schedules`);
    await page.getByRole('heading', { name: 'Casare Fleet' }).waitFor();
    expect(await page.evaluate(() => document.activeElement?.getAttribute('name'))).toBe('username');
    await themes(page, 'login-oidc');
    await page.getByRole('link', { name: /^Sign in with/ }).click();
    await page.getByRole('heading', { name: 'Schedules' }).waitFor();
    expect(new URL(page.url()).pathname).toBe('/fleet/schedules');
    const me = await page.evaluate(() => fetch('/api/v1/me').then((r) => r.json() as Promise<{ name: string; role: string }>));
    expect(me).toMatchObject({ name: 'Ada', role: 'operator' });
    const [cookie] = await context.cookies();
    expect(cookie).toMatchObject({ httpOnly: true, secure: true });
    expect(await page.evaluate(() => Object.keys(localStorage).filter((k) => /token|session|key$/i.test(k)))).toEqual([]);
    await clean(page);

    // What an operator may not do is there, with the reason.
    expect(await page.getByRole('button', { name: 'New schedule…' }).isDisabled()).toBe(true);
    expect(violations).toEqual([]);
    await context.close();
  });

  it('says in words why nobody was let in', async () => {
    sso.claims = { groups: ['somewhere-else'], preferred_username: 'Eve' };
    const { context, page } = await visit();
    await page.goto(`${address}/login`);
    await page.getByRole('link', { name: /^Sign in with/ }).click();
    await page.getByRole('alert').getByText('nothing that your provider says of you gives you a role here').waitFor();
    await themes(page, 'login-refused');
    await context.close();
  });

  it('never says which part of a password sign-in was wrong', async () => {
    const { context, page } = await visit();
    await page.goto(`${address}/login`);
    for (const name of ['nobody', 'admin']) {
      await page.getByRole('textbox', { name: 'Name' }).fill(name);
      await page.getByLabel('Password').fill('wrong password');
      await page.getByRole('button', { name: 'Sign in', exact: true }).click();
      await page.getByRole('alert').waitFor();
    }
    const said = (await page.getByRole('alert').textContent()) ?? '';
    expect(said).not.toMatch(/nobody|admin|no such|unknown/i);
    await context.close();
  });
});

describe('too many failures', () => {
  it('lock a name for a while, with a countdown and without a word on what was wrong', async () => {
    const { context, page, violations } = await visit();
    await page.goto(`${address}/login`);
    const told = new Set<string>();
    for (let i = 0; i < 20 && (await page.getByText(/^Try again in /).count()) === 0; i++) {
      await page.getByRole('textbox', { name: 'Name' }).fill('eve');
      await page.getByLabel('Password').fill(`not this one at all ${i}`);
      await page.getByRole('button', { name: 'Sign in', exact: true }).click();
      await page.getByRole('alert').waitFor();
      told.add((await page.getByRole('alert').textContent()) ?? '');
    }
    const left = await page.getByText(/^Try again in \d+ (s|min)/).textContent();
    expect(told.size).toBe(2); // one for each that was wrong, one for the lock
    expect(await page.getByRole('button', { name: 'Sign in', exact: true }).isDisabled()).toBe(true);
    await themes(page, 'login-locked');
    await expect.poll(() => page.getByText(/^Try again in /).textContent()).not.toBe(left); // it counts down
    expect(violations).toEqual([]);
    await context.close();
  });
});

describe('signing in with a key', () => {
  it('gives what the key may, and ends with it', async () => {
    const { context, page, violations } = await visit();
    const asAdmin = { Authorization: `Bearer ${admin}` };
    const make = async (data: object) =>
      (await (await context.request.post(`${address}/api/v1/keys`, { headers: asAdmin, data })).json()) as { key_id: string; secret: string };
    const viewer = await make({ kind: 'service', name: 'wall', role: 'viewer' });
    const robot = await make({ kind: 'robot', robot_id: 'bot-1' });
    await page.goto(`${address}/fleet/schedules`);
    await page.getByRole('button', { name: 'Use a key instead' }).click();
    const field = page.getByLabel('Key of a program or a person');
    const enter = page.getByRole('button', { name: 'Sign in', exact: true });
    await field.fill('cfu_nonsense');
    await enter.click();
    await page.getByRole('alert').getByText('The key is wrong, has ended, or does not count from here.').waitFor();
    expect(await field.inputValue()).toBe('');
    await field.fill(robot.secret);
    await enter.click();
    await page.getByRole('alert').getByText('robots do not sign in to pages').waitFor();
    await themes(page, 'login-key');
    await page.setViewportSize({ width: 390, height: 800 });
    await themes(page, 'login-key-narrow');
    await page.setViewportSize({ width: 1440, height: 900 });
    await field.fill(viewer.secret);
    await enter.click();
    await page.getByRole('heading', { name: 'Schedules' }).waitFor();
    const me = await page.evaluate(() => fetch('/api/v1/me').then((r) => r.json() as Promise<object>));
    expect(me).toMatchObject({ name: 'key wall', role: 'viewer', key_id: viewer.key_id });
    expect(await page.evaluate(() => JSON.stringify([Object.values(localStorage), Object.values(sessionStorage), document.cookie]))).not.toContain('cfu_');
    expect(await page.content()).not.toContain(viewer.secret);
    const [cookie] = await context.cookies();
    expect(cookie).toMatchObject({ name: '__Host-fleet', httpOnly: true, secure: true });
    await page.goto(`${address}/settings/profile`);
    await page.getByText('You signed in with a key, so there is no password here.').waitFor();
    await clean(page);
    await shot(page, 'profile-of-a-key');
    await context.request.delete(`${address}/api/v1/keys/${viewer.key_id}`, { headers: { ...asAdmin, Origin: address } });
    await enter.waitFor({ timeout: 15_000 }); // the page finds out by itself
    expect(violations).toEqual([]);
    await context.close();
  });
});
