/** What can be done with nodes, edges and the ground of the canvas, by menu and by key, and that all of it is undone. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { canvas, clean, launch, open, type Program, shot, themes } from './harness';

let browser: Browser;
let editor: Program;
let dir: string;

/** row is a workflow of nodes one behind the other. */
const row = (name: string, n: number) => ({
  metadata: { name },
  nodes: Object.fromEntries(
    Array.from({ length: n }, (_, i) => [
      `n${i}`,
      {
        node_id: `n${i}`,
        node_type: i === 0 ? 'StartNode' : 'LogNode',
        name: i === 0 ? 'Start' : `Step number ${i}`,
        config: {},
        position: [i * 280, (i % 3) * 40],
      },
    ]),
  ),
  connections: Array.from({ length: n - 1 }, (_, i) => ({ source_node: `n${i}`, source_port: 'exec_out', target_node: `n${i + 1}`, target_port: 'exec_in' })),
});

const step = (node_id: string, node_type: string, name: string, x: number, config: object = {}) => ({ node_id, node_type, name, config, position: [x, 0] });
const flow = (source_node: string, source_port: string, target_node: string) => ({ source_node, source_port, target_node, target_port: 'exec_in' });
const loop = {
  metadata: { name: 'Loop' },
  nodes: {
    start: step('start', 'StartNode', 'Start', 0),
    loop: step('loop', 'ForLoopStartNode', 'Each', 280, { items: [1, 2] }),
    in: step('in', 'LogNode', 'Inside', 560, { message: 'm' }),
    end: step('end', 'ForLoopEndNode', 'Next', 840),
    after: step('after', 'LogNode', 'After', 1120, { message: 'm' }),
  },
  connections: [flow('start', 'exec_out', 'loop'), flow('loop', 'body', 'in'), flow('in', 'exec_out', 'end'), flow('loop', 'completed', 'after')],
};

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'fleet-menu-'));
  writeFileSync(join(dir, 'three.json'), JSON.stringify(row('Three', 3)));
  writeFileSync(join(dir, 'long.json'), JSON.stringify(row('Long', 18)));
  browser = await launch();
  editor = await canvas(dir, '--url', 'http://127.0.0.1:1');
});

afterAll(async () => {
  await browser?.close();
  await editor?.stop();
  rmSync(dir, { recursive: true, force: true });
});

const pick = (page: Page, name: string | RegExp) => page.getByRole('menu', { name: 'Actions' }).getByRole('menuitem', { name }).click();

describe('the menu of the canvas', () => {
  it('opens on nodes, edges and the ground, by pointer and by key, and undo takes everything back', async () => {
    const w = await open(browser);
    const { page } = w;
    await page.goto(`${editor.url}/local/three.json`);
    await page.getByText('three.json · Saved').waitFor();
    const node = (id: string) => page.locator(`.react-flow__node[data-id="${id}"]`);
    const count = (n: number) => page.waitForFunction((want) => document.querySelectorAll('.react-flow__node').length === want, n);
    const edges = (n: number) => page.waitForFunction((want) => document.querySelectorAll('.react-flow__edge').length === want, n);

    // A node, by pointer.
    await node('n2').click({ button: 'right' });
    const menu = page.getByRole('menu', { name: 'Actions' });
    await menu.waitFor();
    await themes(page, 'canvas-menu');
    await pick(page, /^Duplicate/);
    await count(4);
    await page.keyboard.press('Control+z'); // the focus is nowhere: the key is the canvas's all the same
    await count(3);

    // By key: the arrows walk, Shift F10 opens, and the focus comes back.
    await node('n0').focus();
    await page.keyboard.press('ArrowRight');
    await page.waitForFunction(() => document.activeElement?.getAttribute('data-id') === 'n1');
    await page.keyboard.press('Shift+F10');
    await menu.getByRole('menuitem', { name: /^Settings/ }).waitFor();
    await page.keyboard.press('End');
    expect(await page.evaluate(() => document.activeElement?.textContent)).toContain('Delete');
    await page.keyboard.press('Enter');
    await count(2);
    await page.getByRole('button', { name: 'Undo' }).click();
    await count(3);
    await edges(2);

    // An edge: a node is put into it, and both sides are linked.
    await page.locator('.react-flow__edge').first().focus();
    await page.keyboard.press('Enter');
    await page.keyboard.press('Shift+F10');
    await menu.getByRole('menuitem', { name: 'Go to Start' }).waitFor();
    await clean(page);
    await shot(page, 'canvas-menu-edge-dark');
    await pick(page, 'Insert a node…');
    await page.getByRole('dialog', { name: 'Add a node' }).getByRole('searchbox').fill('wait');
    await page.keyboard.press('Enter');
    await count(4);
    await edges(3);
    await page.getByRole('button', { name: 'Undo' }).click();
    await count(3);
    await edges(2);
    // A click never deletes an edge; Delete does when it is selected.
    await page.locator('.react-flow__edge').first().focus();
    await page.keyboard.press('Enter');
    await page.keyboard.press('Delete');
    await edges(1);
    await page.keyboard.press('Control+z');
    await edges(2);

    // The ground: a comment where the pointer was, paste, arrange.
    await page.locator('.react-flow__pane').click({ button: 'right', position: { x: 300, y: 80 } });
    await pick(page, 'Add a comment');
    await count(4);
    await page.getByRole('textbox', { name: 'Comment' }).first().fill('Look here');
    await page.locator('.react-flow__node').filter({ hasText: 'Look here' }).waitFor();
    await page.keyboard.press('Escape');
    await node('n1').click();
    await page.keyboard.press('Control+c');
    await page.keyboard.press('Control+v');
    await count(5);
    await page.locator('.react-flow__pane').click({ button: 'right', position: { x: 300, y: 60 } });
    await pick(page, 'Paste');
    await count(6);
    await page.locator('.react-flow__pane').click({ button: 'right', position: { x: 300, y: 60 } });
    await pick(page, 'Arrange');
    await page.getByRole('button', { name: 'Undo' }).and(page.getByTitle('Undo: Arrange the graph (Ctrl Z)')).waitFor();

    // Without a pointer: move, and connect.
    await page.keyboard.press('Shift'); // the hand is on the keys: the focus chooses
    await node('n2').focus();
    await page.keyboard.press('Shift+ArrowDown');
    await page.getByTitle('Undo: Move a node (Ctrl Z)').waitFor();
    await page.keyboard.press('Shift+F10');
    await pick(page, 'Connect to…');
    const dialog = page.getByRole('dialog', { name: 'Connect Step number 2' });
    await dialog.getByLabel('To the node').selectOption('n1');
    await clean(page);
    await dialog.getByRole('button', { name: 'Connect' }).click();
    await edges(3);
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keys' }).getByText('menu of a node, an edge or the ground').waitFor();
    await page.keyboard.press('Escape');

    // Everything is taken back, down to the file as it was.
    const undo = page.getByRole('button', { name: 'Undo' });
    while (await undo.isEnabled()) await undo.click();
    await page.getByText('three.json · Saved').waitFor();
    await count(3);
    expect(JSON.parse(readFileSync(join(dir, 'three.json'), 'utf8'))).toEqual(row('Three', 3));
    expect(w.faults).toEqual([]);
    await w.context.close();
  });

  it('tells without an orchestrator where places cut it, and which cut is refused', async () => {
    const w = await open(browser);
    const { page } = w;
    const at = (settings: object) => JSON.stringify({ ...loop, settings: { fleet: { nodes: settings } } });
    writeFileSync(join(dir, 'loop.json'), at({ after: { required_capabilities: ['gpu'] } }));
    await page.goto(`${editor.url}/local/loop.json?panel=placement`);
    await page.getByRole('checkbox', { name: 'Show placement on the graph' }).check();
    const places = page.getByRole('list', { name: 'Places' });
    await places.getByText('2 segments, 1 hand-over').waitFor();
    const marks = page.getByText('hand-over', { exact: true });
    await marks.first().waitFor();
    expect(await marks.count()).toBe(1);
    await clean(page);
    await shot(page, 'placement-alone-dark');
    writeFileSync(join(dir, 'loop.json'), at({ in: { robot_id: 'bot-0042' } }));
    await page.reload();
    await page.getByRole('button', { name: '✕ Problems 1' }).click();
    await page.getByRole('region', { name: 'Problems' }).getByRole('button', { name: 'Inside' }).click();
    await page.getByRole('checkbox', { name: 'Show placement on the graph' }).check();
    await places.getByText('Hand-overs are marked once its problems are solved').waitFor();
    expect(await marks.count()).toBe(0);
    await clean(page);
    await shot(page, 'placement-refused-dark');
    expect(w.faults).toEqual([]);
    await w.context.close();
  });

  it('opens what a program wrote: no places, types that nobody knows, two hundred nodes', async () => {
    const w = await open(browser, { light: true });
    const { page } = w;
    const large = row('Large', 200);
    for (const n of Object.values(large.nodes)) n.position = [100, 100];
    if (large.nodes.n1) large.nodes.n1.node_type = 'NobodyKnowsNode';
    writeFileSync(join(dir, 'large.json'), JSON.stringify(large));
    await page.goto(`${editor.url}/local/large.json`);
    await page.getByText('large.json · Saved').waitFor(); // to be laid out is no change
    const node = (id: string) => page.locator(`.react-flow__node[data-id="${id}"]`);
    await node('n1').getByText('NobodyKnowsNode: unknown here').waitFor();
    const [a, b] = [await node('n0').boundingBox(), await node('n1').boundingBox()];
    expect((b?.x ?? 0) - (a?.x ?? 0)).toBeGreaterThan(a?.width ?? 0);
    await page.getByRole('button', { name: '✕ Problems 1' }).waitFor();
    expect(await page.locator('.react-flow__minimap-node').count()).toBe(200);
    await themes(page, 'canvas-large');

    // Arranged, the whole of it is shown as it stands then.
    await page.goto(`${editor.url}/local/three.json`);
    await page.getByText('three.json · Saved').waitFor();
    await page.getByRole('button', { name: 'Arrange' }).click();
    await page.getByTitle('Undo: Arrange the graph (Ctrl Z)').waitFor();
    await page.waitForFunction(() => {
      const box = document.querySelector('.react-flow')?.getBoundingClientRect();
      const nodes = [...document.querySelectorAll('.react-flow__node')].map((n) => n.getBoundingClientRect());
      if (!box || nodes.length !== 3) return false;
      const [left, right] = [Math.min(...nodes.map((n) => n.left)) - box.left, box.right - Math.max(...nodes.map((n) => n.right))];
      return left > 0 && Math.abs(left - right) < 8; // in the middle
    });
    expect(w.faults).toEqual([]);
    await w.context.close();
  });

  it('fits a long graph whole, with titles that can be read', async () => {
    const w = await open(browser);
    const { page } = w;
    await page.goto(`${editor.url}/local/long.json`);
    await page.locator('.react-flow__node').last().waitFor();
    const inside = () =>
      page.waitForFunction(() => {
        const box = document.querySelector('.react-flow')?.getBoundingClientRect();
        const nodes = [...document.querySelectorAll('.react-flow__node')].map((n) => n.getBoundingClientRect());
        return (
          box !== undefined &&
          nodes.length === 18 &&
          nodes.every((n) => n.left >= box.left && n.right <= box.right && n.top >= box.top && n.bottom <= box.bottom)
        );
      });
    await inside();
    const size = await page.evaluate(() => {
      const title = document.querySelector('.react-flow__node [data-far] > div > span');
      const zoom = new DOMMatrix(getComputedStyle(document.querySelector('.react-flow__viewport') as Element).transform).a;
      return title ? Number.parseFloat(getComputedStyle(title).fontSize) * zoom : 0;
    });
    expect(size).toBeGreaterThan(5);
    await themes(page, 'canvas-long');
    await page.getByRole('tab', { name: 'Robot Picker' }).click(); // less room
    await inside();
    await page.getByRole('button', { name: 'Close the panel' }).click();
    await page.locator('.react-flow__pane').click({ position: { x: 40, y: 40 } });
    await page.keyboard.press('+');
    await page.keyboard.press('+');
    await page.keyboard.press('0');
    await inside();
    await page.setViewportSize({ width: 390, height: 844 });
    await page.getByText('read-only on a narrow screen').waitFor();
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
    await shot(page, 'canvas-long-narrow-dark');
    expect(w.faults).toEqual([]);
    await w.context.close();
  });
});
