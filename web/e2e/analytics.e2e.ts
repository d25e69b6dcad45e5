import { readFileSync } from 'node:fs';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask, clean, dev, launch, open, type Program, themes } from './harness';

let browser: Browser;
let server: Program;

beforeAll(async () => {
  [browser, server] = await Promise.all([launch(), dev('--demo', '12')]);
});

afterAll(async () => {
  await browser?.close();
  await server?.stop();
});

describe('the made-up fleet', () => {
  it('has something of everything that pages show', async () => {
    const get = <T>(path: string) => ask<T>(server.url, 'GET', path);
    await expect.poll(async () => (await get<{ pending: number }>('/dlq/stats')).pending, { timeout: 60_000 }).toBeGreaterThan(0);
    expect((await get<{ total: number }>('/schedules?view=list')).total).toBeGreaterThan(0);
    expect((await get<{ triggers: unknown[] }>('/triggers')).triggers.length).toBeGreaterThan(0);
    expect((await get<{ groups: unknown[] }>('/dlq/groups')).groups.length).toBeGreaterThan(0);
    // Items are abandoned a minute after somebody took them and said nothing more.
    const missing = async () => {
      const { queues } = await get<{ queues: { counts: Record<string, number> }[] }>('/queues');
      return ['new', 'in_progress', 'successful', 'failed', 'abandoned', 'retried'].filter((s) => !queues.some((q) => (q.counts[s] ?? 0) > 0));
    };
    await expect.poll(missing, { timeout: 120_000, interval: 1000 }).toEqual([]);
  });
});

describe('analytics', () => {
  it('shows the course of its numbers, leads to what was counted, and is taken away as files', async () => {
    const w = await open(browser);
    const { page } = w;
    await page.goto(`${server.url}/fleet/analytics?range=24h`);
    await page.getByRole('region', { name: 'Workflows with the most jobs' }).getByRole('row').nth(1).waitFor();
    await page.getByRole('region', { name: 'Workflows that became slower' }).waitFor();
    await themes(page, 'analytics');
    await page.getByRole('button', { name: 'Download ▾' }).click();
    await clean(page);
    const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('menuitem', { name: /CSV/ }).click()]);
    expect(readFileSync((await file.path()) ?? '', 'utf8')).toMatch(/^at,created,completed,/);
    await page.getByRole('button', { name: 'Download ▾' }).click();
    const [all] = await Promise.all([page.waitForEvent('download'), page.getByRole('menuitem', { name: /JSON/ }).click()]);
    expect(Object.keys(JSON.parse(readFileSync((await all.path()) ?? '', 'utf8')))).toContain('failures');
    await page.setViewportSize({ width: 390, height: 844 });
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
    await page.setViewportSize({ width: 1440, height: 900 });
    await page.getByRole('button', { name: 'Compare with the 24 hours before' }).click();
    await page.waitForURL(/compare=true/);
    await page
      .getByText(/^Before: /)
      .first()
      .waitFor();
    expect(await page.getByText(/^Before: /).count()).toBe(5);
    const heat = page.getByRole('region', { name: 'Utilisation', exact: true });
    await heat.getByRole('button', { name: 'CPU used' }).click();
    await heat
      .getByTitle(/CPU \d+ %/)
      .first()
      .waitFor();
    expect(
      await heat
        .getByTitle(/CPU \d+ %/)
        .first()
        .textContent(),
    ).toMatch(/^\d+$/);
    await themes(page, 'analytics-compared');
    const card = page.locator('dl').getByRole('link');
    expect(await card.count()).toBe(5);
    await card.nth(3).click();
    await page.waitForURL(
      (u) => u.pathname === '/fleet/jobs' && u.searchParams.get('status') === 'completed' && u.searchParams.has('from') && u.searchParams.has('to'),
    );
    await page.getByRole('heading', { name: 'Jobs', exact: true }).waitFor();
    expect(w.faults).toEqual([]);
    await w.context.close();
  });
});
