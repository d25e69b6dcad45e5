import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launch, open, shot } from './harness';

const bin = process.env.FLEET_BIN ?? join(import.meta.dirname, '../../bin/fleet');
const folder = '/usr/lib/postgresql';
const postgres = existsSync(folder)
  ? readdirSync(folder)
      .sort((a, b) => Number(b) - Number(a))
      .map((v) => join(folder, v, 'bin'))
      .find((p) => existsSync(join(p, 'initdb')))
  : undefined;
if (!postgres && process.env.STRICT === '1') throw new Error('PostgreSQL is missing: run scripts/setup-test.sh.');

/** freePort is one that nobody listens on, below those of outgoing connections. */
async function freePort(): Promise<number> {
  for (;;) {
    const port = 20000 + Math.floor(Math.random() * 12000);
    const free = await new Promise<boolean>((resolve) => {
      const s = createServer()
        .once('error', () => resolve(false))
        .listen(port, '127.0.0.1', () => s.close(() => resolve(true)));
    });
    if (free) return port;
  }
}

const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));

let browser: Browser;
let dir: string;
let database: ChildProcess;
let balancer: Server;
let address: string; // of the balancer
let key: string;
const ports: number[] = [];
const members: (ChildProcess | undefined)[] = [];
let robot: ChildProcess;

/** start runs a member of the cluster until it is ready. */
async function start(i: number): Promise<void> {
  const args = [
    'serve',
    '--listen',
    `127.0.0.1:${ports[i]}`,
    '--data-dir',
    join(dir, `m${i}`),
    '--database-url',
    `postgres://fleet@127.0.0.1:${ports[2]}/fleet`,
  ];
  const more = ['--admin-key-file', join(dir, 'key'), '--limit-requests', '100000', '--limit-submits', '100000', '--log-level', 'warn'];
  members[i] = spawn(bin, [...args, ...more], { env: { PATH: process.env.PATH ?? '', HOME: dir }, stdio: 'ignore' });
  for (;;) {
    const r = await fetch(`http://127.0.0.1:${ports[i]}/health/ready`).catch(() => undefined);
    if (r?.ok) return;
    await pause(50);
  }
}

async function kill(i: number): Promise<void> {
  const m = members[i];
  if (!m) return;
  members[i] = undefined;
  const gone = new Promise<void>((done) => m.once('exit', () => done()));
  m.kill('SIGKILL');
  await gone;
}

/** balance lets connections through to the member that is tried first and lives. */
let first = 0;
function balance(): Server {
  return createServer((from) => {
    const attempt = (n: number) => {
      if (n === 2) {
        from.destroy();
        return;
      }
      const on = connect(ports[(first + n) % 2] ?? 0, '127.0.0.1');
      on.once('error', () => (on.connecting || on.bytesRead > 0 ? undefined : attempt(n + 1)));
      on.once('connect', () => {
        on.removeAllListeners('error');
        for (const [a, b] of [
          [from, on],
          [on, from],
        ] as const) {
          a.on('error', () => b.destroy());
          a.once('close', () => b.destroy());
          a.pipe(b);
        }
      });
    };
    from.on('error', () => undefined);
    attempt(0);
  });
}

async function ask<T>(method: string, path: string, body?: unknown): Promise<T> {
  for (;;) {
    const r = await fetch(`${address}/api/v1${path}`, {
      method,
      headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json', Connection: 'close' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }).catch(() => undefined);
    if (r?.ok) return (await r.json()) as T;
    if (r && r.status !== 503) throw new Error(`${method} ${path}: ${r.status} ${await r.text()}`);
    await pause(50); // a member died under the request
  }
}

beforeAll(async () => {
  if (!postgres) return;
  dir = mkdtempSync(join(tmpdir(), 'fleet-cluster-'));
  for (let i = 0; i < 3; i++) ports.push(await freePort());
  const home = join(dir, 'pg');
  mkdirSync(home);
  const as = process.getuid?.() === 0 ? { uid: Number(execFileSync('id', ['-u', 'postgres'])), gid: Number(execFileSync('id', ['-g', 'postgres'])) } : {};
  if ('uid' in as) {
    chownSync(dir, as.uid ?? 0, as.gid ?? 0);
    chownSync(home, as.uid ?? 0, as.gid ?? 0);
  }
  execFileSync(join(postgres, 'initdb'), ['-D', join(home, 'data'), '-U', 'postgres', '-A', 'trust'], { ...as, cwd: home, stdio: 'ignore' });
  const flags = ['-c', 'listen_addresses=127.0.0.1', '-c', `port=${ports[2]}`, '-c', `unix_socket_directories=${home}`, '-c', 'shared_buffers=32MB'];
  database = spawn(join(postgres, 'postgres'), ['-D', join(home, 'data'), ...flags], { ...as, cwd: home, stdio: 'ignore' });
  const sql = (text: string) =>
    execFileSync('psql', ['-h', '127.0.0.1', '-p', String(ports[2]), '-U', 'postgres', '-c', text], { ...as, cwd: home, stdio: 'ignore' });
  for (let up = false; !up; ) {
    try {
      sql('create role fleet login');
      up = true;
    } catch {
      await pause(100);
    }
  }
  sql('create database fleet owner fleet');
  await start(0);
  await start(1);
  balancer = balance();
  await new Promise<void>((done) => balancer.listen(0, '127.0.0.1', () => done()));
  address = `http://127.0.0.1:${(balancer.address() as AddressInfo).port}`;
  key = readFileSync(join(dir, 'key'), 'utf8').trim();
  await ask('POST', '/users', { name: 'ada', role: 'operator', password: 'a long enough password' });
  const made = await ask<{ secret: string }>('POST', '/keys', { kind: 'robot', robot_id: 'bot-1' });
  robot = spawn(bin, ['robot', 'run', '--url', `http://127.0.0.1:${ports[0]},http://127.0.0.1:${ports[1]}`, '--name', 'bot', '--slots', '4'], {
    env: { PATH: process.env.PATH ?? '', HOME: dir, FLEET_ROBOT_KEY: made.secret },
    stdio: 'ignore',
  });
  browser = await launch();
}, 120_000);

afterAll(async () => {
  await browser?.close();
  robot?.kill('SIGKILL');
  await Promise.all([kill(0), kill(1)]);
  balancer?.close();
  if (database) {
    const gone = new Promise<void>((done) => database.once('exit', () => done()));
    database.kill('SIGQUIT');
    await gone;
  }
  if (dir) rmSync(dir, { recursive: true, force: true });
});

interface Jobs {
  jobs: { job_id: string; status: string }[];
}

const hello = {
  metadata: { name: 'Short', version: '1.0.0' },
  nodes: {
    start: { node_id: 'start', node_type: 'StartNode', config: {}, position: [0, 0] },
    log: { node_id: 'log', node_type: 'LogNode', config: { message: 'said' }, position: [250, 0] },
  },
  connections: [{ source_node: 'start', source_port: 'exec_out', target_node: 'log', target_port: 'exec_in' }],
};

describe.skipIf(!postgres)('two orchestrators behind one address', () => {
  it('are one to a page, whose every row is right after either was killed', async () => {
    const w = await open(browser);
    const { page } = w;
    await page.goto(`${address}/fleet/jobs?range=all`);
    await page.getByRole('textbox', { name: 'Name' }).fill('ada');
    await page.getByLabel('Password').fill('a long enough password');
    await page.getByRole('button', { name: 'Sign in' }).click();
    const live = page.getByTestId('connection').getByText('Live');
    await live.waitFor();
    await page.mouse.move(0, 0); // a list stands still under the hand
    w.faults.length = 0; // before the sign-in nobody was known
    const stored = await ask<{ workflow_id: string }>('PUT', '/workflows', { workflow_name: 'Short', workflow_json: hello });
    const submit = async (n: number) => {
      for (let i = 0; i < n; i++) await ask('POST', '/jobs', { workflow_id: stored.workflow_id });
    };
    for (let i = 0; i < 4; i++) {
      await submit(5);
      first = (i + 1) % 2; // who connects now comes to the other one
      const during = submit(5);
      await kill(i % 2);
      await during;
      await live.waitFor();
      await start(i % 2);
    }
    const settled = async () => {
      const { jobs } = await ask<Jobs>('GET', '/jobs?limit=100');
      return jobs.every((j) => ['completed', 'failed'].includes(j.status)) ? jobs : undefined;
    };
    let jobs = await settled();
    while (!jobs) {
      await pause(100);
      jobs = await settled();
    }
    expect(jobs.length).toBeGreaterThanOrEqual(40); // one whose answer was lost was submitted again
    for (const j of jobs) {
      const word = j.status === 'completed' ? 'Completed' : 'Failed';
      await page
        .getByRole('row')
        .filter({ has: page.locator(`[title="${j.job_id}"]`) })
        .getByText(word)
        .waitFor({ timeout: 30_000 });
    }
    await shot(page, 'jobs-cluster-dark');
    // What a browser says of connections that break under it is no fault of the page.
    expect(w.faults.filter((f) => !/ERR_|WebSocket connection/.test(f))).toEqual([]);
    await w.context.close();
  });
});
