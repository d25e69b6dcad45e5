import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask, clean, dev, launch, open, type Program, shot } from './harness';

let browser: Browser;
let calm: Program;
let busy: Program;

beforeAll(async () => {
  [browser, calm, busy] = await Promise.all([launch(), dev(), dev('--demo', '40')]);
});

afterAll(async () => {
  await browser?.close();
  await Promise.all([calm?.stop(), busy?.stop()]);
});

/** fits says whether the page itself need not be scrolled. */
const fits = () => {
  const main = document.querySelector('main') ?? document.documentElement;
  return main.scrollHeight <= main.clientHeight + 1 && document.documentElement.scrollHeight <= window.innerHeight + 1;
};

describe('the overview of a fleet that is well', () => {
  it('greets who has just started it, is calm, and is not in the way afterwards', async () => {
    const w = await open(browser);
    await w.page.goto(calm.url);
    const card = w.page.getByRole('region', { name: 'Two local robots are running and finished the sample workflow' });
    await card.waitFor();
    await w.page.getByText(/^Nothing needs you\. Checked \d\d:\d\d:\d\d\.$/).waitFor();
    await card.getByRole('button', { name: 'Submit from a terminal' }).click();
    await card.getByText('fleet job submit examples/hello.json --follow').waitFor();
    await clean(w.page);
    await shot(w.page, 'overview-first');
    expect(await w.page.evaluate(fits)).toBe(true);
    await card.getByRole('link', { name: 'Open the job' }).click();
    await w.page.getByRole('heading', { level: 1, name: /./ }).waitFor();
    await w.page.goBack();
    await card.getByRole('button', { name: 'Do not show this again' }).click();
    await card.waitFor({ state: 'detached' });
    await w.page.reload();
    await w.page.getByText(/^Nothing needs you/).waitFor();
    expect(await card.count()).toBe(0);
    expect(w.faults).toEqual([]);
    await w.context.close();
  });
  it('shows a job by the facts of it, without being asked again', async () => {
    const w = await open(browser);
    await w.page.goto(calm.url);
    const feed = w.page.getByRole('region', { name: 'Activity' });
    await feed.getByRole('listitem').first().waitFor();
    const sent = await ask<{ job_id: string }>(calm.url, 'POST', '/jobs', {
      workflow_json: { metadata: { name: 'seen at once' }, nodes: { s: { node_id: 's', node_type: 'StartNode', config: {} } }, connections: [] },
    });
    await feed
      .getByRole('link', { name: /seen at once/ })
      .first()
      .click();
    await w.page.waitForURL(`**/fleet/jobs/${sent.job_id}*`);
    expect(w.faults).toEqual([]);
    await w.context.close();
  });
  it('says what needs somebody once something does, with one thing to do', async () => {
    await ask(calm.url, 'POST', '/robots/register', { robot_id: 'away-1', name: 'away-1' });
    const w = await open(browser);
    await w.page.goto(calm.url);
    await w.page.route('**/api/v1/attention*', async (route) => {
      const r = await route.fetch();
      const body = (await r.json()) as { entries: unknown[] };
      body.entries = [
        {
          kind: 'job_waiting',
          severity: 'critical',
          sentence: '3 jobs wait for a robot with gpu: none of 2 robots fits (2 lack a capability).',
          count: 3,
          object_kind: 'job',
          object_ids: ['a'],
          reason: 'no_match',
          since: new Date(Date.now() - 400_000).toISOString(),
          action: { label: 'Show the jobs', page: '/fleet/jobs?range=all&status=pending&why=no_match', command: 'fleet job list' },
        },
      ];
      await route.fulfill({ response: r, json: body });
    });
    await w.page.reload();
    const needs = w.page.getByRole('region', { name: /^Needs attention/ });
    await needs.getByText(/^3 jobs wait for a robot with gpu/).waitFor();
    await needs.getByRole('link', { name: 'Show the jobs' }).click();
    await w.page.waitForURL('**/fleet/jobs?*why=no_match*');
    await w.page.getByRole('heading', { level: 1, name: 'Jobs' }).waitFor();
    expect(w.faults).toEqual([]);
    await w.context.close();
  });
});

describe('the overview of a busy fleet', () => {
  it('adds up, asks once for each panel, ranks what needs somebody, and fits the screen in both themes', async () => {
    const w = await open(browser);
    const asked: string[] = [];
    w.page.on('request', (r) => {
      const u = new URL(r.url());
      if (/\/api\/v1\/(jobs|attention|analytics|schedules|activity)/.test(u.pathname)) asked.push(u.pathname + u.search);
    });
    await w.page.goto(busy.url);
    const strip = w.page.getByRole('region', { name: 'Fleet' });
    await strip.waitFor();
    for (const name of [/^Needs attention/, /^Running now/, /^Activity/, /^Next runs/, 'Queue depth, 1 h', 'Throughput and failures, 24 h'])
      await w.page.getByRole('region', { name }).waitFor();
    await w.page
      .getByText(/^Loading /)
      .first()
      .waitFor({ state: 'detached' });
    const sum = async () => {
      const texts = await strip.getByRole('link').allTextContents();
      const [total, ...rest] = texts.slice(0, -1).map((t) => Number(/\d+/.exec(t)?.[0]));
      return { total, sum: rest.reduce((n, x) => n + x, 0) };
    };
    await expect
      .poll(async () => {
        const s = await sum();
        return s.total === s.sum && s.total === 40;
      })
      .toBe(true);
    const panels = new Map<string, number>();
    for (const path of asked.map((a) => a.split('&tenant_id')[0] ?? '')) panels.set(path, (panels.get(path) ?? 0) + 1);
    expect(new Set([...panels.keys()].filter((p) => !p.includes('q=the'))).size).toBe(7);
    const needs = w.page.getByRole('region', { name: /^Needs attention/ });
    expect(await needs.getByRole('listitem').count()).toBeLessThanOrEqual(8);
    for (const row of await needs.getByRole('listitem').all())
      if (!/more: /.test((await row.textContent()) ?? '')) expect(await row.getByRole('link').count()).toBe(1);
    expect(await w.page.evaluate(fits)).toBe(true);
    for (const colorScheme of ['dark', 'light'] as const) {
      await w.page.emulateMedia({ colorScheme });
      await clean(w.page);
      await shot(w.page, `overview-busy-${colorScheme}`);
    }
    await strip.getByRole('link', { name: /^Busy \d/ }).click();
    await w.page.waitForURL('**/fleet/robots?status=busy');
    expect(w.faults).toEqual([]);
    await w.context.close();
  });
  it('is read on a telephone', async () => {
    const w = await open(browser, { width: 390, height: 844 });
    await w.page.goto(busy.url);
    await w.page.getByRole('region', { name: 'Throughput and failures, 24 h' }).waitFor();
    expect(await w.page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth)).toBe(false);
    await clean(w.page);
    await shot(w.page, 'overview-busy-390');
    expect(w.faults).toEqual([]);
    await w.context.close();
  });
});
