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
