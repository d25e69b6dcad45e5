import type { Browser, Page, Route } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask, clean, dev, launch, open, type Program, shot } from './harness';

/** Pages with the data of a made-up fleet, while they load, and when the server fails. A new page adds a line. */
interface Look {
  name: string;
  path: string;
  asks?: RegExp; // the questions that make up the page, for loading and failing
  long?: boolean; // hundreds of rows of the same kind: axe looks at the short page in pages.e2e.ts
}

const looks: Look[] = [
  { name: 'overview', path: '/', asks: /\/api\/v1\/(fleet\/snapshot|jobs)/ },
  { name: 'robots', path: '/fleet/robots', asks: /\/api\/v1\/fleet\/snapshot/ },
  { name: 'jobs', path: '/fleet/jobs', asks: /\/api\/v1\/jobs/ },
  { name: 'jobs-pending', path: '/fleet/jobs?status=pending' },
  { name: 'schedules', path: '/fleet/schedules', asks: /\/api\/v1\/schedules/ },
  { name: 'agenda', path: '/fleet/schedules?view=agenda' },
  { name: 'triggers', path: '/fleet/triggers', asks: /\/api\/v1\/triggers/ },
  { name: 'queues', path: '/fleet/queues', asks: /\/api\/v1\/queues/ },
  { name: 'dead-letters', path: '/fleet/dead-letters', asks: /\/api\/v1\/(dlq|dead)/ },
  { name: 'analytics', path: '/fleet/analytics?range=24h', asks: /\/api\/v1\/analytics/ },
  { name: 'api-keys', path: '/fleet/api-keys', asks: /\/api\/v1\/(keys|enrolments)/ },
  { name: 'activity', path: '/activity', asks: /\/api\/v1\/events/ },
  { name: 'incidents', path: '/incidents', asks: /\/api\/v1\/incidents/ },
  { name: 'settings-alerts', path: '/settings/alerts', asks: /\/api\/v1\/alert-rules/ },
  { name: 'audit', path: '/audit', asks: /\/api\/v1\/audit/, long: true },
  { name: 'workflows', path: '/workflows', asks: /\/api\/v1\/workflows/ },
  { name: 'settings-environments', path: '/settings/environments', asks: /\/api\/v1\/environments/ },
  { name: 'settings-users', path: '/settings/users', asks: /\/api\/v1\/users/ },
  { name: 'settings-tenants', path: '/settings/tenants' },
  { name: 'settings-secrets', path: '/settings/secrets' },
  { name: 'settings-system', path: '/settings/system' },
  { name: 'settings-profile', path: '/settings/profile' },
];

const sizes = [
  [1440, 900],
  [390, 844],
] as const;

let browser: Browser;
let server: Program;
let schedule: string;

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
    schedule = (await ask<{ schedule_id: string }>(server.url, 'POST', '/schedules', { ...of, schedule_name, cron_expression })).schedule_id;
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
});

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
        await w.page.goto(server.url + p.path);
        await settled(w.page);
        await w.page.getByText('Demo data.').waitFor();
        await look(w.page, `demo-${p.name}-${width}`, undefined, width > 390 && !p.long);
        expect(w.faults).toEqual([]);
        await w.context.close();
      });

  for (const status of ['failed', 'pending', 'running', 'completed'])
    it(`is seen in a job that is ${status}`, async () => {
      const w = await open(browser);
      const { page } = w;
      let id: string | undefined;
      while (!id) id = (await ask<Jobs>(server.url, 'GET', `/jobs?status=${status}&limit=1`)).jobs[0]?.job_id; // there is always one before long
      await page.goto(`${server.url}/fleet/jobs/${id}`);
      await settled(page);
      await look(page, `demo-job-${status}-1440`);
      await page.setViewportSize({ width: 390, height: 844 });
      await look(page, `demo-job-${status}-390`);
      expect(w.faults).toEqual([]);
      await w.context.close();
    });

  it('is seen in a robot and in a schedule', async () => {
    const w = await open(browser);
    const { page } = w;
    const [robot] = (await ask<{ robots: { robot_id: string }[] }>(server.url, 'GET', '/robots?limit=1')).robots;
    for (const [name, path] of [
      ['robot', `/fleet/robots/${robot?.robot_id}`],
      ['schedule', `/fleet/schedules/${schedule}`],
    ] as const) {
      await page.setViewportSize({ width: 1440, height: 900 });
      await page.goto(server.url + path);
      await settled(page);
      await look(page, `demo-${name}-one-1440`);
      await page.setViewportSize({ width: 390, height: 844 });
      await look(page, `demo-${name}-one-390`);
    }
    expect(w.faults).toEqual([]);
    await w.context.close();
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
      await page.goto(server.url + p.path);
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
