import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask, clean, dev, launch, open, type Program, themes, workflow } from './harness';

/** Addresses that lead into a form or a drawer, and what is begun from there. */
let browser: Browser;
let server: Program;

const start = { s: { node_id: 's', node_type: 'StartNode', config: {} } };
const letters = {
  metadata: { name: 'letters' },
  nodes: start,
  connections: [],
  settings: { fleet: { inputs: { type: 'object', properties: { to: { type: 'string', title: 'Addressee' } }, required: ['to'] } } },
};

beforeAll(async () => {
  [browser, server] = await Promise.all([launch(), dev()]);
  await workflow(server.url, 'letters', letters);
});

afterAll(async () => {
  await browser?.close();
  await server?.stop();
});

describe('an address', () => {
  it('opens the form of a new schedule over the list, which stays as it was narrowed', async () => {
    const w = await open(browser);
    const { page } = w;
    let preview: () => void = () => undefined;
    const held = new Promise<void>((done) => {
      preview = done;
    });
    await page.route('**/api/v1/schedules/preview*', async (r) => {
      await held;
      await r.continue();
    });
    await page.goto(`${server.url}/fleet/schedules/new`);
    const form = page.getByRole('dialog', { name: 'New schedule' });
    await form.getByRole('textbox', { name: 'Name' }).fill('nightly letters');
    await form.getByRole('combobox', { name: 'Workflow' }).selectOption({ label: 'letters' });
    await form.getByRole('textbox', { name: 'Addressee' }).fill('all');
    const more = form.getByText(/^More:/);
    const top = async () => (await more.evaluate((e) => e.getBoundingClientRect().top)) + (await form.evaluate((e) => e.scrollTop));
    const before = await top();
    preview();
    await form.getByRole('region', { name: 'Next runs' }).getByRole('listitem').nth(9).waitFor();
    expect(await top()).toBe(before); // nothing moves under the hand when the next runs come
    await more.click();
    await form.getByRole('spinbutton', { name: /has not begun so many minutes/ }).fill('1.5');
    await themes(page, 'schedule-new');
    await form.getByRole('button', { name: 'Make the schedule' }).click();
    await page.waitForURL(/\/fleet\/schedules\/(?!new)[^/]+$/);
    const id = new URL(page.url()).pathname.split('/').at(-1);
    const made = await ask<{ start_within_seconds: number; input: unknown }>(server.url, 'GET', `/schedules/${id}`);
    expect(made).toMatchObject({ start_within_seconds: 90, input: { to: 'all' } });

    // Who came in by the form leaves it to the list; who opened it goes back to where that was.
    await page.goto(`${server.url}/fleet/schedules/new`);
    await form.getByRole('button', { name: 'Back' }).click();
    await page.waitForURL(`${server.url}/fleet/schedules`);
    await page.goto(`${server.url}/fleet/schedules/${id}?q=nightly`);
    await page.getByRole('button', { name: 'New schedule…' }).click();
    await page.waitForURL('**/fleet/schedules/new?q=nightly');
    await form.waitFor();
    await page.keyboard.press('Escape');
    await page.waitForURL(`**/fleet/schedules/${id}?q=nightly`);
    await form.waitFor({ state: 'detached' });
    expect(w.faults).toEqual([]);
    await w.context.close();
  });

  it('of the fleet leads to the tab that was left', async () => {
    const w = await open(browser);
    await w.page.goto(`${server.url}/fleet/queues`);
    await w.page.getByRole('heading', { level: 1, name: 'Queues' }).waitFor();
    await w.page.goto(`${server.url}/workflows`);
    await w.page.getByRole('heading', { level: 1, name: 'Workflows' }).waitFor();
    await w.page.goto(`${server.url}/fleet`);
    await w.page.getByRole('heading', { level: 1, name: 'Queues' }).waitFor();
    await w.page.keyboard.press('1');
    await w.page.getByRole('heading', { level: 1, name: 'Robots', exact: true }).waitFor();
    expect(w.faults).toEqual([]);
    await w.context.close();
  });

  it('opens an item of a queue', async () => {
    const queue = await ask<{ id: string }>(server.url, 'POST', '/queues', { name: 'post' });
    const item = await ask<{ id: string }>(server.url, 'POST', `/queues/${queue.id}/items`, { reference: 'P1', data: {} });
    const w = await open(browser);
    await w.page.goto(`${server.url}/fleet/queues/${queue.id}/items/${item.id}`);
    await w.page.getByRole('complementary', { name: /^Item/ }).last().waitFor();
    expect(new URL(w.page.url()).searchParams.get('sel')).toBe(item.id);
    expect(w.faults).toEqual([]);
    await w.context.close();
  });

  it('shows the lines for a terminal, each to be copied', async () => {
    const w = await open(browser);
    await w.context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: server.url });
    await w.page.goto(`${server.url}/cli`);
    await w.page.getByRole('button', { name: 'Copy “For this terminal”' }).click();
    await w.page.getByText('Copied.').waitFor();
    expect(await w.page.evaluate(() => navigator.clipboard.readText())).toBe(`export FLEET_URL=${server.url}`);
    await clean(w.page);
    expect(w.faults).toEqual([]);
    await w.context.close();
  });
});

describe('the list of jobs', () => {
  it('runs a workflow with its inputs on a robot that is picked', async () => {
    const w = await open(browser);
    const { page } = w;
    await page.goto(`${server.url}/fleet/jobs`);
    await page.getByRole('button', { name: 'Run a workflow…' }).click();
    const run = page.getByRole('dialog', { name: 'Run a workflow' });
    await run.getByRole('combobox', { name: 'Workflow' }).selectOption({ label: 'letters' });
    await run.getByRole('textbox', { name: 'Addressee' }).fill('Ada');
    await run.getByRole('searchbox', { name: 'Find a robot' }).press('Enter'); // is no answer to the form
    await run.getByRole('radio', { name: /High/ }).check();
    const robots = await ask<{ robots: { robot_id: string; name: string }[] }>(server.url, 'GET', '/robots');
    const [first] = robots.robots;
    await run.getByRole('row', { name: new RegExp(first?.name ?? 'none') }).click();
    await themes(page, 'jobs-run');
    await run.getByRole('button', { name: 'Run it' }).click();
    await page.waitForURL(/\/fleet\/jobs\/[^/?]+/);
    const id = new URL(page.url()).pathname.split('/').at(-1);
    const job = await ask<{ target_robot_id: string; priority: number; variables: unknown }>(server.url, 'GET', `/jobs/${id}`);
    expect(job).toMatchObject({ target_robot_id: first?.robot_id, priority: 5, variables: { to: 'Ada' } });
    await page.getByText('Completed').first().waitFor();
    expect(w.faults).toEqual([]);
    await w.context.close();
  });
});
