import { createHmac } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask, clean, dev, launch, open, type Program, shot, themes } from './harness';

interface Call {
  headers: IncomingHttpHeaders;
  body: string;
}

let browser: Browser;
let server: Program;
let receiver: Server;
let status = 204;
const calls: Call[] = [];

beforeAll(async () => {
  receiver = createServer((req, res) => {
    let body = '';
    req.on('data', (b) => {
      body += b;
    });
    req.on('end', () => {
      if (status < 300) calls.push({ headers: req.headers, body });
      res.writeHead(status, { 'Content-Type': 'text/plain' }).end(status < 300 ? '' : 'not now');
    });
  });
  await new Promise<void>((done) => receiver.listen(0, '127.0.0.1', done));
  [browser, server] = await Promise.all([launch(), dev()]);
});

afterAll(async () => {
  await browser?.close();
  await server?.stop();
  receiver?.close();
});

/** signed says whether a call is proven by a secret, as a receiver finds out. */
function signed(c: Call, secret: string): boolean {
  const key = Buffer.from(secret.replace('whsec_', ''), 'base64');
  const want = createHmac('sha256', key).update(`${c.headers['webhook-id']}.${c.headers['webhook-timestamp']}.${c.body}`).digest('base64');
  return String(c.headers['webhook-signature']).split(' ').includes(`v1,${want}`);
}

const until = async (what: () => boolean) => {
  for (const end = Date.now() + 20_000; !what(); ) {
    if (Date.now() > end) throw new Error('it never came');
    await new Promise((done) => setTimeout(done, 50));
  }
};

describe('webhooks', () => {
  it('sends events with a secret that is shown once, shows what was answered, sends again and replaces the secret', async () => {
    const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/events`;
    const w = await open(browser);
    const { page } = w;
    await page.goto(`${server.url}/settings/webhooks`);
    await page.getByText('No webhooks yet.').waitFor();
    await themes(page, 'webhooks-empty');
    await page.emulateMedia({ colorScheme: 'dark' });

    await page.getByRole('button', { name: 'New webhook…' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('textbox', { name: 'Name', exact: true }).fill('pager');
    await dialog.getByRole('textbox', { name: /^Address that events/ }).fill('https://10.0.0.1/events');
    await dialog.getByRole('checkbox', { name: 'job.failed' }).uncheck();
    await dialog.getByRole('textbox', { name: /^Others, by their types/ }).fill('queue.created queue.deleted');
    await dialog.getByRole('button', { name: 'Make the webhook' }).click();
    await dialog.getByText('belongs to a private network', { exact: false }).waitFor(); // and what was typed stays
    await dialog.getByRole('textbox', { name: /^Address that events/ }).fill(url);
    await clean(page);
    await shot(page, 'webhook-dialog-dark');
    await dialog.getByRole('button', { name: 'Make the webhook' }).click();
    const told = page.getByRole('dialog', { name: 'The secret of pager' });
    const secret = (await told.getByTestId('secret').textContent()) ?? '';
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    await clean(page);
    await shot(page, 'webhook-secret-dark');
    await told.getByRole('checkbox', { name: 'I have stored it' }).check();
    await told.getByRole('button', { name: 'Close' }).click();
    await told.waitFor({ state: 'detached' });

    const one = page.getByRole('region', { name: 'pager', exact: true });
    await one.getByText('Nothing was sent yet.').waitFor();
    expect(page.url()).toMatch(/\/settings\/webhooks\?of=\w+/);
    await page.reload();
    await one.getByText('Nothing was sent yet.').waitFor(); // the address says which one
    await one.getByRole('button', { name: 'Send a test' }).click();
    await one.getByText('It has arrived: 204', { exact: false }).waitFor();
    expect(calls).toHaveLength(1);
    expect(signed(calls[0] as Call, secret)).toBe(true);
    expect(JSON.parse(calls[0]?.body ?? '{}').type).toBe('casare.fleet.webhook.test');

    await ask(server.url, 'POST', '/queues', { name: 'invoices' });
    await one.getByRole('row', { name: /queue\.created.*Delivered/ }).waitFor();
    expect(calls).toHaveLength(2);
    expect(signed(calls[1] as Call, secret)).toBe(true);
    expect(JSON.parse(calls[1]?.body ?? '{}').id).toBe(calls[1]?.headers['webhook-id']);

    status = 500;
    await ask(server.url, 'POST', '/queues', { name: 'orders' });
    await one.getByRole('row', { name: /queue\.created.*The receiver answered 500/ }).waitFor();
    await one
      .getByRole('row', { name: /answered 500/ })
      .getByRole('button', { name: /^Show/ })
      .click();
    const sent = page.getByRole('dialog', { name: 'Delivery' });
    await sent.getByText('not now').first().waitFor();
    await sent.getByText('"specversion": "1.0"', { exact: false }).waitFor();
    expect(await sent.textContent()).not.toContain('v1,');
    await clean(page);
    await shot(page, 'webhook-delivery-dark');
    await sent.getByRole('button', { name: 'Close' }).click();
    status = 204;
    await one
      .getByRole('row', { name: /answered 500/ })
      .getByRole('button', { name: /again$/ })
      .click();
    await until(() => calls.length === 3);
    await one.getByText('It is sent again, under the same id.').waitFor();
    await themes(page, 'webhook');
    await page.emulateMedia({ colorScheme: 'dark' });

    await one.getByRole('button', { name: 'Replace the secret…' }).click();
    await dialog.getByRole('button', { name: 'Replace it' }).click();
    const newer = (await told.getByTestId('secret').textContent()) ?? '';
    expect(newer).not.toBe(secret);
    await told.getByRole('checkbox', { name: 'I have stored it' }).check();
    await told.getByRole('button', { name: 'Close' }).click();
    await one.getByText('Signs too, until', { exact: false }).waitFor();
    await one.getByRole('button', { name: 'Send again…' }).click();
    await dialog.getByRole('button', { name: 'Send again' }).click();
    await until(() => calls.length === 5); // both queues, under the ids that they had
    expect(new Set(calls.slice(1).map((c) => c.headers['webhook-id'])).size).toBe(2);
    expect(signed(calls[4] as Call, secret) && signed(calls[4] as Call, newer)).toBe(true);

    status = 410;
    await ask(server.url, 'POST', '/queues', { name: 'last' });
    await page.getByText('it wants nothing more', { exact: false }).first().waitFor();
    await page.getByRole('switch', { name: 'pager enabled' }).and(page.locator('[aria-checked=false]')).waitFor();
    await page.setViewportSize({ width: 390, height: 844 });
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
    await themes(page, 'webhook-390');
    await page.setViewportSize({ width: 1440, height: 900 });
    status = 204;
    await page.getByRole('switch', { name: 'pager enabled' }).click();
    await until(() => calls.length === 6);
    await one.getByRole('button', { name: 'Delete…' }).click();
    await dialog.getByRole('button', { name: 'Delete the webhook' }).click();
    await page.getByText('No webhooks yet.').waitFor();
    expect(w.faults.filter((f) => !/422/.test(f))).toEqual([]); // the browser notes the address that was refused
    await w.context.close();
  });
});
