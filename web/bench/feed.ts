/**
 * A server of a made-up fleet for the benchmark: the built interface, a snapshot of many robots, a stream of updates by the
 * contract of docs/guide/live.md, and pages of many jobs. Everything comes from one seed.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { extname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { chance } from '../src/live/world.testing';

export interface Feed {
  url: string;
  sent: { sockets: number; frames: number; updates: number; bytes: number }; // on the stream
  answers: Map<string, number>; // compressed bytes of the last answer to a path
  stop: () => Promise<void>;
}

export interface Size {
  robots: number;
  jobs: number;
  perSecond: number;
}

const types: Record<string, string> = { '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.woff2': 'font/woff2', '.html': 'text/html' };
const framesPerSecond = 10;
const statuses = ['online', 'busy', 'offline', 'error', 'maintenance'];
const columns = [
  'robot_id',
  'name',
  'hostname',
  'status',
  'mode',
  'reason',
  'silent',
  'environment',
  'tenant',
  'pool',
  'capabilities',
  'tags',
  'current_jobs',
  'max_concurrent_jobs',
  'jobs',
  'cpu_percent',
  'memory_mb',
  'last_heartbeat',
  'quarantine_until',
  'version',
  'v',
];
const tables = {
  status: statuses,
  mode: ['active', 'maintenance'],
  environment: ['production', 'test', 'lab'],
  tenant: ['default'],
  pool: ['default', 'desktops'],
  capabilities: [['browser'], ['browser', 'desktop'], ['browser', 'gpu'], ['desktop', 'secure'], ['browser', 'high_memory', 'cloud']],
  tags: [[], ['sap'], ['night']],
  version: ['1.4.0', '1.5.0'],
};
const permissions = ['robots:read', 'robots:operate', 'jobs:read', 'jobs:run', 'events:read', 'numbers:read', 'schedules:read', 'queues:read'];

export async function feed(dir: string, size: Size): Promise<Feed> {
  const random = chance(11);
  const pick = (n: number) => Math.floor(random() * n);
  const id = (i: number) => `bot-${String(i).padStart(5, '0')}`;
  const robots = Array.from({ length: size.robots }, (_, i) => ({
    status: pick(10) < 7 ? pick(2) : pick(5),
    jobs: pick(4),
    cpu: pick(100),
    memory: 200 + pick(4000),
    seen: Date.now() - pick(5000),
    fixed: [pick(3), pick(5), pick(3)] as const,
    host: `host-${String(i).padStart(5, '0')}.plant.example.com`,
  }));
  const sent = { sockets: 0, frames: 0, updates: 0, bytes: 0 };
  const answers = new Map<string, number>();
  let seq = 1;

  const snapshot = () => ({
    cursor: String(seq),
    mark: String(Date.now()),
    now: new Date().toISOString(),
    columns,
    tables,
    robots: robots.map((r, i) => [
      id(i),
      `Robot ${i}`,
      r.host,
      r.status,
      0,
      '',
      false,
      r.fixed[0],
      0,
      0,
      r.fixed[1],
      r.fixed[2],
      r.jobs,
      3,
      [],
      r.cpu,
      r.memory,
      r.seen,
      null,
      0,
      seq,
    ]),
  });

  const job = (i: number) => {
    const status = ['running', 'completed', 'failed', 'pending', 'cancelled'][i % 5] as string;
    const at = new Date(Date.now() - 1000 * i).toISOString();
    return {
      job_id: `0192f000-0000-7000-8000-${String(size.jobs - i).padStart(12, '0')}`,
      workflow: { workflow_id: 'w1', workflow_name: `Invoices ${i % 97}`, version: 3 },
      status,
      priority: 10,
      environment: 'production',
      tenant_id: 'default',
      robot_id: status === 'pending' ? undefined : id(i % size.robots),
      created_at: at,
      started_at: status === 'pending' ? undefined : at,
      ended_at: ['running', 'pending'].includes(status) ? undefined : new Date(Date.now() - 1000 * i + 4200).toISOString(),
      progress: status === 'running' ? 40 : 100,
      epoch: 1,
      version: 1,
      trigger: 'manual',
      waited_ms: status === 'pending' ? undefined : 12,
      duration_ms: ['running', 'pending'].includes(status) ? undefined : 4200,
      waiting_reason: status === 'pending' ? 'no_slot' : undefined,
      waiting_summary: status === 'pending' ? 'Waits for a free slot: 40 robots fit, none free (40 full).' : undefined,
      waiting_on: status === 'pending' ? 'robot' : undefined,
      waiting_code: status === 'pending' ? 'no_slot' : undefined,
    };
  };
  const histogram = () => ({
    from: '2026-11-26T10:00:00Z',
    to: '2026-11-27T10:00:00Z',
    step_ms: 1_440_000,
    counted_by: 'created',
    whole: true,
    counted: size.jobs,
    buckets: Array.from({ length: 60 }, (_, i) => ({
      at: new Date(Date.UTC(2026, 10, 26, 10) + i * 1_440_000).toISOString(),
      counts: { completed: size.jobs / 100, failed: size.jobs / 150 },
    })),
  });
  const jobs = (q: URLSearchParams) => {
    const limit = Number(q.get('limit') ?? 100);
    const status = q.get('status');
    const out = [];
    let i = Number(q.get('cursor') ?? 0);
    for (; i < size.jobs && out.length < limit; i++) {
      const j = job(i);
      if (!status || j.status === status) out.push(j);
    }
    return { jobs: out, total: status ? Math.ceil(size.jobs / 5) : size.jobs, ...(i < size.jobs ? { next_cursor: String(i) } : {}) };
  };

  const health = (robot_id: string) => ({
    robot_id,
    name: robot_id,
    status: 'online',
    health: 'degraded',
    health_reasons: ['Its memory is used to 88 %.'],
    checks: [],
    jobs: [{ job_id: '0192f000-0000-7000-8000-000000000001', workflow_name: 'Invoices', status: 'running', progress: pick(100) }],
  });

  const answer = (req: IncomingMessage, res: ServerResponse) => {
    const url = new URL(req.url ?? '/', 'http://x');
    const json = (v: unknown) => {
      const body = gzipSync(JSON.stringify(v));
      answers.set(url.pathname.replace('/api/v1', ''), body.length);
      res.writeHead(200, { 'Content-Type': 'application/json', 'Content-Encoding': 'gzip' }).end(body);
    };
    switch (url.pathname) {
      case '/api/v1/meta':
        return json({ now: new Date().toISOString(), mode: 'serve', version: 'bench', local: { enabled: false } });
      case '/api/v1/me':
        return json({ user_id: 'u', name: 'Bench', role: 'operator', tenant_id: 'default', permissions });
      case '/api/v1/fleet/snapshot':
        return json(snapshot());
      case '/api/v1/jobs/histogram':
        return json(histogram());
      case '/api/v1/jobs':
        return json(jobs(url.searchParams));
      case '/api/v1/fleet/health':
        return json({ robots: url.searchParams.getAll('robot_id').map(health), total: 0, next_cursor: '' });
      case '/api/v1/views':
        return json({ views: [] });
      case '/api/v1/environments':
        return json({ environments: tables.environment.map((name) => ({ name, timing: { suspect_seconds: 30, lost_after_seconds: 90 } })) });
    }
    if (url.pathname.startsWith('/api/')) return res.writeHead(404, { 'Content-Type': 'application/problem+json' }).end('{"detail":"Not in this benchmark."}');
    const path = extname(url.pathname) ? url.pathname : '/index.html';
    try {
      res.writeHead(200, { 'Content-Type': types[extname(path)] ?? 'application/octet-stream' }).end(readFileSync(join(dir, path)));
    } catch {
      res.writeHead(404).end();
    }
  };

  const open = new Map<Socket, string>(); // the cursor that each was told last
  const server = createServer(answer);
  server.on('upgrade', (req, raw) => {
    const s = raw as Socket;
    const accept = createHash('sha1').update(`${req.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
    s.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\nSec-WebSocket-Protocol: fleet.stream\r\n\r\n`,
    );
    const after = new URL(req.url ?? '', 'http://x').searchParams.get('after') ?? '';
    open.set(s, after);
    sent.sockets++;
    s.on('error', () => undefined);
    s.on('close', () => open.delete(s));
    s.on('data', (b) => {
      for (const text of heard(Buffer.from(b))) {
        if (text === 'ping') s.write(frame('{"t":"pong"}'));
        else if (text.includes('"sub"')) s.write(frame(JSON.stringify({ t: 'sub', topics: (JSON.parse(text) as { topics: string[] }).topics })));
      }
    });
    s.write(frame(JSON.stringify({ t: 'hb', to: after, now: new Date().toISOString() })));
  });

  /** tick is a tenth of a second: nineteen samples of machines for each change of a robot's state, which carries its whole row. */
  const tick = () => {
    const n = size.perSecond / framesPerSecond;
    const samples: unknown[] = [];
    const facts: unknown[] = [];
    for (let k = 0; k < n; k++) {
      const i = pick(size.robots);
      const r = robots[i];
      if (!r) continue;
      r.seen = Date.now();
      if (k % 20 === 0) {
        r.status = pick(2);
        r.jobs = pick(4);
        seq++;
        facts.push({
          seq,
          topic: 'robots',
          op: 'put',
          id: id(i),
          v: seq,
          type: 'robot.updated',
          at: new Date().toISOString(),
          d: Object.fromEntries(snapshotRow(r, i).map((cell, c) => [columns[c], cell])),
        });
      } else {
        r.cpu = pick(100);
        samples.push(['r', id(i), r.seen, r.cpu, r.memory, r.jobs, statuses[r.status], false]);
      }
    }
    const sm = JSON.stringify({ t: 'sm', mark: String(Date.now()), d: samples });
    const ev = JSON.stringify(facts);
    for (const [s, from] of open) {
      const texts = facts.length > 0 ? [sm, `{"t":"ev","from":"${from}","to":"${seq}","ev":${ev}}`] : [sm];
      open.set(s, String(seq));
      for (const text of texts) {
        s.write(frame(text));
        sent.frames++;
        sent.bytes += text.length;
      }
    }
    if (open.size > 0) sent.updates += n;
  };
  const snapshotRow = (r: (typeof robots)[number], i: number) => [
    id(i),
    `Robot ${i}`,
    r.host,
    statuses[r.status],
    'active',
    '',
    false,
    tables.environment[r.fixed[0]],
    'default',
    'default',
    tables.capabilities[r.fixed[1]],
    tables.tags[r.fixed[2]],
    r.jobs,
    3,
    [],
    r.cpu,
    r.memory,
    r.seen,
    null,
    '1.4.0',
    seq,
  ];
  const timer = setInterval(tick, 1000 / framesPerSecond);
  const beat = setInterval(() => {
    for (const s of open.keys()) s.write(frame(JSON.stringify({ t: 'hb', to: String(seq), now: new Date().toISOString() })));
  }, 5000);

  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    sent,
    answers,
    stop: async () => {
      clearInterval(timer);
      clearInterval(beat);
      for (const s of open.keys()) s.destroy();
      server.closeAllConnections();
      await new Promise<void>((done) => server.close(() => done()));
    },
  };
}

/** frame is a text as a server sends it over a WebSocket. */
function frame(text: string): Buffer {
  const body = Buffer.from(text);
  const n = body.length;
  const head = n < 126 ? Buffer.from([0x81, n]) : n < 65_536 ? Buffer.from([0x81, 126, n >> 8, n & 255]) : Buffer.alloc(10);
  if (n >= 65_536) {
    head[0] = 0x81;
    head[1] = 127;
    head.writeBigUInt64BE(BigInt(n), 2);
  }
  return Buffer.concat([head, body]);
}

/** heard are the short texts in what a browser wrote; each write of one is whole. */
function heard(b: Buffer): string[] {
  const out: string[] = [];
  for (let at = 0; at + 6 <= b.length; ) {
    const op = (b[at] ?? 0) & 15;
    let n = (b[at + 1] ?? 0) & 127;
    let head = at + 2;
    if (n === 126) {
      n = b.readUInt16BE(head);
      head += 2;
    }
    const mask = b.subarray(head, head + 4);
    const body = Buffer.from(b.subarray(head + 4, head + 4 + n).map((x, i) => x ^ (mask[i % 4] ?? 0)));
    if (op === 1) out.push(body.toString());
    at = head + 4 + n;
  }
  return out;
}
