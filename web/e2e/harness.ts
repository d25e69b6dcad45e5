/** A real program and a real browser for the tests of the interface. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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

/** start runs bin/fleet until it says where it listens. */
export async function start(args: string[], says: RegExp, env: Record<string, string> = {}): Promise<Program> {
  const bin = process.env.FLEET_BIN ?? join(import.meta.dirname, '../../bin/fleet');
  const home = mkdtempSync(join(tmpdir(), 'fleet-ui-'));
  const child: ChildProcess = spawn(bin, args, { env: { PATH: process.env.PATH ?? '', HOME: home, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
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
export const dev = (...more: string[]) => start(['dev', '--listen', '127.0.0.1:0', ...more], /address\s+(http:\/\/\S+)/);

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
