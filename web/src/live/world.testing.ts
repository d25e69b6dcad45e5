/** A server, a network and a clock for the tests of what follows them. Everything comes from one seed. */
import type { Fact, LiveRobot, Sample, Snapshot } from './frames';
import type { Socket, World } from './stream';

/** chance is a small generator of numbers in [0, 1) from a seed (mulberry32). */
export function chance(seed: number): () => number {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export interface JobRow {
  job_id: string;
  status: string;
  version: number;
}

export class TestClock {
  t = 1_000_000;
  private dark = false;
  private lookers = new Set<() => void>();
  hidden = (): boolean => this.dark;
  shown = (f: () => void): (() => void) => {
    this.lookers.add(f);
    return () => this.lookers.delete(f);
  };
  /** hide makes the page hidden, or brings it back to sight. */
  hide(on: boolean): void {
    this.dark = on;
    if (!on) for (const f of this.lookers) f();
  }
  private due: { at: number; n: number; f: () => void }[] = [];
  private n = 0;
  now = (): number => this.t;
  after = (ms: number, f: () => void): (() => void) => {
    const one = { at: this.t + ms, n: this.n++, f };
    this.due.push(one);
    return () => {
      this.due = this.due.filter((d) => d !== one);
    };
  };
  /** run lets time pass, and promises settle between what is due. */
  async run(ms: number): Promise<void> {
    const end = this.t + ms;
    for (;;) {
      await settle();
      this.due.sort((a, b) => a.at - b.at || a.n - b.n);
      const next = this.due[0];
      if (!next || next.at > end) break;
      this.due.shift();
      this.t = next.at;
      next.f();
    }
    this.t = end;
    await settle();
  }
}

const settle = async () => {
  for (let i = 0; i < 12; i++) await Promise.resolve();
};

class TestSocket implements Socket {
  onopen: (() => void) | null = null;
  onmessage: ((text: string) => void) | null = null;
  onclose: ((code: number) => void) | null = null;
  dead = false;
  told = 0; // place that the last frame named
  cursor = 0;
  topics: string[] = [];
  constructor(private readonly server: TestServer) {}
  send(text: string): void {
    if (!this.dead) this.server.hear(this, text);
  }
  close(): void {
    this.dead = true;
  }
}

/** TestServer keeps robots, jobs and a log of facts, and serves readers as the contract says. */
export class TestServer {
  robots = new Map<string, LiveRobot>();
  jobs = new Map<string, JobRow>();
  private log: { seq: number; fact: Fact }[] = [];
  private kept = 0; // the first number that is kept
  private head = 0;
  private sockets = new Set<TestSocket>();
  down = false;
  unknown = new Set<string>(); // topics that are refused
  wishes: string[][] = [];
  opened = 0;
  snapshots = 0;

  constructor(
    private readonly clock: TestClock,
    private readonly random: () => number,
  ) {}

  private pick<T>(list: readonly T[]): T | undefined {
    return list[Math.floor(this.random() * list.length)];
  }

  private append(topic: string, id: string, op: Fact['op'], d?: unknown, more: Partial<Fact> = {}): void {
    this.head++;
    this.log.push({ seq: this.head, fact: { seq: this.head, topic, id, op, v: this.head, type: `${topic}.changed`, at: '', ...(d ? { d } : {}), ...more } });
  }

  /** change makes one thing happen. */
  change(): void {
    const r = this.random();
    const robot = this.pick([...this.robots.keys()]);
    const job = this.pick([...this.jobs.keys()]);
    if (r < 0.15 || !robot) {
      const id = `bot-${Math.floor(this.random() * 60)}`;
      this.put(id, { current_jobs: 0 });
    } else if (r < 0.22) {
      this.robots.delete(robot);
      this.append('robots', robot, 'del');
    } else if (r < 0.6) this.put(robot, { current_jobs: Math.floor(this.random() * 5), status: this.random() < 0.5 ? 'busy' : 'online' });
    else if (r < 0.75 || !job) {
      const id = `job-${this.head}`;
      const row = { job_id: id, status: 'pending', version: 1 };
      this.jobs.set(id, row);
      this.append('jobs', id, 'put', row);
    } else {
      const was = this.jobs.get(job) as JobRow;
      const status = this.pick(['running', 'completed', 'failed', 'pending']) as string;
      const row = { ...was, status, version: was.version + 1 };
      this.jobs.set(job, row);
      this.append('jobs', job, 'put', row, { from_state: was.status, to_state: status });
    }
  }

  private put(id: string, more: Partial<LiveRobot>): void {
    const was = this.robots.get(id) ?? blank(id);
    const row = { ...was, ...more, v: this.head + 1 };
    this.robots.set(id, row);
    this.append('robots', id, 'put', row);
  }

  /** sample changes a machine's figures, which are in no log. */
  sample(): void {
    const id = this.pick([...this.robots.keys()]);
    if (!id) return;
    const row = { ...(this.robots.get(id) as LiveRobot), cpu_percent: Math.floor(this.random() * 100), last_heartbeat: this.clock.now() };
    this.robots.set(id, row);
    for (const s of this.sockets) this.write(s, { t: 'sm', mark: String(this.clock.now()), d: [sampleOf(row)] });
  }

  /** forget drops the log. Who is connected has read it. */
  forget(): void {
    this.deliver();
    this.kept = this.head;
    this.log = [];
  }

  /** cut breaks every connection. What is written afterwards is lost. */
  cut(code = 1006): void {
    for (const s of this.sockets) {
      s.dead = true;
      s.onclose?.(code);
    }
    this.sockets.clear();
  }

  /** swallow loses the next frame of a reader without breaking anything, which no real connection does. */
  swallow(): void {
    for (const s of this.sockets) this.frame(s, true);
  }

  /** deliver writes what is new to every reader. */
  deliver(): void {
    for (const s of this.sockets) this.frame(s, false);
  }

  beat(): void {
    for (const s of this.sockets) {
      if (s.cursor === this.head) s.told = s.cursor;
      if (s.cursor === this.head) this.write(s, { t: 'hb', to: String(s.cursor), now: new Date(this.clock.now()).toISOString() });
    }
  }

  hear(s: TestSocket, text: string): void {
    this.clock.after(1, () => {
      if (s.dead) return;
      if (text === 'ping') {
        this.frame(s, false);
        this.write(s, { t: 'pong' });
        return;
      }
      const topics = (JSON.parse(text) as { topics: string[] }).topics;
      this.wishes.push(topics);
      if (topics.some((t) => this.unknown.has(t))) {
        this.write(s, { t: 'error', code: 'topic_unknown', message: '' });
        return;
      }
      s.topics = topics;
      this.write(s, { t: 'sub', topics: s.topics });
    });
  }

  /** now is a fact with the row as it is when it is read, as the server sends it. */
  private now(f: Fact): Fact {
    const d = f.topic === 'robots' ? this.robots.get(f.id) : this.jobs.get(f.id);
    const { d: _, ...rest } = f;
    return d ? { ...rest, op: 'put', v: this.head, d } : { ...rest, op: 'del', v: this.head };
  }

  private frame(s: TestSocket, lost: boolean): void {
    const facts = this.log.filter((l) => l.seq > s.cursor);
    const ev = facts.filter((l) => s.topics.includes(l.fact.topic)).map((l) => this.now(l.fact));
    s.cursor = this.head;
    if (ev.length === 0) return;
    if (!lost) this.write(s, { t: 'ev', from: String(s.told), to: String(s.cursor), ev });
    s.told = s.cursor;
  }

  private write(s: TestSocket, f: unknown): void {
    if (!s.dead) s.onmessage?.(JSON.stringify(f));
  }

  world(): World {
    return {
      now: this.clock.now,
      random: this.random,
      after: this.clock.after,
      refused: () => (this.down ? Promise.reject(new Error('no answer')) : Promise.resolve(0)),
      snapshot: () => {
        if (this.down) return Promise.reject(new Error('no answer'));
        this.snapshots++;
        return Promise.resolve(this.snapshot());
      },
      open: (query) => {
        const s = new TestSocket(this);
        const q = new URLSearchParams(query);
        const mark = Number(q.get('mark') ?? 0);
        this.clock.after(1, () => {
          if (s.dead) return;
          if (this.down) {
            s.dead = true;
            s.onclose?.(1006);
            return;
          }
          this.opened++;
          s.topics = (q.get('topics') ?? '').split(',');
          s.cursor = Number(q.get('after'));
          s.told = s.cursor;
          s.onopen?.();
          if (s.cursor < this.kept) {
            this.write(s, { t: 'reset', reason: 'cursor_expired', message: '' });
            s.dead = true;
            s.onclose?.(4410);
            return;
          }
          this.sockets.add(s);
          this.write(s, { t: 'hb', to: String(s.cursor), now: new Date(this.clock.now()).toISOString() });
          for (const r of this.robots.values())
            if ((r.last_heartbeat ?? 0) >= mark - 10_000) this.write(s, { t: 'sm', mark: String(this.clock.now()), d: [sampleOf(r)] });
        });
        return s;
      },
    };
  }

  private snapshot(): Snapshot {
    const columns = Object.keys(blank('')).filter((c) => c !== 'status');
    const statuses = ['online', 'busy', 'offline'];
    return {
      cursor: String(this.head),
      mark: String(this.clock.now()),
      now: new Date(this.clock.now()).toISOString(),
      columns: ['status', ...columns],
      tables: { status: statuses },
      robots: [...this.robots.values()].map((r) => [statuses.indexOf(r.status), ...columns.map((c) => r[c as keyof LiveRobot])]),
    };
  }
}

const sampleOf = (r: LiveRobot): Sample => ['r', r.robot_id, r.last_heartbeat, r.cpu_percent, r.memory_mb, r.current_jobs, r.status, r.silent];

const blank = (id: string): LiveRobot => ({
  robot_id: id,
  name: id,
  hostname: 'host',
  status: 'online',
  mode: 'active',
  reason: '',
  silent: false,
  environment: 'default',
  tenant: 'default',
  pool: 'default',
  capabilities: ['browser'],
  tags: [],
  current_jobs: 0,
  max_concurrent_jobs: 3,
  jobs: [],
  cpu_percent: 0,
  memory_mb: 0,
  last_heartbeat: null,
  quarantine_until: null,
  duplicate_of: '',
  version: '1',
  v: 0,
});
