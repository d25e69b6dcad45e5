import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask, clean, dev, launch, open, type Program, shot } from './harness';

/** Every page of the fleet, in both themes, wide and narrow. A new page adds a line. */
const pages = [
  { name: 'overview', path: '/', heading: 'Overview' },
  { name: 'robots', path: '/fleet/robots', heading: 'Robots' },
  { name: 'robots-filtered', path: '/fleet/robots?q=nobody', heading: 'Robots' },
  { name: 'jobs', path: '/fleet/jobs', heading: 'Jobs' },
  { name: 'jobs-filtered', path: '/fleet/jobs?status=timeout', heading: 'Jobs' },
  { name: 'robot', path: '/fleet/robots/dev-1', heading: 'dev-1' },
  { name: 'schedules', path: '/fleet/schedules', heading: 'Schedules' },
  { name: 'triggers', path: '/fleet/triggers', heading: 'Triggers' },
  { name: 'queues', path: '/fleet/queues', heading: 'Queues' },
  { name: 'dead-letters', path: '/fleet/dead-letters', heading: 'Dead letters' },
  { name: 'analytics', path: '/fleet/analytics?range=24h', heading: 'Analytics' },
  { name: 'api-keys', path: '/fleet/api-keys', heading: 'API Keys' },
  { name: 'activity', path: '/activity', heading: 'Activity' },
  { name: 'incidents', path: '/incidents', heading: 'Incidents' },
  { name: 'audit', path: '/audit', heading: 'Audit' },
  { name: 'settings-alerts', path: '/settings/alerts', heading: 'Settings' },
  { name: 'settings', path: '/settings/profile', heading: 'Settings' },
  ...['users', 'tenants', 'environments', 'reservations', 'calendars', 'secrets', 'assets', 'webhooks', 'limits', 'retention', 'system'].map((part) => ({
    name: `settings-${part}`,
    path: `/settings/${part}`,
    heading: 'Settings',
  })),
  { name: 'workflows', path: '/workflows', heading: 'Workflows' },
  { name: 'nothing', path: '/no/such/page', heading: 'Nothing is here' },
];

let browser: Browser;
let server: Program;

beforeAll(async () => {
  [browser, server] = await Promise.all([launch(), dev()]);
  // So that what is set has something to show.
  await ask(server.url, 'POST', '/users', { name: 'bob', email: 'bob@example.com', role: 'operator', password: 'a long enough password' });
  await ask(server.url, 'PUT', '/environments/prod', { production: true, lost_after_seconds: 120, note: 'What customers see' });
  await ask(server.url, 'PUT', '/environments/lab', { strict: true, lost_after_seconds: 15 });
  await ask(server.url, 'POST', '/reservations', {
    name: 'month end',
    note: 'Salaries',
    selector: { pools: ['finance'], environments: ['prod'] },
    slots: 2,
    for: { labels: { team: 'payroll' } },
    lend: true,
    recall: 'stop',
    enabled: true,
  });
  await ask(server.url, 'POST', '/calendars', { name: 'workdays', timezone: 'Europe/Berlin', hours: [], holidays: [], extra: [], blackouts: [] });
  await ask(server.url, 'PUT', '/assets/erp_url', { type: 'text', value: 'https://erp.example', description: 'Where the books are' });
});

afterAll(async () => {
  await browser?.close();
  await server?.stop();
});

const tabs = ['Robots', 'Jobs', 'Schedules', 'Queues', 'Analytics', 'API Keys'];

describe('the fleet dashboard', () => {
  it('has its six tabs, in their order, on each of them', async () => {
    const w = await open(browser);
    await w.page.goto(`${server.url}/fleet`);
    const nav = w.page.getByRole('navigation', { name: 'Fleet' });
    for (const tab of tabs) {
      await nav.getByRole('link', { name: tab, exact: true }).click();
      await w.page.getByRole('heading', { level: 1, name: tab }).waitFor();
      const names = async (of: string) => (await nav.locator(of).allTextContents()).map((t) => t.replace(/\d.*$/, '')); // without counts
      expect(await names('a')).toEqual(tabs);
      expect(await names('[aria-current=page]')).toEqual([tab]);
    }
    expect(w.faults).toEqual([]);
    await w.context.close();
  });
});

describe('an address that leads nowhere', () => {
  it('looks for what it may have meant', async () => {
    const w = await open(browser);
    await w.page.goto(`${server.url}/robots/dev-1`);
    await w.page.getByRole('heading', { level: 1, name: 'Nothing is here' }).waitFor();
    await w.page.getByRole('main').getByRole('link', { name: 'dev-1' }).waitFor();
    await w.page.getByRole('searchbox').fill('nobody at all');
    await w.page.getByText('Nothing begins with “nobody at all”.').waitFor();
    await w.page.getByRole('searchbox').fill('dev-2');
    await w.page.getByRole('main').getByRole('link', { name: 'dev-2' }).click();
    await w.page.getByRole('heading', { level: 1, name: 'dev-2' }).waitFor();
    expect(w.faults).toEqual([]);
    await w.context.close();
  });
});

describe('the workflows', () => {
  it('are those of the tenant that is looked at', async () => {
    await ask(server.url, 'POST', '/tenants', { id: 'acme', name: 'acme' });
    const w = await open(browser);
    await w.page.goto(`${server.url}/workflows`);
    await w.page.getByRole('link', { name: 'All versions' }).first().waitFor();
    await w.page.getByRole('combobox', { name: 'Tenant' }).selectOption('acme');
    await w.page.getByText('No workflows yet.').waitFor();
    expect(w.page.url()).toContain('tenant=acme');
    expect(w.faults).toEqual([]);
    await w.context.close();
  });
});

describe('every page', () => {
  for (const p of pages)
    for (const [width, height] of [
      [1440, 900],
      [390, 844],
    ] as const)
      it(`${p.name} at ${width} is accessible and complains of nothing, dark and light`, async () => {
        const w = await open(browser, { width, height });
        await w.page.goto(server.url + p.path);
        await w.page.getByRole('heading', { level: 1, name: p.heading }).waitFor();
        await w.page
          .getByText(/^Loading /)
          .first()
          .waitFor({ state: 'detached' });
        expect(await w.page.locator('h1').count()).toBe(1);
        expect(await w.page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth)).toBe(false);
        for (const colorScheme of ['dark', 'light'] as const) {
          await w.page.emulateMedia({ colorScheme });
          await clean(w.page);
          await shot(w.page, `${p.name}-${width}-${colorScheme}`);
        }
        expect(w.faults).toEqual([]);
        await w.context.close();
      });
});
