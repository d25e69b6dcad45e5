/** The place of each node on the canvas, and what the fleet makes of it. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask, canvas, clean, dev, launch, open, type Program, shot, themes } from './harness';

let browser: Browser;
let server: Program;
let editor: Program;
let dir: string;

const node = (node_id: string, node_type: string, name: string, x: number, config: object = {}) => ({ node_id, node_type, name, config, position: [x, 0] });
const doc = {
  metadata: { name: 'Books' },
  nodes: {
    start: node('start', 'StartNode', 'Start', 0),
    sap: node('sap', 'LogNode', 'Open SAP', 260, { message: 'open' }),
    book: node('book', 'LogNode', 'Book it', 520, { message: 'book' }),
    scan: node('scan', 'LogNode', 'Scan', 780, { message: 'scan' }),
    end: node('end', 'EndNode', 'End', 1040),
  },
  connections: ['start', 'sap', 'book', 'scan'].map((id, i) => ({
    source_node: id,
    source_port: 'exec_out',
    target_node: ['sap', 'book', 'scan', 'end'][i],
    target_port: 'exec_in',
  })),
};

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'fleet-places-'));
  writeFileSync(join(dir, 'books.json'), JSON.stringify(doc));
  [browser, server] = await Promise.all([launch(), dev()]);
  editor = await canvas(dir, '--url', server.url);
});

afterAll(async () => {
  await browser?.close();
  await editor?.stop();
  await server?.stop();
  rmSync(dir, { recursive: true, force: true });
});

interface Written {
  settings: { fleet: { placement?: object; nodes: Record<string, object> } };
}
const written = () => (JSON.parse(readFileSync(join(dir, 'books.json'), 'utf8')) as Written).settings.fleet;

describe('the place of a node', () => {
  it('is written as the fleet reads it, and shown on the graph', async () => {
    const w = await open(browser);
    const { page } = w;
    await page.goto(`${editor.url}/local/books.json?panel=placement`);
    await page.getByText('books.json · Saved').waitFor();
    const box = (name: string) => page.getByRole('group', { name: new RegExp(`^${name},`) });
    const panel = page.getByRole('tabpanel', { name: 'Placement' });
    const save = async () => {
      await page.keyboard.press('Control+s');
      await page.getByText('books.json · Saved').waitFor();
    };

    // A robot of its own, and what becomes of the job when it does not come.
    await box('Open SAP').click();
    await panel.getByRole('radio', { name: 'On a specific robot' }).check();
    await panel.getByRole('row', { name: /dev-1/ }).click();
    await panel.getByText('The job waits for dev-1, however long it takes.').waitFor();
    await box('Open SAP').getByText('on dev-1').waitFor();
    await panel.getByLabel('Else').selectOption('fail');
    await panel.getByLabel('After').selectOption('60');
    await panel.getByText('If dev-1 has not taken it by then, the job ends as timeout.').waitFor();
    await box('Open SAP').getByText('on dev-1, else fail').waitFor();
    await panel.getByText('1 robot fits, 1 free now').waitFor();
    await panel.getByLabel('Reason').fill('SAP is there');
    await save();
    expect(written().nodes.sap).toEqual({
      placement: { fallback: [{ match: { robots: ['dev-1'] }, wait_seconds: 60 }, { fail: true }] },
      reason: 'SAP is there',
    });
    await panel.getByLabel('Else').selectOption('any');
    await panel.getByText(/^dev-1 goes first; then any robot/).waitFor();
    await themes(page, 'placement-else');
    await save();
    const caps = (await ask<{ capabilities: string[] }>(server.url, 'GET', '/robots/dev-1')).capabilities.toSorted();
    expect(written().nodes.sap).toMatchObject({
      placement: { fallback: [{ match: { robots: ['dev-1'] }, wait_seconds: 60 }, { match: caps.length > 0 ? { capabilities: caps } : { all: true } }] },
    });

    // With another node, by capability, and for the whole workflow.
    await box('Book it').click();
    await panel.getByRole('radio', { name: 'On the same robot as another node' }).check();
    await panel.getByRole('combobox', { name: 'Node' }).selectOption('sap');
    await box('Book it').getByText('with "Open SAP"').waitFor();
    await box('Open SAP').click();
    await panel.getByRole('radio', { name: 'On the same robot as another node' }).check();
    expect(await panel.getByRole('combobox', { name: 'Node' }).locator('option').allTextContents()).not.toContain('Book it'); // that would be a ring
    await page.getByRole('button', { name: 'Undo' }).click();
    await box('Scan').click();
    await panel.getByRole('radio', { name: 'By capability' }).check();
    await panel.getByText('Nothing is demanded yet', { exact: false }).waitFor();
    await panel.getByRole('checkbox', { name: 'GPU' }).check();
    await box('Scan').getByText('needs GPU').waitFor();
    await panel.getByText(/^No robot fits: 2 /).waitFor();
    await panel.getByRole('checkbox', { name: 'Active' }).uncheck();
    await box('Scan').getByText('needs GPU (off)').waitFor();
    await panel.getByRole('checkbox', { name: 'Active' }).check();
    await page.locator('.react-flow__pane').click({ position: { x: 30, y: 200 } });
    await panel.getByText('The whole workflow.', { exact: false }).waitFor();
    await panel.getByRole('radio', { name: 'By capability' }).check();
    await panel.getByLabel('Environment').fill('default');
    await panel.getByText('2 robots fit, 2 free now').waitFor();
    await save();
    expect(written()).toMatchObject({ placement: { environment: 'default' }, nodes: { book: { same_as: 'sap' }, scan: { required_capabilities: ['gpu'] } } });

    // Shown on the graph: a colour for each place, a mark on each edge between two.
    await panel.getByRole('checkbox', { name: 'Show placement on the graph' }).check();
    const places = page.getByRole('list', { name: 'Places' });
    await places.getByText('on dev-1, 3 nodes').waitFor(); // the start goes along
    await places.getByText('needs GPU, 2 nodes').waitFor();
    await places.getByText('2 segments, 1 hand-over').waitFor();
    const marks = page.getByText('hand-over', { exact: true });
    await marks.first().waitFor();
    expect(await marks.count()).toBe(1);
    await page.getByRole('button', { name: 'Close the panel' }).click();
    await clean(page);
    await shot(page, 'placement-shown-dark');
    expect(w.faults).toEqual([]);
    await w.context.close();
  });

  it('cuts the job as the graph shows it', async () => {
    const made = await ask<{ job_id: string }>(server.url, 'POST', '/jobs', {
      workflow_json: {
        ...doc,
        settings: { fleet: { nodes: { scan: { placement: { fallback: [{ match: { robots: ['dev-2'] }, wait_seconds: 60 }, { fail: true }] } } } } },
      },
    });
    for (;;) {
      const j = await ask<{ status: string; segment_jobs?: { robot_id?: string }[] }>(server.url, 'GET', `/jobs/${made.job_id}`);
      if (j.status === 'completed') {
        expect(j.segment_jobs?.length).toBe(2);
        expect(j.segment_jobs?.[1]?.robot_id).toBe('dev-2');
        return;
      }
      expect(['pending', 'assigned', 'running']).toContain(j.status);
      await new Promise((go) => setTimeout(go, 100));
    }
  });
});
