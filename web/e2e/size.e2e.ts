import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask, dev, launch, open, type Program } from './harness';

const dist = join(import.meta.dirname, '../dist');
const kilobytes = (path: string) => gzipSync(readFileSync(join(dist, path))).length / 1000;

/** What a page costs to load, compressed, as the server sends it. */
describe('what is loaded', () => {
  const files = readdirSync(join(dist, 'assets')).map((f) => `assets/${f}`);
  const first = [...readFileSync(join(dist, 'index.html'), 'utf8').matchAll(/(?:src|href)="\/(assets\/[^"]+)"/g)].map((m) => m[1] ?? '');
  it('first is at most 230 kB of scripts and 45 kB of styles', () => {
    const sum = (ending: string) => first.filter((f) => f.endsWith(ending)).reduce((n, f) => n + kilobytes(f), 0);
    expect(sum('.js')).toBeGreaterThan(10);
    expect(sum('.js')).toBeLessThanOrEqual(230);
    expect(sum('.css')).toBeLessThanOrEqual(45);
  });
  it('later is at most 90 kB for each part', () => {
    for (const f of files.filter((f) => f.endsWith('.js') && !first.includes(f))) expect(kilobytes(f), f).toBeLessThanOrEqual(90);
  });
});

/** Pages on the screen of a telephone, with the data of a made-up fleet. A new page adds a line. */
const narrow = [
  '/',
  '/fleet/robots',
  '/fleet/robots?view=health',
  '/fleet/schedules',
  '/fleet/triggers',
  '/fleet/queues',
  '/fleet/dead-letters',
  '/fleet/dead-letters?view=groups',
  '/fleet/analytics?range=24h',
  '/fleet/api-keys',
  '/activity',
  '/incidents',
  '/audit',
  '/workflows',
  ...['profile', 'users', 'tenants', 'alerts', 'webhooks', 'secrets', 'assets', 'calendars', 'system'].map((p) => `/settings/${p}`),
];

describe('a screen 390 wide', () => {
  let browser: Browser;
  let server: Program;
  beforeAll(async () => {
    [browser, server] = await Promise.all([launch(), dev('--demo', '24', '--demo-seed', '7')]);
    const put = <T>(method: string, path: string, body: object) => ask<T>(server.url, method, path, body);
    const long = 'A name that is about as long as people make them';
    const [flow] = (await ask<{ workflows: { workflow_id: string }[] }>(server.url, 'GET', '/workflows')).workflows;
    const of = { workflow_id: flow?.workflow_id };
    await Promise.all([
      put('POST', '/schedules', { ...of, schedule_name: long, cron_expression: '*/15 * * * *', timezone: 'Europe/Berlin' }),
      put('POST', '/triggers', { ...of, name: long, enabled: false, event: { types: ['job.failed'] } }),
      put('PUT', '/secrets/erp-a-rather-long-name-of-a-secret', { fields: { user: 'x', password: 'y' }, description: long }),
      put('PUT', '/assets/erp_url', { type: 'text', value: `https://erp.example/${'path/'.repeat(20)}`, values: [] }),
      put('POST', '/calendars', { name: long, timezone: 'America/Argentina/Buenos_Aires' }),
      put('POST', '/webhooks-out', { name: long, event_types: ['job.failed'], url: `https://hooks.example/${'path/'.repeat(20)}` }),
      put('POST', '/users', { name: 'somebody.with.a.long.name@example.com', password: 'a long enough password', role: 'operator' }),
    ]);
    for (;;) {
      const failed = await ask<{ jobs: object[] }>(server.url, 'GET', '/jobs?status=failed&limit=1');
      if (failed.jobs.length > 0) break;
      await new Promise((r) => setTimeout(r, 250));
    }
  });
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
  });
  for (const path of narrow)
    it(`holds all of ${path}`, async () => {
      const { page, context } = await open(browser, { width: 390, height: 844 });
      await page.goto(server.url + path);
      await page.getByRole('heading', { level: 1 }).waitFor();
      await page
        .getByText(/^Loading /)
        .first()
        .waitFor({ state: 'detached' });
      // A row of things to press may slide; all else stays within the screen.
      const wide = await page.evaluate(() =>
        [...document.querySelectorAll<HTMLElement>('main *')]
          .filter((e) => !e.closest('[data-slides], pre, nav') && e.getClientRects().length > 0 && e.getBoundingClientRect().right > innerWidth + 1)
          .filter((e) => getComputedStyle(e).clipPath === 'none' && !e.closest('thead'))
          .map((e) => `${e.tagName} ${e.textContent.slice(0, 40)} ${Math.round(e.getBoundingClientRect().right)}`),
      );
      expect(wide).toEqual([]);
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
      await context.close();
    });
});
