import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clean, dev, launch, line, open, type Program, themes } from './harness';

/** The page of robots over a made-up fleet with every state. */
let browser: Browser;
let server: Program;

beforeAll(async () => {
  [browser, server] = await Promise.all([launch(), dev('--demo', '60', '--demo-seed', '7')]);
});

afterAll(async () => {
  await browser?.close();
  await server?.stop();
});

const at = async (path: string, o: { width?: number; height?: number } = {}) => {
  const w = await open(browser, o);
  await w.page.goto(server.url + path);
  await w.page.getByRole('heading', { level: 1, name: 'Robots', exact: true }).waitFor();
  return w;
};

const search = (page: Page, key: string) => new URL(page.url()).searchParams.get(key);
const rows = (page: Page) => page.getByRole('table', { name: 'Robots' }).getByRole('row');
const named = async (page: Page) => (await rows(page).getByRole('link').allTextContents()).filter((t) => /-\d{3}$/.test(t));

describe('the table of robots', () => {
  it('counts, filters and orders, and its address says all of it', async () => {
    const w = await at('/fleet/robots');
    const { page } = w;
    await page.getByText('60 of 60 robots').waitFor();
    await rows(page).nth(22).waitFor();
    // 22 robots are seen at once on a screen of 900 lines.
    const seen = await rows(page).evaluateAll((all) => {
      const box = all[0]?.closest('[role=table]')?.getBoundingClientRect();
      return all.filter((r) => box && r.getBoundingClientRect().bottom <= box.bottom + 1 && r.querySelector('a')).length;
    });
    expect(seen).toBeGreaterThanOrEqual(22);
    const status = page.getByRole('group', { name: 'Status' });
    const numbers = (await status.getByRole('button').allTextContents()).map((t) => Number(/\d+$/.exec(t)?.[0]));
    expect(numbers.length).toBe(7);
    expect(numbers.reduce((a, b) => a + b, 0)).toBe(60);
    expect(await page.getByRole('group', { name: 'Capability' }).getByRole('button').allTextContents()).toEqual([
      'Browser',
      'Desktop',
      'GPU',
      'High memory',
      'Secure',
      'Cloud',
      'On-premise',
    ]);
    await status.getByRole('button', { name: /^.?\s?Offline/ }).click();
    await status.getByRole('button', { name: /Maintenance/ }).click();
    await page.waitForURL(/status=/);
    expect(search(page, 'status')).toBe('offline,maintenance');
    await page.goBack(); // a choice is a step of its own
    expect(search(page, 'status')).toBe('offline');
    await page.getByRole('button', { name: 'Clear filters' }).first().click();
    await page.getByText('60 of 60 robots').waitFor();
    await page.getByRole('button', { name: 'CPU' }).click();
    await page.getByRole('button', { name: 'CPU' }).click();
    expect(search(page, 'sort')).toBe('-cpu');
    expect(await page.getByRole('columnheader', { name: 'CPU' }).getAttribute('aria-sort')).toBe('descending');
    await page.reload();
    expect(await page.getByRole('columnheader', { name: 'CPU' }).getAttribute('aria-sort')).toBe('descending');
    await page.getByRole('searchbox', { name: 'Search robots' }).fill('nobody is called that');
    await page.getByText('No robot matches “nobody is called that”.').waitFor();
    await clean(page);
    await page.getByRole('button', { name: 'Clear filters' }).first().click();
    await page.getByText('60 of 60 robots').waitFor();
    await page.getByRole('group', { name: 'Capability' }).getByRole('button', { name: 'Browser' }).click();
    expect(search(page, 'cap')).toBe('browser');
    const some = await page.getByRole('combobox', { name: 'Environment' }).locator('option').nth(1).getAttribute('value');
    await page.getByRole('combobox', { name: 'Environment' }).selectOption(some);
    expect(search(page, 'env')).toBe(some);
    await page.getByRole('button', { name: 'Save this view…' }).click();
    await page.getByRole('textbox', { name: 'Name' }).fill('Browsers');
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    expect(await page.getByRole('button', { name: 'Browsers', exact: true }).getAttribute('aria-pressed')).toBe('true');
    await themes(page, 'robots-filtered');
    expect(w.faults).toEqual([]);
    await w.context.close();
  });

  it('tells of each robot its health and what it runs, and paints the states in their colours', async () => {
    const w = await at('/fleet/robots?sort=status');
    const { page } = w;
    await page
      .getByRole('table', { name: 'Robots' })
      .getByText(/^Healthy|Failing|Degraded/)
      .first()
      .waitFor();
    await page
      .getByRole('table', { name: 'Robots' })
      .getByRole('link', { name: /Claims intake|Price watch|Invoice/ })
      .first()
      .waitFor();
    const colours = await page.evaluate(() => {
      const out: Record<string, string> = {};
      for (const tone of ['online', 'busy', 'error', 'off']) {
        const e = document.querySelector(`fieldset [data-tone=${tone}]`);
        out[tone] = e ? getComputedStyle(e).color : '';
      }
      return out;
    });
    expect(colours).toEqual({ online: 'rgb(85, 170, 153)', busy: 'rgb(255, 170, 68)', error: 'rgb(255, 68, 68)', off: 'rgb(170, 170, 170)' });
    const shapes = await page.getByRole('group', { name: 'Status' }).locator('[aria-hidden]').allTextContents();
    expect(new Set(shapes).size).toBe(7); // no two states have one shape
    expect(await page.getByRole('columnheader', { name: 'Tenant' }).count()).toBe(1); // of who works across tenants
    await themes(page, 'robots-table');
    expect(w.faults).toEqual([]);
    await w.context.close();
  });

  it('peeks at a robot on hover and by Space, and the address keeps the one that stays', async () => {
    const w = await at('/fleet/robots');
    const { page } = w;
    await rows(page).nth(5).waitFor();
    const [first, second] = await named(page);
    await page.getByRole('link', { name: first as string, exact: true }).hover();
    const card = page.getByRole('region', { name: `${first} at a glance` });
    await card.getByText('Last results').waitFor();
    await card.getByRole('link', { name: 'Open' }).waitFor();
    await themes(page, 'robots-peek');
    await page.getByRole('heading', { level: 1 }).hover();
    await card.waitFor({ state: 'detached' });
    await page.keyboard.press('j');
    await page.keyboard.press('Space');
    await card.waitFor();
    expect(search(page, 'peek')).toBeTruthy();
    await page.keyboard.press('j'); // it goes along
    await page.getByRole('region', { name: `${second} at a glance` }).waitFor();
    await page.reload();
    await page.getByRole('region', { name: `${second} at a glance` }).waitFor();
    await page.getByRole('button', { name: 'Close the peek' }).click();
    await page.getByRole('region', { name: `${second} at a glance` }).waitFor({ state: 'detached' });
    expect(search(page, 'peek')).toBeNull();
    await page.getByRole('link', { name: first as string, exact: true }).focus();
    await card.waitFor();
    await page.keyboard.press('Escape');
    await card.waitFor({ state: 'detached' });
    expect(w.faults).toEqual([]);
    await w.context.close();
  });

  it('has a menu for each row with its keys, runs a workflow there, and takes a deletion back', async () => {
    const w = await at('/fleet/robots?status=online');
    const { page } = w;
    await rows(page).nth(3).waitFor();
    const first = (await named(page))[0] as string;
    await page.keyboard.press('j');
    await page.keyboard.press('ArrowRight');
    const menu = page.getByRole('menu', { name: `Actions of ${first}` });
    const items = (await menu.getByRole('menuitem').allTextContents()).join(' | ');
    expect(items).toBe(
      'Run workflow here… | Pause…p | Drain… | Maintenance…m | Start | Restart…Shift R | Stop…Shift S | Logs | Edit… | Copy as CLI…Shift C | Delete',
    );
    await themes(page, 'robots-menu');
    await menu.getByRole('menuitem', { name: /^Copy as CLI/ }).click();
    const told = page.getByRole('dialog', { name: `Commands of ${first}` });
    await told.getByText(/^fleet robot drain \S+$/).waitFor();
    await clean(page);
    await told.getByRole('button', { name: 'Close' }).click();
    await told.waitFor({ state: 'detached' });
    await page.getByRole('button', { name: `Actions of ${first}` }).click();
    await menu.getByRole('menuitem', { name: 'Delete' }).click();
    await page.getByText(`${first} is deleted in a moment.`).waitFor();
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.getByText(`${first} is deleted in a moment.`).waitFor({ state: 'detached' });
    await page.getByRole('button', { name: `Actions of ${first}` }).click();
    await page.getByRole('menuitem', { name: 'Edit…' }).click();
    const edit = page.getByRole('dialog', { name: `Edit ${first}` });
    await edit.getByRole('textbox', { name: 'Tags' }).fill('east night');
    await clean(page);
    await edit.getByRole('button', { name: 'Save' }).click();
    await edit.waitFor({ state: 'detached' });
    await page.getByRole('combobox', { name: 'Tag' }).locator('option[value=night]').waitFor({ state: 'attached' });
    await page.getByRole('button', { name: `Actions of ${first}` }).click();
    await page.getByRole('menuitem', { name: 'Run workflow here…' }).click();
    const run = page.getByRole('dialog', { name: `Run a workflow on ${first}` });
    await run.getByRole('combobox', { name: 'Workflow' }).locator('option').nth(1).waitFor({ state: 'attached' });
    await run.getByRole('combobox', { name: 'Workflow' }).selectOption({ index: 1 });
    await clean(page);
    await run.getByRole('button', { name: 'Run it' }).click();
    await page.waitForURL('**/fleet/jobs/*');
    expect(w.faults).toEqual([]);
    await w.context.close();
  });

  it('fits a small screen in two lines for each robot', async () => {
    const w = await at('/fleet/robots', { width: 390, height: 844 });
    await rows(w.page).nth(3).waitFor();
    expect(await w.page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth)).toBe(false);
    const box = await rows(w.page).nth(1).boundingBox();
    expect(box?.width).toBeLessThan(380);
    await themes(w.page, 'robots-small');
    expect(w.faults).toEqual([]);
    await w.context.close();
  });
});

describe('an operation on many robots', () => {
  it('chooses by key, says what becomes of each state, and shows a result for each robot under an address of its own @main', async () => {
    const w = await at('/fleet/robots?q=claims');
    const { page } = w;
    await rows(page).nth(4).waitFor();
    await page.keyboard.press('j');
    await page.keyboard.press('Shift+ArrowDown');
    await page.keyboard.press('Shift+ArrowDown');
    await page.getByText('3 robots selected').waitFor();
    expect(search(page, 'sel')?.split(',').length).toBe(3);
    await page.reload();
    await page.getByText('3 robots selected').waitFor(); // the address says who is chosen
    await page.keyboard.press('Control+a');
    await page.getByText(/^\d+ robots selected \(/).waitFor();
    expect(search(page, 'sel')).toBe('*');
    await themes(page, 'robots-chosen');
    await page.keyboard.press('m');
    const dialog = page.getByRole('dialog', { name: /^Maintenance: \d+ robots$/ });
    await dialog.getByText(/online: no new work; what they run comes to its end\./).waitFor();
    expect(await dialog.getByRole('radio', { name: 'Wait for them' }).isChecked()).toBe(true);
    await dialog.getByRole('radio', { name: 'So many percent at a time' }).check();
    await dialog.getByRole('spinbutton', { name: 'Percent of one wave' }).fill('50');
    await dialog.getByRole('spinbutton', { name: 'Robots of each pool that stay at work' }).fill('0');
    await dialog.getByRole('textbox', { name: 'Reason' }).fill('patches of the month');
    await themes(page, 'robots-bulk-dialog');
    await dialog.getByRole('button', { name: /^Put \d+ robots into maintenance$/ }).click();
    const drawer = page.getByRole('complementary', { name: 'Operation on many robots' });
    await drawer.getByText(/· Completed$/).waitFor();
    expect(search(page, 'bulk')).toBeTruthy();
    await themes(page, 'robots-bulk-drawer');
    await page.reload();
    await drawer.getByText(/· Completed$/).waitFor();
    await drawer.getByRole('button', { name: /^.?\s?Done/ }).click();
    await drawer.getByRole('listitem').first().waitFor();
    await drawer.getByRole('button', { name: 'Undo' }).click();
    await drawer.getByText(/^Resume: .* · Completed$/).waitFor();
    await drawer.getByRole('button', { name: 'Close the operation' }).click();
    expect(search(page, 'bulk')).toBeNull();
    expect(w.faults).toEqual([]);
    await w.context.close();
  });

  it('changes tags and deletes as one operation, too', async () => {
    const w = await at('/fleet/robots?q=finance');
    const { page } = w;
    await rows(page).nth(4).waitFor();
    await page.keyboard.press('j');
    await page.keyboard.press('x');
    await page.keyboard.press('Shift+ArrowDown');
    await page.getByText('2 robots selected').waitFor();
    await page.getByRole('button', { name: 'Tags…' }).click();
    const dialog = page.getByRole('dialog', { name: 'Tags: 2 robots' });
    await dialog.getByRole('textbox', { name: 'Add tags, apart by blanks' }).fill('of-the-test');
    await clean(page);
    await dialog.getByRole('button', { name: 'Change the tags of 2 robots' }).click();
    const drawer = page.getByRole('complementary', { name: 'Operation on many robots' });
    await drawer.getByText('2 of 2 done', { exact: false }).waitFor();
    await drawer.getByRole('button', { name: 'Close the operation' }).click();
    await page.getByRole('combobox', { name: 'Tag' }).selectOption('of-the-test');
    await page.getByText(/^2 of \d+ robots$/).waitFor();
    await page.keyboard.press('Control+a');
    await page.getByRole('button', { name: 'Delete…' }).click();
    await page.getByRole('dialog', { name: 'Delete: 2 robots' }).getByRole('button', { name: 'Delete 2 robots' }).click();
    await drawer.getByText('2 of 2 done', { exact: false }).waitFor();
    await page.getByText(/^0 of \d+ robots$/).waitFor();
    expect(w.faults).toEqual([]);
    await w.context.close();
  });

  it('wants the number typed where much is at stake, and tells of each robot why not', async () => {
    const w = await at('/fleet/robots');
    const { page } = w;
    await rows(page).nth(4).waitFor();
    await page.getByRole('checkbox', { name: 'Select all that match' }).check();
    await page.keyboard.press('Shift+R');
    const dialog = page.getByRole('dialog', { name: /^Restart: \d+ robots$/ });
    const go = dialog.getByRole('button', { name: /^Restart \d+ robots$/ });
    expect(await go.isDisabled()).toBe(true);
    await dialog.getByText(/offline: left out, they are not connected\./).waitFor();
    const number = /\d+/.exec((await go.textContent()) ?? '')?.[0] as string;
    await dialog.getByRole('textbox', { name: `Type ${number} to say that you mean ${number} robots` }).fill(number);
    await clean(page);
    await go.click();
    const drawer = page.getByRole('complementary', { name: 'Operation on many robots' });
    await drawer.getByText('The robot is offline.').first().waitFor();
    const rest = drawer.getByRole('button', { name: 'Cancel the rest' });
    if (await rest.isVisible()) await rest.click();
    expect(w.faults).toEqual([]);
    await w.context.close();
  });
});

describe('the grid of robots', () => {
  it('has a cell for each robot that arrows reach, says it in words, and leads to a table', async () => {
    const w = await at('/fleet/robots?view=grid');
    const { page } = w;
    const grid = page.getByRole('application', { name: /^Grid of \d+ robots: / });
    await grid.waitFor();
    expect(await page.getByRole('list', { name: 'Legend' }).getByRole('listitem').allTextContents()).toEqual([
      ' Online',
      ' Busy',
      ' Offline',
      ' Error',
      ' Maintenance',
      ' Paused',
      ' Draining',
    ]);
    await grid.focus();
    await page.keyboard.press('ArrowRight');
    const says = page.getByText(/^\S+-\d{3}: \w+/);
    const first = await says.textContent();
    await page.keyboard.press('ArrowDown');
    await page.waitForFunction((was) => ![...document.querySelectorAll('[role=status]')].some((e) => e.textContent === was), first);
    await page.keyboard.press('Space');
    await page.getByRole('region', { name: /at a glance$/ }).waitFor();
    expect(search(page, 'peek')).toBeTruthy();
    await themes(page, 'robots-grid');
    await page.keyboard.press('Escape');
    await page.getByRole('region', { name: /at a glance$/ }).waitFor({ state: 'detached' });
    for (const tint of ['cpu', 'memory', 'success', 'version']) {
      await page.getByRole('combobox', { name: 'Colour by' }).selectOption(tint);
      expect(search(page, 'tint')).toBe(tint);
      await page.getByRole('list', { name: 'Legend' }).getByText('not known').waitFor();
    }
    await page.getByRole('combobox', { name: 'Group by' }).selectOption('host');
    expect(search(page, 'group')).toBe('host');
    // Something is drawn: the canvas holds more than one colour.
    const drawn = await page.evaluate(() => {
      const c = document.querySelector<HTMLCanvasElement>('[role=application] canvas');
      const d = c?.getContext('2d')?.getImageData(0, 0, c.width, Math.min(200, c.height)).data ?? new Uint8ClampedArray();
      return new Set(Array.from({ length: d.length / 4 }, (_, i) => `${d[4 * i]},${d[4 * i + 1]},${d[4 * i + 2]}`)).size;
    });
    expect(drawn).toBeGreaterThan(3);
    await grid.focus();
    await page.keyboard.press('Enter');
    await page.waitForURL('**/fleet/robots/*-*');
    await page.goBack();
    await page.getByRole('button', { name: 'View as table' }).click();
    await rows(page).nth(2).waitFor();
    expect(w.faults).toEqual([]);
    await w.context.close();
  });
});

describe('the health of the fleet', () => {
  it('tells of silence, heat, trouble, versions, errors and capacity, and its numbers add up', async () => {
    const w = await at('/fleet/robots?view=health');
    const { page } = w;
    for (const name of ['Capacity by capability', 'Since the last heartbeat', 'In trouble', 'Highest CPU', 'Most memory used', 'Versions', 'Errors by cause'])
      await page.getByRole('region', { name, exact: true }).waitFor();
    const capacity = page.getByRole('region', { name: 'Capacity by capability', exact: true });
    await capacity.getByRole('link', { name: 'GPU' }).waitFor();
    for (const row of await capacity.getByRole('row').all()) {
      const cells = await row.getByRole('cell').allTextContents();
      if (cells.length === 0 || cells[1]?.includes('none')) continue;
      const slots = Number(/of (\d+) used/.exec(cells[1] ?? '')?.[1]);
      expect(Number(cells[2]) + Number(cells[3]) + Number(cells[4])).toBe(slots);
    }
    expect(await page.getByRole('region', { name: 'Highest CPU' }).getByRole('listitem').count()).toBe(10);
    await themes(page, 'robots-health');
    await page.setViewportSize({ width: 390, height: 844 });
    expect(await page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth)).toBe(false);
    await clean(page);
    await page.setViewportSize({ width: 1440, height: 900 });
    await capacity.getByRole('link', { name: 'GPU' }).click();
    expect(search(page, 'cap')).toBe('gpu');
    expect(w.faults).toEqual([]);
    await w.context.close();
  });
});

describe('the list of robots', () => {
  it('is what its address says, after a reload too, and s sorts', async () => {
    const w = await at('/fleet/robots?view=grid&group=host&tint=cpu&q=claims');
    const { page } = w;
    const same = async () => {
      await page.getByRole('combobox', { name: 'Group by' }).waitFor();
      expect(await page.getByRole('combobox', { name: 'Group by' }).inputValue()).toBe('host');
      expect(await page.getByRole('combobox', { name: 'Colour by' }).inputValue()).toBe('cpu');
      expect(await page.getByRole('searchbox', { name: 'Search robots' }).inputValue()).toBe('claims');
    };
    await same();
    await page.reload();
    await same();
    await page.goto(`${server.url}/fleet/robots?sel=claims-002,claims-005&peek=claims-002&sort=-cpu&q=claims-00&view=sideways`);
    await page.getByText('2 robots selected').waitFor();
    await page.getByRole('region', { name: 'claims-002 at a glance' }).waitFor();
    expect(await page.getByRole('columnheader', { name: 'CPU' }).getAttribute('aria-sort')).toBe('descending');
    expect(search(page, 'view')).toBe(null); // what is not known is dropped
    await page.getByRole('heading', { level: 1 }).click();
    await page.keyboard.press('s');
    await page.keyboard.press('Enter');
    await page.waitForURL(/sort=status/);
    expect(search(page, 'sel')).toBe('claims-002,claims-005');
    expect(search(page, 'peek')).toBe('claims-002');
    expect(w.faults).toEqual([]);
    await w.context.close();
  });

  it('stands in its columns before it is there, and gives each host a line in high rows', async () => {
    const w = await open(browser);
    const { page } = w;
    let go: () => void = () => undefined;
    const held = new Promise<void>((r) => {
      go = r;
    });
    await page.route('**/api/v1/fleet/snapshot*', async (r) => {
      await held;
      await r.continue();
    });
    await page.goto(`${server.url}/fleet/robots`);
    await page.getByText('Last heartbeat').waitFor();
    expect(await page.getByText('Loading robots…').count()).toBe(1);
    await themes(page, 'robots-loading');
    go();
    await rows(page).nth(5).waitFor();
    const host = rows(page).nth(1).locator('a + span').last();
    expect(await host.isVisible()).toBe(false);
    await page.evaluate(() => {
      document.documentElement.dataset.density = 'comfortable';
    });
    expect(await host.isVisible()).toBe(true);
    expect(w.faults).toEqual([]);
    await w.context.close();
  });

  it('stays, dimmed and with its age, when the connection is lost', async () => {
    const wire = await line(server.url);
    const w = await open(browser);
    const { page } = w;
    await page.goto(`${wire.url}/fleet/robots`);
    await rows(page).nth(5).waitFor();
    await page.getByTestId('connection').getByText('Live').waitFor();
    wire.cut();
    await page.getByText(/Showing the state of \d\d:\d\d:\d\d\. Actions wait for the connection\./).waitFor();
    const filter = () =>
      page
        .locator('main')
        .getByRole('table')
        .first()
        .evaluate((e) => getComputedStyle(e).filter);
    expect(await filter()).toBe('saturate(0.2)');
    expect(await rows(page).count()).toBeGreaterThan(5);
    await themes(page, 'robots-lost');
    wire.mend();
    await page.getByTestId('connection').getByText('Live').waitFor();
    expect(await filter()).toBe('none');
    await w.context.close();
    await wire.stop();
  });

  it('says what could not be read', async () => {
    const w = await open(browser);
    const { page } = w;
    await page.route('**/api/v1/fleet/snapshot*', (r) =>
      r.fulfill({ status: 504, contentType: 'application/problem+json', body: JSON.stringify({ detail: 'The store does not answer.', request_id: 'r-7' }) }),
    );
    await page.goto(`${server.url}/fleet/robots`);
    await page.getByRole('alert').getByText('r-7').waitFor();
    await page.getByRole('button', { name: 'Try again' }).waitFor();
    await themes(page, 'robots-error');
    await w.context.close();
  });
});
