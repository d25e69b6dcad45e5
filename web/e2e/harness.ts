/** A real program and a real browser for the tests of the interface. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import AxeBuilder from '@axe-core/playwright';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { expect } from 'vitest';

const paths = [process.env.CHROMIUM_BIN, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

export async function launch(): Promise<Browser> {
  const executablePath = paths.find((p): p is string => p !== undefined && p !== '' && existsSync(p));
  if (!executablePath) throw new Error('There is no Chromium. Name one in CHROMIUM_BIN.');
  return chromium.launch({
    executablePath,
    args: [
      '--no-sandbox',
      '--disable-dev-shm-usage',
      '--disable-gpu',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

export interface Program {
  url: string;
  output: () => string;
  stop: () => Promise<void>;
}

/** An interface that is being worked on is shown by whichever program runs. */
const ui: Record<string, string> = process.env.FLEET_UI_DIR ? { FLEET_UI_DIR: resolve(process.env.FLEET_UI_DIR) } : {};

/** start runs bin/fleet until it says where it listens. */
export async function start(args: string[], says: RegExp, env: Record<string, string> = {}): Promise<Program> {
  const bin = process.env.FLEET_BIN ?? join(import.meta.dirname, '../../bin/fleet');
  const home = mkdtempSync(join(tmpdir(), 'fleet-ui-'));
  const child: ChildProcess = spawn(bin, args, { env: { PATH: process.env.PATH ?? '', HOME: home, ...ui, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const url = await new Promise<string>((resolve, reject) => {
    const take = (b: Buffer) => {
      text += b.toString();
      const found = says.exec(text)?.[1];
      if (found) resolve(found);
    };
    child.stdout?.on('data', take);
    child.stderr?.on('data', take);
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`the program ended with ${code}:\n${text}`)));
  });
  return {
    url,
    output: () => text,
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
      rmSync(home, { recursive: true, force: true });
    },
  };
}

/** dev is the whole product in one process. */
export const dev = (...more: string[]) => start(['dev', '--listen', '127.0.0.1:0', ...more], /(?:address|look at)\s+(http:\/\/\S+)/);

/** ask calls the API as a program does, and gives what it answers. */
export async function ask<T>(server: string, method: string, path: string, body?: unknown): Promise<T> {
  const headers: Record<string, string> = body === undefined ? {} : { 'Content-Type': 'application/json' };
  const r = await fetch(`${server}/api/v1${path}`, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
  const text = await r.text();
  if (!r.ok) throw new Error(`${method} ${path}: ${r.status} ${text}`);
  return (text === '' ? undefined : JSON.parse(text)) as T;
}

/** runs stores a workflow and gives what submits a job of it. */
export async function workflow(server: string, name: string, doc: object): Promise<(more?: object) => Promise<string>> {
  const made = await ask<{ workflow_id: string }>(server, 'PUT', '/workflows', { workflow_name: name, workflow_json: doc });
  return async (more = {}) => (await ask<{ job_id: string }>(server, 'POST', '/jobs', { workflow_id: made.workflow_id, ...more })).job_id;
}

export interface RobotProcess {
  kill: (signal: 'SIGKILL' | 'SIGTERM') => Promise<void>;
}

/** robot runs bin/fleet as a robot of a server, and gives it when it is online. */
export async function robot(server: string, id: string): Promise<RobotProcess> {
  const made = await ask<{ secret: string }>(server, 'POST', '/keys', { kind: 'robot', robot_id: id });
  const bin = process.env.FLEET_BIN ?? join(import.meta.dirname, '../../bin/fleet');
  const home = mkdtempSync(join(tmpdir(), 'fleet-bot-'));
  const child = spawn(bin, ['robot', 'run', '--url', server, '--data-dir', join(home, 'data')], {
    env: { PATH: process.env.PATH ?? '', HOME: home, FLEET_ROBOT_KEY: made.secret },
    stdio: 'ignore',
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const status = () => ask<{ status: string }>(server, 'GET', `/robots/${id}`).then((r) => r.status);
  await expect.poll(() => status().catch(() => ''), { timeout: 30_000 }).toBe('online');
  return {
    kill: async (signal) => {
      child.kill(signal);
      await ended;
      rmSync(home, { recursive: true, force: true });
    },
  };
}

export interface Line {
  url: string;
  cut: () => void; // breaks every connection, and lets none through
  mend: () => void;
  stop: () => Promise<void>;
}

/** line stands between a browser and a server, and can be cut. */
export async function line(to: string): Promise<Line> {
  const target = new URL(to);
  const open = new Set<Socket>();
  let down = false;
  const server = createServer((from) => {
    if (down) {
      from.destroy();
      return;
    }
    const on = connect(Number(target.port), target.hostname);
    for (const [a, b] of [
      [from, on],
      [on, from],
    ] as const) {
      open.add(a);
      a.on('error', () => undefined);
      a.once('close', () => {
        open.delete(a);
        b.destroy();
      });
      a.pipe(b);
    }
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const cut = () => {
    down = true;
    for (const s of open) s.destroy();
  };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut,
    mend: () => {
      down = false;
    },
    stop: async () => {
      cut();
      await new Promise<void>((done) => server.close(() => done()));
    },
  };
}

/** serve is an orchestrator alone, with sign-in. */
export const serve = (data: string, ...more: string[]) =>
  start(['serve', '--listen', '127.0.0.1:0', '--data-dir', data, ...more], /Listening on (http:\/\/\S+)/);

/** canvas is the editor on the author's machine. */
export const canvas = (dir: string, ...more: string[]) => start(['canvas', dir, '--listen', '127.0.0.1:0', ...more], /open at (http:\/\/\S+)/);

export interface Watched {
  page: Page;
  context: BrowserContext;
  faults: string[];
}

/** open makes a page of its own that notes what a browser complains of. */
export async function open(browser: Browser, o: { width?: number; height?: number; light?: boolean } = {}): Promise<Watched> {
  const context = await browser.newContext({
    viewport: { width: o.width ?? 1440, height: o.height ?? 900 },
    colorScheme: o.light ? 'light' : 'dark',
    reducedMotion: 'reduce',
  });
  const page = await context.newPage();
  const faults: string[] = [];
  page.on('console', (m) => {
    if (m.type() === 'error' || m.type() === 'warning') faults.push(`${m.type()}: ${m.text()}`);
  });
  page.on('pageerror', (e) => faults.push(`error: ${e.message}`));
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (e) => console.error(`CSP ${e.violatedDirective} ${e.blockedURI}`));
  });
  page.setDefaultTimeout(20_000);
  return { page, context, faults };
}

/** shot keeps a picture for people to look at. */
export async function shot(page: Page, name: string): Promise<void> {
  const dir = join(import.meta.dirname, 'shots');
  mkdirSync(dir, { recursive: true });
  await page.screenshot({ path: join(dir, `${name}.png`) });
}

/** clean fails when a page is not accessible. */
export async function clean(page: Page): Promise<void> {
  const found = await new AxeBuilder({ page }).withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']).analyze();
  expect(found.violations.map((v) => `${v.id}: ${v.nodes.map((n) => `${n.target.join(' ')} ${n.any.map((a) => a.message).join(' ')}`).join(' | ')}`)).toEqual(
    [],
  );
}

/** themes looks at a page in both themes. */
export async function themes(page: Page, name: string): Promise<void> {
  for (const colorScheme of ['dark', 'light'] as const) {
    await page.emulateMedia({ colorScheme });
    await clean(page);
    await shot(page, `${name}-${colorScheme}`);
  }
}
