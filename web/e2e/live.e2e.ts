import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask, clean, dev, type Line, launch, line, open, type Program, shot, workflow } from './harness';

let browser: Browser;
let server: Program;
let wire: Line;
let submit: (more?: object) => Promise<string>;

const hello = {
  metadata: { name: 'Short', version: '1.0.0' },
  nodes: {
    start: { node_id: 'start', node_type: 'StartNode', config: {}, position: [0, 0] },
    log: { node_id: 'log', node_type: 'LogNode', config: { message: 'said' }, position: [250, 0] },
  },
  connections: [{ source_node: 'start', source_port: 'exec_out', target_node: 'log', target_port: 'exec_in' }],
};

interface Jobs {
  total: number;
  jobs: { job_id: string; status: string }[];
}

beforeAll(async () => {
  [browser, server] = await Promise.all([launch(), dev()]);
  wire = await line(server.url);
  submit = await workflow(server.url, 'Short', hello);
});

afterAll(async () => {
  await browser?.close();
  await wire?.stop();
  await server?.stop();
});

/** shown are the jobs of the page, as id and state. */
const words = (status: string) => (status[0] ?? '').toUpperCase() + status.slice(1).replaceAll('_', ' ');

describe('the live page', () => {
  it('loses no update over six cuts, and says how it stands @main', async () => {
    const w = await open(browser);
    const { page } = w;
    await page.goto(`${wire.url}/fleet/jobs`);
    const connection = page.getByTestId('connection');
    await connection.getByText('Live').waitFor();
    await clean(page);
    for (let i = 0; i < 6; i++) {
      const before = await submit();
      await page.locator(`[title="${before}"]`).first().waitFor();
      wire.cut();
      await submit();
      await submit();
      if (i === 0) {
        await connection.getByText(/^Offline since /).waitFor();
        await page.getByText(/Showing the state of \d\d:\d\d:\d\d\. Actions wait for the connection\./).waitFor();
        await connection.click();
        await page.getByRole('button', { name: 'Retry now' }).waitFor();
        await clean(page);
        await shot(page, 'connection-offline-dark');
        await page.getByRole('button', { name: 'Close' }).click();
      }
      wire.mend();
      await connection.getByText('Live').waitFor();
    }
    // The page becomes what the server has, without a reload: the same jobs, in the same states.
    const settled = async () => {
      const jobs = (await ask<Jobs>(server.url, 'GET', '/jobs?limit=100')).jobs;
      return jobs.every((j) => ['completed', 'failed'].includes(j.status)) ? jobs : undefined;
    };
    let jobs = await settled();
    while (!jobs) {
      await page.waitForTimeout(100);
      jobs = await settled();
    }
    expect(jobs.length).toBeGreaterThanOrEqual(18);
    for (const j of jobs)
      await page
        .getByRole('row')
        .filter({ has: page.locator(`[title="${j.job_id}"]`) })
        .getByText(words(j.status))
        .waitFor();
    expect(await page.getByRole('row').count()).toBe(jobs.length + 1);
    await shot(page, 'jobs-live-dark');
    await w.context.close();
  });

  it('draws a robot that is paused elsewhere, and holds still under the hand', async () => {
    const w = await open(browser, { light: true });
    const { page } = w;
    await page.goto(`${server.url}/fleet/robots?status=online`);
    await page.getByTestId('connection').getByText('Live').waitFor();
    const rows = page.getByRole('row');
    await page.getByText('2 of 2 robots').waitFor();
    await rows.nth(1).hover();
    await ask(server.url, 'POST', '/robots/dev-1/pause', {});
    // Its row says so at once, and stays where it is although the filter does not want it any more.
    await page.getByRole('row', { name: /dev-1/ }).getByText('Paused').waitFor();
    await page.getByRole('button', { name: '1 changed places. Show' }).waitFor();
    await shot(page, 'robots-held-light');
    await page.getByRole('heading', { level: 1 }).hover();
    await page.getByRole('row', { name: /dev-1/ }).waitFor({ state: 'detached' });
    await page.getByText('1 of 2 robots').waitFor();
    await ask(server.url, 'POST', '/robots/dev-1/resume', {});
    await page.getByText('2 of 2 robots').waitFor();
    expect(w.faults).toEqual([]);
    await w.context.close();
  });
});
