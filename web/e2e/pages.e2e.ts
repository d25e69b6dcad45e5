import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clean, dev, launch, open, type Program, shot } from './harness';

/** Every page of the fleet, in both themes, wide and narrow. A new page adds a line. */
const pages = [
  { name: 'overview', path: '/', heading: 'Overview' },
  { name: 'robots', path: '/fleet/robots', heading: 'Robots' },
  { name: 'robots-filtered', path: '/fleet/robots?q=nobody', heading: 'Robots' },
  { name: 'jobs', path: '/fleet/jobs', heading: 'Jobs' },
  { name: 'jobs-filtered', path: '/fleet/jobs?status=timeout', heading: 'Jobs' },
];

let browser: Browser;
let server: Program;

beforeAll(async () => {
  [browser, server] = await Promise.all([launch(), dev()]);
});

afterAll(async () => {
  await browser?.close();
  await server?.stop();
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
        await w.page.getByText(/^Loading /).waitFor({ state: 'detached' });
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

describe('robots', () => {
  it('are filtered by the address, opened, and put into maintenance as one operation', async () => {
    const w = await open(browser);
    const { page } = w;
    await page.goto(`${server.url}/fleet/robots`);
    await page.getByRole('link', { name: 'dev-1' }).waitFor();
    await page.getByRole('searchbox', { name: 'Search robots' }).fill('dev-2');
    await page.getByText('1 of 2 robots').waitFor();
    expect(page.url()).toContain('q=dev-2');
    await page.reload();
    await page.getByText('1 of 2 robots').waitFor();

    await page.getByRole('checkbox', { name: 'Select dev-2' }).check();
    await page.getByRole('button', { name: 'Maintenance…' }).click();
    await page.getByRole('dialog').getByText('Wait for them').waitFor({ state: 'attached' });
    await clean(page);
    await page.getByRole('button', { name: 'Maintenance 1 robots' }).click();
    await page.getByText(/1 of 1 done/).waitFor();
    await page.getByRole('row', { name: /dev-2/ }).getByText('Maintenance').waitFor();
    await shot(page, 'robots-bulk');

    await page.getByRole('link', { name: 'dev-2' }).click();
    await page.getByRole('heading', { level: 1, name: 'dev-2' }).waitFor();
    await page.getByRole('button', { name: 'Resume', exact: true }).click();
    await page
      .getByText(/^Online/)
      .first()
      .waitFor();
    await clean(page);
    await shot(page, 'robot');
    expect(w.faults).toEqual([]);
    await w.context.close();
  });
});
