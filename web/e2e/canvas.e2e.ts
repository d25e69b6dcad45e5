import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask, canvas, clean, dev, launch, line, open, type Program, serve, shot, start, themes } from './harness';

const hello = readFileSync(join(import.meta.dirname, '../../examples/hello.json'), 'utf8');

let browser: Browser;
let orchestrator: Program;
let editor: Program;
let dir: string;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'fleet-flows-'));
  writeFileSync(join(dir, 'hello.json'), hello.replace('"metadata"', '"of_somebody_else": {"n": 10.0}, "metadata"'));
  [browser, orchestrator] = await Promise.all([launch(), dev()]);
  editor = await canvas(dir, '--url', 'http://127.0.0.1:1', '--url', orchestrator.url);
});

afterAll(async () => {
  await browser?.close();
  await editor?.stop();
  await orchestrator?.stop();
  rmSync(dir, { recursive: true, force: true });
});

describe('the canvas on the author’s machine', () => {
  it('runs a file locally, then goes the way from local to cloud @main', async () => {
    const w = await open(browser);
    const { page } = w;
    await page.goto(`${editor.url}/workflows`);
    await page.getByRole('link', { name: 'hello.json' }).click();
    await page.getByText('hello.json · Saved').waitFor();

    // Local is where it starts, and it needs no robot.
    await page.getByRole('tab', { name: 'Robot Picker' }).click();
    expect(await page.getByRole('radio', { name: 'Local' }).isChecked()).toBe(true);
    await page.getByText(/Runs on .+, no robot needed/).waitFor();
    await clean(page);
    await shot(page, 'canvas-local-dark');
    await page.getByRole('button', { name: 'Run locally' }).first().click();
    const run = page.getByRole('region', { name: 'Run' });
    await run.getByText(/^Completed on /).waitFor();
    await run.getByRole('tab', { name: /Nodes/ }).click();
    await run
      .getByText(/Completed in|Completed/)
      .first()
      .waitFor();

    // The way of the specification: submit, the picker turns to Cloud and shows the robots.
    await page.getByRole('button', { name: 'Switch to Cloud to submit' }).click();
    await page.getByRole('tabpanel', { name: 'Robot Picker' }).getByText('Connected').waitFor();
    await page.getByText('Select a robot').waitFor();
    await page.getByRole('row', { name: /dev-1/ }).click();
    await page.getByRole('button', { name: 'Submit to Cloud' }).click();
    await page.getByText(/^Submitted: /).waitFor();
    await page.getByRole('region', { name: 'Submitted' }).getByRole('link', { name: 'Open it' }).waitFor();
    await run.getByText('Completed on dev-1').waitFor();
    await page.getByText(/robots shown/).waitFor(); // five seconds later
    await clean(page);
    await shot(page, 'canvas-cloud-dark');

    // Double click submits at once, to the robot under the pointer.
    await page.getByRole('row', { name: /dev-2/ }).dblclick();
    await run.getByText('Completed on dev-2').waitFor();

    // The address brings all of it back.
    await page.reload();
    await page.getByRole('region', { name: 'Run' }).getByText('Completed on dev-2').waitFor();
    expect(await page.getByRole('row', { name: /dev-2/ }).getAttribute('aria-selected')).toBe('true');

    // Local clears the choice.
    await page.getByRole('radio', { name: 'Local' }).check();
    await page.getByRole('radio', { name: 'Cloud' }).check();
    await page.getByText('Select a robot').waitFor();
    expect(w.faults.filter((f) => !f.includes('404'))).toEqual([]); // an orchestrator without steps says so once for each run
    await w.context.close();
  });

  it('edits, undoes, saves without loss, and keeps a draft', async () => {
    const w = await open(browser, { light: true });
    const { page } = w;
    await page.goto(`${editor.url}/local/hello.json`);
    await page.getByText('hello.json · Saved').waitFor();
    await page.locator('.react-flow__pane').click({ position: { x: 40, y: 40 } });
    await page.locator('.react-flow__node').first().focus();
    await page.keyboard.press('Tab');
    const add = page.getByRole('dialog', { name: 'Add a node' });
    await add.getByRole('searchbox').fill('log');
    await page.keyboard.press('Enter');
    await page.getByLabel('Message').fill('said by the test');
    await page.getByText('Unsaved, kept as a draft').waitFor();
    await clean(page);
    await shot(page, 'canvas-node-light');

    await page.getByRole('button', { name: 'Undo' }).click();
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.getByText('hello.json · Saved').waitFor();
    await page.getByRole('button', { name: 'Redo' }).click();
    await page.getByRole('button', { name: 'Redo' }).click();
    await page.getByText('Unsaved, kept as a draft').waitFor();
    await page.waitForFunction(() => Object.keys(localStorage).some((k) => localStorage.getItem(k)?.includes('said by the test')));
    page.on('dialog', (d) => void d.accept());
    await page.reload();
    await page.getByText(/A draft of .+ was restored/).waitFor();
    // It can be discarded, and that can be undone.
    await page.getByRole('button', { name: 'Discard the draft' }).click();
    await page.getByText('The draft was discarded. This is what is stored.').waitFor();
    await page.getByText('hello.json · Saved').waitFor();
    await clean(page);
    await shot(page, 'canvas-discarded-light');
    await page.getByRole('button', { name: 'Bring the draft back' }).click();
    await page.getByText(/A draft of .+ was restored/).waitFor();
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await page.getByText('hello.json · Saved').waitFor();
    const text = readFileSync(join(dir, 'hello.json'), 'utf8');
    expect(text).toContain('said by the test');
    expect(text).toContain('"n": 10.0');

    // Somebody else changes the file: nothing is covered up.
    writeFileSync(join(dir, 'hello.json'), text.replace('said by the test', 'said by another'));
    await page.getByLabel('Name of the workflow').fill('Mine');
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    const conflict = page.getByRole('dialog', { name: 'The file was changed meanwhile' });
    await conflict.getByText(/has other settings in/).waitFor();
    await conflict.getByText('yours said by the test, theirs said by another').waitFor();
    await clean(page);
    await shot(page, 'canvas-conflict-light');
    await conflict.getByRole('button', { name: /Take theirs/ }).click();
    expect(readFileSync(join(dir, 'hello.json'), 'utf8')).toContain('said by another');
    expect(w.faults).toEqual(['error: Failed to load resource: the server responded with a status of 409 (Conflict)']);
    await w.context.close();
  });

  it('shows problems, placement and the narrow form', async () => {
    const w = await open(browser);
    const { page } = w;
    writeFileSync(
      join(dir, 'broken.json'),
      '{"metadata":{"name":"Broken"},"nodes":{"a":{"node_id":"a","node_type":"LogNode","config":{},"position":[0,0]},"b":{"node_id":"b","node_type":"LgoNode","config":{},"position":[300,0]}},"connections":[]}',
    );
    await page.goto(`${editor.url}/local/broken.json`);
    await page.getByRole('button', { name: /Problems [1-9]/ }).click();
    const problems = page.getByRole('region', { name: 'Problems' });
    await problems
      .getByText(/LgoNode/)
      .first()
      .waitFor();
    await clean(page);
    await shot(page, 'canvas-problems-dark');
    await problems.getByRole('button', { name: 'Close the problems' }).click();

    await page.locator('.react-flow__node').first().click();
    await page.getByRole('tab', { name: 'Placement' }).click();
    await page.getByRole('radio', { name: 'By capability' }).check();
    await page.getByRole('checkbox', { name: 'GPU' }).check();
    await page.getByText('needs GPU').waitFor();
    await page.getByText(/^No robot fits/).waitFor();
    await page.getByRole('radio', { name: 'On a specific robot' }).check();
    await page.getByRole('row', { name: /dev-1/ }).click();
    await page.getByText('on dev-1').waitFor();
    await clean(page);
    await shot(page, 'canvas-placement-dark');
    await page.getByRole('radio', { name: 'As the workflow does' }).check();
    await page.getByText(/2 robots fit/).waitFor();
    await clean(page);
    await ask(orchestrator.url, 'POST', '/robots/dev-2/pause', {});
    await page.getByText('2 robots fit, 1 free now').waitFor(); // it goes on counting
    await ask(orchestrator.url, 'POST', '/robots/dev-2/resume', {});
    await page.getByText('2 robots fit, 2 free now').waitFor();

    await page.setViewportSize({ width: 390, height: 844 });
    await page.getByText('read-only on a narrow screen').waitFor();
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
    await clean(page);
    await shot(page, 'canvas-narrow-dark');
    expect(w.faults).toEqual([]);
    await w.context.close();
  });

  it('works alone, and says what to do', async () => {
    const alone = await canvas(dir, '--url', 'http://127.0.0.1:1');
    const w = await open(browser, { light: true });
    const { page } = w;
    try {
      await page.goto(`${alone.url}/local/hello.json?panel=picker`);
      await page.getByText('Not connected').first().waitFor();
      // The panel floats, is moved by key, and stands on the other side; it is never smaller than 280 by 300.
      const dock = page.getByRole('complementary', { name: 'Panels' });
      await page.getByRole('button', { name: 'Float the panel' }).click();
      const before = await dock.boundingBox();
      await page.getByRole('button', { name: /^Move the panel: arrow keys/ }).focus();
      await page.keyboard.press('ArrowLeft');
      await page.keyboard.press('ArrowDown');
      const after = await dock.boundingBox();
      expect([(after?.x ?? 0) - (before?.x ?? 0), (after?.y ?? 0) - (before?.y ?? 0)]).toEqual([-16, 16]);
      await clean(page);
      await shot(page, 'picker-floating-light');
      await dock.evaluate((el) => {
        el.style.width = '10px';
        el.style.height = '10px';
      });
      const small = await dock.boundingBox();
      expect([small?.width, small?.height]).toEqual([280, 300]);
      await page.getByRole('button', { name: 'Dock the panel' }).click();
      await page.getByRole('button', { name: /^Move the panel to the other side/ }).focus();
      await page.keyboard.press('ArrowLeft');
      expect((await dock.boundingBox())?.x).toBeLessThan((await page.locator('.react-flow').boundingBox())?.x ?? 0);
      await page.reload(); // and stays there
      await page.getByText('Not connected').first().waitFor();
      expect((await dock.boundingBox())?.x).toBeLessThan((await page.locator('.react-flow').boundingBox())?.x ?? 0);
      await page.getByRole('button', { name: /^Move the panel to the other side/ }).focus();
      await page.keyboard.press('ArrowRight');
      await page.getByRole('button', { name: 'Close the panel' }).click();
      await page.getByRole('tab', { name: 'Robot Picker' }).click();
      await page.getByRole('button', { name: 'Run locally' }).first().click();
      await page
        .getByRole('region', { name: 'Run' })
        .getByText(/^Completed on /)
        .waitFor();
      await page.getByRole('radio', { name: 'Cloud' }).check();
      await page.getByText(/connection refused/).waitFor();
      await page.getByText('Not connected to an orchestrator').waitFor();
      await clean(page);
      await shot(page, 'picker-alone-light');
      await page.getByRole('textbox', { name: 'Address' }).fill(orchestrator.url);
      await page.getByRole('button', { name: 'Connect' }).click();
      await page.getByRole('row', { name: /dev-1/ }).waitFor();
      expect(w.faults).toEqual([]);
    } finally {
      await w.context.close();
      await alone.stop();
    }
  });
});

describe('the canvas before there is a graph, and where there is none', () => {
  it('says that it loads, that there is nothing, and what failed', async () => {
    const w = await open(browser);
    const { page } = w;
    let free: () => void = () => undefined;
    const held = new Promise<void>((go) => {
      free = go;
    });
    await page.route('**/api/v1/local/files/open*', async (r) => {
      await held;
      await r.continue();
    });
    await page.goto(`${editor.url}/local/hello.json`);
    await page.getByText('Loading the workflow…').waitFor();
    expect(await page.getByText('New workflow').count()).toBe(0); // it is not called by a name that it has not
    await themes(page, 'canvas-loading');
    free();
    await page.getByText('hello.json · ').first().waitFor();
    await page.unrouteAll({ behavior: 'wait' });

    writeFileSync(join(dir, 'empty.json'), '{"metadata":{"name":"Empty"},"nodes":{},"connections":[]}');
    await page.goto(`${editor.url}/local/empty.json`);
    await page.getByText('No nodes yet.').waitFor();
    await themes(page, 'canvas-empty');
    await page.getByRole('button', { name: 'Add a node' }).click();
    await page.getByRole('dialog', { name: 'Add a node' }).getByRole('searchbox').fill('log');
    await page.keyboard.press('Enter');
    await page.locator('.react-flow__node').waitFor();
    expect(await page.getByText('No nodes yet.').count()).toBe(0);
    expect(w.faults).toEqual([]);

    await page.goto(`${editor.url}/local/there-is-none.json`);
    await page.getByText('The workflow cannot be opened', { exact: false }).waitFor();
    await page.getByRole('button', { name: 'Try again' }).waitFor();
    await themes(page, 'canvas-error');
    await w.context.close();
  });

  it('is usable at 390', async () => {
    const w = await open(browser, { width: 390, height: 844 });
    const { page } = w;
    await page.goto(`${editor.url}/local/hello.json`);
    await page.getByRole('button', { name: 'Run locally' }).first().click();
    await page
      .getByRole('region', { name: 'Run' })
      .getByText(/^Completed on /)
      .waitFor();
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
    // The graph is seen, however little room the run leaves it.
    await page.waitForFunction(() => {
      const box = document.querySelector('.react-flow')?.getBoundingClientRect();
      const nodes = [...document.querySelectorAll('.react-flow__node')].map((n) => n.getBoundingClientRect());
      return (
        box !== undefined && nodes.length > 0 && nodes.every((n) => n.left >= box.left && n.right <= box.right && n.top >= box.top && n.bottom <= box.bottom)
      );
    });
    await themes(page, 'canvas-run-narrow');
    await page.getByRole('region', { name: 'Run' }).getByRole('button', { name: 'Close the run' }).click();
    await page.getByRole('tab', { name: 'Robot Picker' }).click();
    await page.getByText(/no robot needed/).waitFor();
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
    await themes(page, 'picker-narrow');
    await w.context.close();
  });
});

describe('the way to the orchestrator', () => {
  it('says what to do when the key is refused', async () => {
    const server = await serve(join(dir, 'locked'));
    const ed = await canvas(dir, '--url', server.url, '--key', 'cfu_not_a_key');
    const w = await open(browser);
    const { page } = w;
    try {
      await page.goto(`${ed.url}/local/hello.json?panel=picker`);
      await page.getByRole('button', { name: 'Ways to run' }).click();
      await page.getByRole('menuitem', { name: 'Submit to Cloud' }).click();
      await page.getByText('The key was refused. Create one under Fleet › API Keys.').first().waitFor();
      await page.getByRole('list', { name: 'Addresses tried' }).getByText('--url').waitFor();
      await page.getByText('Not connected to an orchestrator').waitFor();
      await themes(page, 'picker-refused');
      expect(w.faults).toEqual([]);
    } finally {
      await w.context.close();
      await ed.stop();
      await server.stop();
    }
  });

  it('keeps the robots it knew when the connection breaks, and finds the way back', async () => {
    const way = await line(orchestrator.url);
    const ed = await canvas(dir, '--url', way.url);
    const w = await open(browser);
    const { page } = w;
    try {
      await page.goto(`${ed.url}/local/hello.json?panel=picker&mode=cloud`);
      await page.getByRole('row', { name: /dev-1/ }).click();
      await page.getByText(/^Local is /).waitFor(); // whose machine it would be
      way.cut();
      await page.getByText(/^As of \d/).waitFor();
      await page.getByText('Not connected to an orchestrator').waitFor();
      await page.getByRole('row', { name: /dev-1/ }).waitFor();
      const picker = page.getByRole('tabpanel', { name: 'Robot Picker' });
      await picker.getByText(/^○ Offline since \d/).waitFor();
      await picker.locator('[data-state="offline"]').getByText(new URL(way.url).host).waitFor(); // which one it was
      await picker.getByText(/^2 of 2 robots shown · 2 could take a job at \d/).waitFor();
      await clean(page);
      await shot(page, 'picker-lost-dark');
      way.mend();
      await page.getByRole('tabpanel', { name: 'Robot Picker' }).locator('[data-state="connected"]').waitFor();
      await page.getByRole('button', { name: 'Submit to Cloud' }).click();
      await page.getByRole('region', { name: 'Run' }).getByText('Completed on dev-1').waitFor();
      // Filters in the words of the specification, and the count follows.
      await page.getByLabel('Filter').selectOption('GPU Available');
      await page.getByText('0 of 2 robots shown · 0 can take a job').waitFor();
      await page.getByText('Selected: dev-1 (hidden by the filter)').waitFor();
      await page.getByText('No robot matches GPU Available').waitFor();
      // The editor itself ends: there is no other orchestrator to be named, and nothing is lost.
      await ed.stop();
      await page.getByText('fleet canvas does not answer on this machine.', { exact: false }).waitFor();
      expect(await page.getByRole('button', { name: 'Connect' }).count()).toBe(0);
      await shot(page, 'picker-gone-dark');
    } finally {
      await w.context.close();
      await ed.stop();
      await way.stop();
    }
  });
});

describe('the keyboard alone', () => {
  it('builds a workflow, sets it, places it on a robot and submits it', async () => {
    const w = await open(browser);
    const { page } = w;
    const key = (k: string) => page.keyboard.press(k);
    const focus = (what: string) => page.waitForFunction((s) => document.activeElement?.matches(s), what);
    await page.goto(`${editor.url}/workflows`);
    await page.getByRole('link', { name: 'hello.json' }).waitFor();
    const onNew = () => page.evaluate(() => document.activeElement?.textContent === 'New workflow');
    for (let n = 0; n < 40 && !(await onNew()); n++) await key('Tab');
    await key('Enter');
    await page.getByText('New · Not saved yet').waitFor();

    // Two nodes, each going on from the one before.
    await key('ArrowRight'); // the first node
    await focus('.react-flow__node');
    await key('Tab');
    await page.getByRole('dialog', { name: 'Add a node' }).getByRole('searchbox').waitFor();
    await page.keyboard.type('log');
    await key('Enter');
    await focus('.react-flow__node:not([data-id="start"])');
    await page.waitForFunction(() => document.querySelectorAll('.react-flow__edge').length === 1);
    // Its settings, and back to the graph.
    await key('Enter');
    await focus('[role="tabpanel"] textarea, [role="tabpanel"] input');
    await page.keyboard.type('by key');
    await key('Escape');
    await focus('.react-flow__node');
    await key('Tab');
    await page.keyboard.type('set variable');
    await key('Enter');
    await page.waitForFunction(() => document.querySelectorAll('.react-flow__edge').length === 2);
    await page.waitForFunction(() => document.querySelectorAll('.react-flow__node').length === 3);
    await focus('.react-flow__node');
    await key('F2');
    await focus('[data-rename]');
    await page.keyboard.type('Keep it');
    await key('Escape');
    await page.getByRole('group', { name: /^Keep it,/ }).waitFor();
    await key('Delete');
    await page.waitForFunction(() => document.querySelectorAll('.react-flow__node').length === 2);
    await clean(page);
    await shot(page, 'canvas-by-key-dark');

    // The Robot Picker: Cloud, a robot, submit.
    await key('ArrowRight'); // after the deletion, the first node again
    await key('p');
    await focus('input[type="radio"]');
    await key('ArrowRight');
    await page.getByText('Select a robot').waitFor();
    const onTree = () => page.evaluate(() => document.activeElement?.closest('[role="treegrid"]') !== null);
    for (let n = 0; n < 12 && !(await onTree()); n++) await key('Tab');
    await page.keyboard.type('dev-2');
    await page.getByRole('row', { name: /dev-2/ }).and(page.locator('[aria-selected="true"]')).waitFor();
    await key('Control+Enter');
    const run = page.getByRole('region', { name: 'Run' });
    await run.getByText('Completed on dev-2').waitFor();
    await run.getByText('by key').waitFor();
    expect(w.faults.filter((f) => !f.includes('404'))).toEqual([]);
    await w.context.close();
  });
});

describe('the canvas of the orchestrator', () => {
  it('stores versions, and keeps two authors apart', async () => {
    const w = await open(browser);
    const { page } = w;
    await page.goto(`${orchestrator.url}/workflows/new`);
    await page.getByLabel('Name of the workflow').fill('From the canvas');
    await page.getByRole('button', { name: 'Publish' }).click();
    await page.getByText('Version 1 · Saved').waitFor();
    const id = new URL(page.url()).pathname.split('/').at(-1) ?? '';
    const other = await open(browser);
    await other.page.goto(page.url());
    await other.page.getByText('Version 1 · Saved').waitFor();
    for (const p of [other.page, page]) {
      await p.locator('.react-flow__node').first().focus();
      await p.keyboard.press('Tab');
      await p
        .getByRole('dialog', { name: 'Add a node' })
        .getByRole('searchbox')
        .fill(p === page ? 'wait' : 'log');
      await p.keyboard.press('Enter');
      await p.getByRole('button', { name: 'Publish' }).click();
      if (p === other.page) await p.getByText('Version 2 · Saved').waitFor();
    }
    await page
      .getByRole('dialog', { name: 'Version 2 was published meanwhile' })
      .getByRole('button', { name: /Keep mine/ })
      .click();
    await page.getByRole('button', { name: 'Publish' }).click();
    await page.getByText('Version 3 · Saved').waitFor();
    await page.goto(`${orchestrator.url}/workflows/${id}/versions`);
    await page.getByRole('link', { name: '3' }).waitFor();
    await clean(page);
    await page.goto(`${orchestrator.url}/workflows`);
    await page.getByRole('link', { name: 'From the canvas' }).waitFor();
    await clean(page);
    await shot(page, 'workflows-dark');
    await other.context.close();
    await w.context.close();
  });
});

describe('a server that runs nothing itself', () => {
  it('shows Local disabled with the reason and starts in Cloud', async () => {
    const server = await start(['serve', '--listen', '127.0.0.1:0', '--data-dir', join(dir, 'data'), '--dev-mode'], /Listening on (http:\/\/\S+)/);
    const w = await open(browser);
    const { page } = w;
    try {
      await page.goto(`${server.url}/workflows`);
      await page.getByText('No workflows yet.').waitFor();
      await clean(page);
      await shot(page, 'workflows-empty-dark');
      await page.getByRole('link', { name: 'New workflow' }).click();
      await page.getByRole('tab', { name: 'Robot Picker' }).click();
      await page.getByText('This server does not run workflows itself.').first().waitFor();
      expect(await page.getByRole('radio', { name: 'Local' }).isDisabled()).toBe(true);
      expect(await page.getByRole('radio', { name: 'Cloud' }).isChecked()).toBe(true);
      await page.getByText('No robots yet').waitFor();
      // Any suitable robot is a choice also while there is none: the job waits and says why.
      await page.getByRole('row', { name: /Any suitable robot/ }).click();
      await page.getByRole('button', { name: 'Submit to Cloud' }).click();
      const run = page.getByRole('region', { name: 'Run' });
      await run.getByText('Pending').waitFor();
      await clean(page);
      await shot(page, 'canvas-pending-dark');
      await run.getByRole('button', { name: 'Cancel' }).click();
      await run.getByText('Cancelled').first().waitFor();
      expect(w.faults.filter((f) => !f.includes('404'))).toEqual([]);
    } finally {
      await w.context.close();
      await server.stop();
    }
  });
});
