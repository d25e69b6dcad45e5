import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page, Route } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask, clean, dev, launch, open, type Program, shot } from './harness';
import { looks, route } from './looks';

const sizes = [
  [1440, 900],
  [390, 844],
] as const;

let browser: Browser;
let server: Program;
let ids: Record<string, string | undefined>;

interface Jobs {
  jobs: { job_id: string; status: string }[];
}

beforeAll(async () => {
  [browser, server] = await Promise.all([launch(), dev('--demo', '24', '--demo-seed', '7')]);
  // What people set up is not made up: a few schedules and triggers are added.
  const [flow] = (await ask<{ workflows: { workflow_id: string }[] }>(server.url, 'GET', '/workflows')).workflows;
  const of = { workflow_id: flow?.workflow_id, timezone: 'Europe/Berlin' };
  for (const [schedule_name, cron_expression] of [
    ['Invoices of the morning', '0 9 * * 1-5'],
    ['Prices, each quarter of an hour', '*/15 * * * *'],
    ['Month end', '0 9 1 * *'],
  ])
    await ask(server.url, 'POST', '/schedules', { ...of, schedule_name, cron_expression });
  await ask(server.url, 'PUT', '/secrets/shop', { fields: { value: 'what the shop alone knows' } });
  const on = { workflow_id: flow?.workflow_id };
  await ask(server.url, 'POST', '/triggers', { ...on, name: 'Orders of the shop', webhook: { auth: 'hmac_sha256', secret: 'shop', path: 'orders' } });
  await ask(server.url, 'POST', '/triggers', {
    ...on,
    name: 'After a failure',
    enabled: false,
    event: { types: ['job.failed'], workflow_id: flow?.workflow_id },
  });
  // The made-up fleet has begun to work when jobs have ended and others wait.
  for (;;) {
    const counts = await Promise.all(['completed', 'failed', 'pending', 'running'].map((s) => ask<Jobs>(server.url, 'GET', `/jobs?status=${s}&limit=1`)));
    if (counts.every((c) => c.jobs.length > 0)) break;
    await new Promise((r) => setTimeout(r, 250));
  }
  ids = await things(flow?.workflow_id);
});

/** things finds one of each kind that has a page of its own. */
async function things(workflow?: string): Promise<typeof ids> {
  const get = <T>(path: string) => ask<T>(server.url, 'GET', path);
  const [robots, failed, schedules, triggers, queues] = await Promise.all([
    get<{ robots: { robot_id: string; status: string }[] }>('/robots?limit=100'),
    get<Jobs>('/jobs?status=failed&limit=1'),
    get<{ schedule_id: string }[]>('/schedules'),
    get<{ triggers: { trigger_id: string }[] }>('/triggers'),
    get<{ queues: { id: string }[] }>('/queues'),
  ]);
  const queue = queues.queues[0]?.id;
  let item: string | undefined;
  while (!item) item = (await get<{ items: { id: string }[] }>(`/queues/${queue}/items?limit=1`)).items[0]?.id;
  let incident: string | undefined;
  while (!incident) incident = (await get<{ incidents: { incident_id: string }[] }>('/incidents?limit=1')).incidents[0]?.incident_id;
  return {
    workflow,
    queue,
    item,
    incident,
    robot: (robots.robots.find((r) => r.status === 'busy') ?? robots.robots[0])?.robot_id,
    job: failed.jobs[0]?.job_id,
    schedule: schedules[0]?.schedule_id,
    trigger: triggers.triggers[0]?.trigger_id,
  };
}

/** at is the address of a look, with the ids of things that there are. */
const at = (path: string): string => server.url + path.replace(/\$(\w+)/g, (_, noun: string) => ids[noun] ?? `no-${noun}`);

afterAll(async () => {
  await browser?.close();
  await server?.stop();
});

/** settled waits until nothing on the page loads any more. */
async function settled(page: Page): Promise<void> {
  await page.getByRole('heading', { level: 1 }).waitFor();
  await page
    .getByText(/^Loading /)
    .first()
    .waitFor({ state: 'detached' });
}

/** look checks a page that is there, in both themes, and keeps pictures of it. What axe finds does not hang on the width. */
async function look(page: Page, name: string, themes: readonly ('dark' | 'light')[] = ['dark', 'light'], axe = !name.endsWith('-390')): Promise<void> {
  expect(await page.locator('h1').count()).toBe(1);
  expect(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)).toBeLessThanOrEqual(0);
  for (const colorScheme of themes) {
    await page.emulateMedia({ colorScheme });
    if (axe) await clean(page);
    await shot(page, `${name}-${colorScheme}`);
  }
}

describe('the made-up fleet', () => {
  for (const p of looks)
    for (const [width, height] of sizes)
      it(`is seen on the page ${p.name}, ${width} wide`, async () => {
        const w = await open(browser, { width, height });
        await w.page.goto(at(p.path));
        await settled(w.page);
        await w.page.getByText('Demo data.').waitFor();
        await look(w.page, `demo-${p.name}-${width}`, undefined, width > 390 && !p.long);
        expect(w.faults).toEqual([]);
        await w.context.close();
      });

  for (const status of ['pending', 'running', 'completed', 'cancelled', 'timeout', 'needs_decision'])
    it(`is seen in a job that is ${status}`, async () => {
      const w = await open(browser);
      const { page } = w;
      let id: string | undefined;
      for (; !id; await new Promise((r) => setTimeout(r, 250))) id = (await ask<Jobs>(server.url, 'GET', `/jobs?status=${status}&limit=1`)).jobs[0]?.job_id; // there is one before long
      await page.goto(`${server.url}/fleet/jobs/${id}`);
      await settled(page);
      await look(page, `demo-job-${status}-1440`);
      await page.setViewportSize({ width: 390, height: 844 });
      await look(page, `demo-job-${status}-390`);
      expect(w.faults).toEqual([]);
      await w.context.close();
    });

  it('is seen on every page that there is', () => {
    const src = join(import.meta.dirname, '../src');
    const routes = [
      ...['router.tsx', 'lists.tsx']
        .map((f) => readFileSync(join(src, f), 'utf8'))
        .join('')
        .matchAll(/path: '([^']+)'(?!.*redirect)/g),
    ].map((m) => route(m[1] ?? ''));
    const settings = [...readFileSync(join(src, 'pages/settings/SettingsPage.tsx'), 'utf8').matchAll(/{ path: '([^']+)'/g)].map((m) => `/settings/${m[1]}`);
    const elsewhere = ['/login', '/setup', '/local/$', '/fleet', '/fleet/queues/$/items/$', '/settings', '/settings/$']; // a server that asks who one is, files of fleet canvas; ways to other pages
    const seen = new Set([...looks.map((l) => route(l.path)), ...elsewhere]);
    expect([...routes, ...settings].filter((r) => !seen.has(r))).toEqual([]);
  });

  for (const p of looks.filter((x) => x.asks))
    it(`is not there yet while ${p.name} loads, and is said not to be had when the server fails`, async () => {
      const w = await open(browser);
      const { page } = w;
      const asks = p.asks ?? '';
      let fails = false;
      let begin: () => void = () => undefined;
      const held = new Promise<void>((done) => {
        begin = done;
      });
      let passes = false;
      await page.route(asks, async (r: Route) => {
        if (passes) return r.continue();
        if (!fails) await held;
        return r.fulfill({
          status: 500,
          contentType: 'application/problem+json',
          body: JSON.stringify({ status: 500, detail: 'The database does not answer.', code: 'internal', request_id: '0192-request', fix: 'Look at its log.' }),
        });
      });
      await page.goto(at(p.path));
      await page
        .getByText(/^Loading /)
        .first()
        .waitFor();
      await look(page, `loading-${p.name}`, ['light']);
      fails = true;
      begin();
      await page.getByText('The database does not answer.').first().waitFor();
      await page.getByText('0192-request').first().waitFor();
      await look(page, `error-${p.name}`, ['dark']);
      passes = true;
      const again = page.getByRole('button', { name: 'Try again' });
      while ((await again.count()) > 0)
        await again
          .first()
          .click({ timeout: 1000 })
          .catch(() => undefined); // it may have come by itself
      await settled(page);
      expect(w.faults.filter((f) => !/status of 500/.test(f))).toEqual([]);
      await w.context.close();
    });
});
