/** Runs of the past, played and scrubbed on the graph of the canvas. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask, clean, dev, launch, open, type Program, shot, themes, workflow } from './harness';

let browser: Browser;
let server: Program;

beforeAll(async () => {
  [browser, server] = await Promise.all([launch(), dev()]);
});

afterAll(async () => {
  await browser?.close();
  await server?.stop();
});

const node = (node_id: string, node_type: string, name: string, x: number, config: object = {}) => ({ node_id, node_type, name, config, position: [x, 0] });
const flow = (...ids: string[]) => ids.slice(1).map((id, i) => ({ source_node: ids[i], source_port: 'exec_out', target_node: id, target_port: 'exec_in' }));

interface Job {
  job_id: string;
  status: string;
  workflow: { workflow_id: string; version: number };
}

/** ended waits for a job to end. */
async function ended(id: string): Promise<Job> {
  for (;;) {
    const j = await ask<Job>(server.url, 'GET', `/jobs/${id}`);
    if (['completed', 'failed', 'cancelled', 'timeout'].includes(j.status)) return j;
    await new Promise((go) => setTimeout(go, 50));
  }
}

describe('a run of the past on the canvas', () => {
  it('is replayed with the states of its nodes in words, by pointer and by key', async () => {
    const run = await workflow(server.url, 'Breaks', {
      metadata: { name: 'Breaks' },
      nodes: {
        start: node('start', 'StartNode', 'Start', 0),
        first: node('first', 'LogNode', 'Say hello', 260, { message: 'hello' }),
        off: node('off', 'LogNode', 'Left out', 520, { message: 'no', _disabled: true }),
        bad: node('bad', 'ThrowErrorNode', 'Break', 780, { error_message: 'The ledger is closed' }),
        never: node('never', 'LogNode', 'Say goodbye', 1040, { message: 'bye' }),
      },
      connections: flow('start', 'first', 'off', 'bad', 'never'),
    });
    const id = await run({ retry: { max: 0 } });
    const job = await ended(id);
    expect(job.status).toBe('failed');

    const w = await open(browser);
    const { page } = w;
    await page.goto(`${server.url}/workflows/${job.workflow.workflow_id}/versions/1?run=${id}`);
    const panel = page.getByRole('region', { name: 'Run' });
    await panel.getByText(/^Failed at Break: The ledger is closed/).waitFor();
    const box = (name: string) => page.locator('.react-flow__node').filter({ hasText: name });
    await box('Say hello').getByText('Completed').waitFor();
    await box('Left out').getByText('Skipped').waitFor();
    await box('Break').getByText('Failed').waitFor();
    await box('Break').getByText('The ledger is closed').waitFor();
    await box('Say goodbye').getByText('Not reached').waitFor();
    await themes(page, 'canvas-replay-failed');

    // By key: the slider goes to the beginning, one moment on, and back to the end.
    const slider = panel.getByRole('slider', { name: 'Moment of the run' });
    await slider.focus();
    await page.keyboard.press('Home');
    await panel.getByText('Before the first node').waitFor();
    await box('Break').getByText('Pending').waitFor();
    await page.keyboard.press('ArrowRight');
    await box('Start').getByText('Running').waitFor();
    expect(await slider.getAttribute('aria-valuetext')).toMatch(/^Start: Running, 0 ms of \d+ ms$/);
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowRight');
    await box('Say hello').getByText('Running').waitFor();
    await box('Say goodbye').getByText('Pending').waitFor();
    await panel.getByText(/^Runs on dev-\d: Say hello$/).waitFor();
    await clean(page);
    await shot(page, 'canvas-replay-middle-dark');

    // Played to its end, it stands as it ended.
    await panel.getByLabel('Speed').selectOption('8');
    await panel.getByRole('button', { name: 'Play' }).click();
    await panel.getByText(/^Failed at Break/).waitFor();
    await panel.getByRole('button', { name: 'To the first moment' }).click();
    await panel.getByRole('button', { name: 'Failure' }).click();
    await box('Break').getByText('The ledger is closed').waitFor();

    // The address brings it back, and so does the list of runs.
    await panel.getByRole('button', { name: 'Close the run' }).click();
    await page.getByText('Runs ▾').click();
    await page
      .getByRole('list', { name: 'Runs of this workflow' })
      .getByRole('button', { name: /Failed .+ version 1 on dev-/ })
      .click();
    await panel.getByText(/^Failed at Break/).waitFor();
    expect(new URL(page.url()).searchParams.get('run')).toBe(id);
    expect(w.faults).toEqual([]);
    await w.context.close();
  });

  it('says when it was another version, and offers the run in progress live', async () => {
    const doc = (seconds: number) => ({
      metadata: { name: 'Waits' },
      nodes: { start: node('start', 'StartNode', 'Start', 0), wait: node('wait', 'WaitNode', 'Wait long', 260, { duration: seconds }) },
      connections: flow('start', 'wait'),
    });
    const run = await workflow(server.url, 'Waits', doc(0.01));
    const old = await ended(await run());
    await ask(server.url, 'PUT', '/workflows', { workflow_name: 'Waits', workflow_json: doc(600), base_version: 1 });
    const w = await open(browser);
    const { page } = w;
    await page.goto(`${server.url}/workflows/${old.workflow.workflow_id}?run=${old.job_id}`);
    const panel = page.getByRole('region', { name: 'Run' });
    await panel.getByText('It ran version 1. The graph here is another.').waitFor();
    await panel.getByRole('link', { name: 'Open what ran' }).click();
    await panel.getByText(/^Completed on /).waitFor();
    expect(await panel.getByText(/It ran version/).count()).toBe(0);

    await page.goto(`${server.url}/workflows/${old.workflow.workflow_id}`);
    const id = await run();
    await page.getByRole('button', { name: 'Show live' }).click();
    await panel.getByText(/^Runs on .+: Wait long$/).waitFor();
    await panel.getByText('Live', { exact: false }).first().waitFor();
    const slider = panel.getByRole('slider', { name: 'Moment of the run' });
    await slider.focus();
    await page.keyboard.press('Home');
    await page.locator('.react-flow__node').filter({ hasText: 'Wait long' }).getByText('Pending').waitFor();
    await clean(page);
    await shot(page, 'canvas-replay-live-dark');
    await panel.getByRole('button', { name: 'Show live' }).click();
    await page.locator('.react-flow__node').filter({ hasText: 'Wait long' }).getByText('Running').waitFor();
    await ask(server.url, 'POST', `/jobs/${id}/cancel`, { force: true });
    await panel.getByText('Cancelled').first().waitFor();
    await page.locator('.react-flow__node').filter({ hasText: 'Wait long' }).getByText('Cancelled').waitFor();
    expect((await ended(id)).status).toBe('cancelled');
    expect(w.faults).toEqual([]);
    await w.context.close();
  });
});
