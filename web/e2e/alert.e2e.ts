import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clean, dev, launch, open, type Program, shot, themes, workflow } from './harness';

let browser: Browser;
let server: Program;

beforeAll(async () => {
  [browser, server] = await Promise.all([launch(), dev()]);
});

afterAll(async () => {
  await browser?.close();
  await server?.stop();
});

const fails = {
  metadata: { name: 'Send invoices', version: '1.0.0' },
  nodes: {
    start: { node_id: 'start', node_type: 'StartNode', config: {}, position: [0, 0] },
    boom: { node_id: 'boom', node_type: 'ThrowErrorNode', config: { error_message: 'no such customer' }, position: [1, 0] },
  },
  connections: [{ source_node: 'start', source_port: 'exec_out', target_node: 'boom', target_port: 'exec_in' }],
};

describe('alerts', () => {
  it('finds an incident without anything set up, live, and is acknowledged and resolved', async () => {
    const w = await open(browser);
    const { page } = w;
    await page.goto(`${server.url}/`);
    await page.getByRole('main').getByRole('link', { name: 'Incidents', exact: true }).first().click();
    await page.getByText('Nothing needs you.', { exact: false }).waitFor();
    await themes(page, 'incidents-empty');
    const run = await workflow(server.url, 'Send invoices', fails);
    for (let n = 0; n < 3; n++) await run({ retry: { max: 0 } });
    const row = page.getByRole('row', { name: /Jobs of Send invoices fail/ });
    await row.waitFor(); // it comes by itself
    await row.getByRole('cell', { name: '3', exact: true }).waitFor();
    await row.getByRole('link').click();
    const one = page.getByRole('region', { name: /Jobs of Send invoices fail/ });
    await one.getByRole('row', { name: /log Opened Sent/ }).waitFor();
    await themes(page, 'incident');
    await page.setViewportSize({ width: 390, height: 844 });
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
    await themes(page, 'incident-390');
    await page.setViewportSize({ width: 1440, height: 900 });
    await page.emulateMedia({ colorScheme: 'dark' });

    await one.getByRole('button', { name: 'Acknowledge…' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('textbox').fill('on it');
    await clean(page);
    await dialog.getByRole('button', { name: 'Acknowledge' }).click();
    await one.getByText('It is yours: nobody else is told.').waitFor();
    await one.getByText('on it').waitFor();
    await one.getByRole('button', { name: 'Resolve…' }).click();
    await dialog.getByRole('button', { name: 'Resolve' }).click();
    await one.getByText('It is resolved.').waitFor();
    await page.getByRole('button', { name: 'Resolved', exact: true }).click();
    await page.getByRole('row', { name: /Resolved.*Jobs of Send invoices fail/ }).waitFor();
    await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Activity' }).click();
    await page.getByText('Incident opened: Jobs of Send invoices fail', { exact: false }).waitFor();
    expect(w.faults).toEqual([]);
    await w.context.close();
  });

  it('makes a channel whose secret is shown once, tests it, silences, and changes a rule', async () => {
    const w = await open(browser);
    const { page } = w;
    await page.goto(`${server.url}/settings/alerts`);
    const channels = page.getByRole('region', { name: 'Channels', exact: true });
    await channels.getByRole('button', { name: 'New webhook…' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('textbox', { name: 'Name', exact: true }).fill('team');
    await dialog.getByRole('textbox', { name: /^Address/ }).fill('http://127.0.0.1:9/hook');
    await dialog.getByRole('button', { name: 'Make the channel' }).click();
    await dialog.getByText('must begin with https', { exact: false }).waitFor(); // and what was typed stays
    await dialog.getByRole('textbox', { name: /^Address/ }).fill('https://127.0.0.1:9/hook');
    await clean(page);
    await shot(page, 'alert-channel-dark');
    await dialog.getByRole('button', { name: 'Make the channel' }).click();
    const told = page.getByRole('dialog', { name: 'The secret of team' });
    expect(await told.getByTestId('secret').textContent()).toMatch(/^whsec_/);
    await clean(page);
    await told.getByRole('checkbox', { name: 'I have stored it' }).check();
    await told.getByRole('button', { name: 'Close' }).click();
    await channels.getByRole('button', { name: 'Test team' }).click();
    await channels.getByText('could not be sent by team', { exact: false }).waitFor();
    await channels.getByRole('button', { name: 'Test log' }).click();
    await channels.getByText('The test was sent by log.').waitFor();
    await channels.getByRole('button', { name: 'New mail…' }).click();
    await clean(page);
    await shot(page, 'alert-mail-dark');
    await dialog.getByRole('button', { name: 'Back' }).click();

    const silences = page.getByRole('region', { name: 'Silences', exact: true });
    await silences.getByRole('button', { name: 'New silence…' }).click();
    await dialog.getByRole('textbox', { name: 'Name', exact: true }).fill('move');
    await clean(page);
    await dialog.getByRole('button', { name: 'Make the silence' }).click();
    await silences.getByRole('row', { name: /move Every rule .*Silent now/ }).waitFor();

    const rules = page.getByRole('region', { name: 'Rules', exact: true });
    await rules.getByRole('button', { name: 'Change failure_rate' }).click();
    await dialog.getByRole('spinbutton', { name: /^Of many failures/ }).fill('20');
    await dialog.getByRole('textbox', { name: /^Channels/ }).fill('team, log');
    await dialog.getByRole('spinbutton', { name: /^Minutes until/ }).fill('15');
    await clean(page);
    await shot(page, 'alert-rule-dark');
    await dialog.getByRole('button', { name: 'Change it' }).click();
    await rules.getByRole('row', { name: /more than 20 % .* team, log/ }).waitFor();
    await rules.getByRole('switch', { name: 'brake enabled' }).click();
    await rules.getByText('“Silent fleet” is disabled', { exact: false }).waitFor();
    await themes(page, 'alert-settings');
    await page.setViewportSize({ width: 390, height: 844 });
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
    await themes(page, 'alert-settings-390');
    await page.setViewportSize({ width: 1440, height: 900 });
    await rules.getByRole('button', { name: 'Make failure_rate as it was' }).click();
    await rules.getByRole('row', { name: /more than 50 %/ }).waitFor();
    await silences.getByRole('button', { name: 'End move' }).click();
    await silences.getByText('No silence.', { exact: false }).waitFor();
    expect(w.faults.filter((f) => !/422/.test(f))).toEqual([]); // the browser notes the address that was refused
    await w.context.close();
  });
});
