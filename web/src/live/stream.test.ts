import { describe, expect, it } from 'vitest';
import { FleetStore } from './fleetstore';
import type { Fact } from './frames';
import { LiveQuery } from './query';
import { Stream } from './stream';
import { chance, type JobRow, TestClock, TestServer } from './world.testing';

function made(seed: number) {
  const random = chance(seed);
  const clock = new TestClock();
  const server = new TestServer(clock, random);
  for (let i = 0; i < 30; i++) server.change();
  const store = new FleetStore({ frame: (f) => void clock.after(16, f), after: (ms, f) => void clock.after(ms, f) });
  const stream = new Stream(server.world(), { load: (s) => store.load(s), fact: (f) => store.fact(f), sample: (s) => store.sample(s), time: () => undefined });
  return { random, clock, server, store, stream };
}

/** jobsOf follows the pending jobs as pages do: rows are patched, and what enters or leaves is asked for. */
function jobsOf({ clock, server, stream }: ReturnType<typeof made>) {
  const q = new LiveQuery<JobRow[]>(stream, clock, {
    topics: ['jobs'],
    ask: async () => [...server.jobs.values()].filter((j) => j.status === 'pending'),
    take: (data, f: Fact) => {
      const row = f.d as JobRow | undefined;
      if (!row) return undefined;
      const have = data.find((j) => j.job_id === f.id);
      if (!have) return row.status === 'pending' ? 'again' : undefined;
      if (row.version <= have.version) return undefined;
      return row.status === 'pending' ? data.map((j) => (j === have ? row : j)) : 'again';
    },
  });
  q.start();
  return q;
}

const sorted = <T>(rows: readonly T[], id: (r: T) => string) => [...rows].sort((a, b) => id(a).localeCompare(id(b)));

describe('the stream', () => {
  it('loses no update, however often and wherever it is cut', { timeout: 60_000 }, async () => {
    let cuts = 0;
    for (let seed = 1; seed <= 25; seed++) {
      const m = made(seed);
      const { random, clock, server, store, stream } = m;
      stream.start();
      const jobs = jobsOf(m);
      await clock.run(100);
      for (let step = 0; step < 150; step++) {
        const r = random();
        for (let i = 0; i < 3; i++) server.change();
        if (random() < 0.5) server.sample();
        if (r < 0.1) {
          server.cut(random() < 0.3 ? 4408 : 1006);
          cuts++;
        } else if (r < 0.13) server.forget();
        else if (r < 0.17) server.down = true;
        else if (r < 0.25) server.down = false;
        if (server.down) server.cut();
        else if (random() < 0.7) server.deliver();
        if (random() < 0.3) server.beat();
        await clock.run(random() * 700);
      }
      server.down = false;
      for (let i = 0; i < 40; i++) {
        server.change(); // traffic goes on while it recovers
        server.deliver();
        server.beat();
        await clock.run(1000);
      }
      for (let i = 0; i < 5; i++) {
        server.deliver();
        server.beat();
        await clock.run(1000);
      }
      expect(stream.look().phase, `seed ${seed}`).toBe('live');
      const want = sorted([...server.robots.values()], (x) => x.robot_id).map((x) => ({ ...x, v: 0 }));
      expect(
        sorted(store.all(), (x) => x.robot_id).map((x) => ({ ...x, v: 0 })),
        `seed ${seed}`,
      ).toEqual(want);
      const pending = [...server.jobs.values()].filter((j) => j.status === 'pending');
      expect(
        sorted(jobs.look().data ?? [], (x) => x.job_id),
        `seed ${seed}`,
      ).toEqual(sorted(pending, (x) => x.job_id));
      expect(server.snapshots).toBeLessThan(60);
      jobs.stop();
      stream.stop();
    }
    expect(cuts).toBeGreaterThan(200);
  });

  it('resumes from its cursor without a new snapshot', async () => {
    const { clock, server, store, stream } = made(7);
    stream.start();
    await clock.run(100);
    expect([stream.look().phase, server.snapshots]).toEqual(['live', 1]);
    server.cut();
    expect(stream.look().phase).toBe('catching_up');
    server.change();
    await clock.run(2000);
    expect([stream.look().phase, server.snapshots, server.opened]).toEqual(['live', 1, 2]);
    expect(store.all().length).toBe(server.robots.size);
  });

  it('goes back when a frame is missing, and when nothing is heard', async () => {
    const { clock, server, store, stream } = made(8);
    stream.start();
    await clock.run(100);
    server.change();
    server.swallow();
    for (let i = 0; i < 20; i++) server.change();
    server.deliver();
    expect(stream.look().phase).not.toBe('live');
    await clock.run(3000);
    expect(server.opened).toBe(2);
    expect(
      store
        .all()
        .map((r) => r.robot_id)
        .sort(),
    ).toEqual([...server.robots.keys()].sort());
    await clock.run(13_000); // no heartbeat
    expect(server.opened).toBe(3);
  });

  it('takes a new snapshot after a reset', async () => {
    const { clock, server, store, stream } = made(9);
    stream.start();
    await clock.run(100);
    server.down = true;
    server.cut();
    for (let i = 0; i < 50; i++) server.change();
    server.forget();
    await clock.run(3000);
    expect(stream.look().phase).toBe('offline');
    server.down = false;
    await clock.run(20_000);
    server.beat();
    expect([stream.look().phase, server.snapshots]).toEqual(['live', 2]);
    expect(
      store
        .all()
        .map((r) => r.robot_id)
        .sort(),
    ).toEqual([...server.robots.keys()].sort());
  });

  it('asks for topics on the open socket, and says when they are followed', async () => {
    const { clock, server, stream } = made(10);
    stream.start();
    await clock.run(100);
    let covered = 0;
    const facts: Fact[] = [];
    const leave = stream.join({ topics: ['jobs'], fact: (f) => facts.push(f), covered: () => covered++ });
    expect(covered).toBe(0);
    await clock.run(10);
    expect(covered).toBe(1);
    for (let i = 0; i < 20; i++) server.change();
    server.deliver();
    expect(facts.length).toBeGreaterThan(0);
    expect(facts.every((f) => f.topic === 'jobs')).toBe(true);
    server.cut();
    await clock.run(2000);
    expect(covered).toBe(1); // the history is whole
    leave();
  });

  it('finds the topic that is refused, and follows the others', async () => {
    const { clock, server, stream } = made(12);
    stream.start();
    await clock.run(100);
    server.unknown.add('gossip');
    const told: string[] = [];
    const join = (...topics: string[]) => stream.join({ topics, covered: () => told.push(topics.join()) });
    join('gossip', 'jobs');
    join('jobs');
    join('queues');
    await clock.run(1000);
    expect(told.sort()).toEqual(['gossip,jobs', 'jobs', 'queues']);
    const facts: Fact[] = [];
    stream.join({ topics: ['jobs'], fact: (f) => facts.push(f) });
    for (let i = 0; i < 20; i++) server.change();
    server.deliver();
    expect(facts.length).toBeGreaterThan(0);
    const asked = server.wishes.length;
    join('workflows');
    await clock.run(1000);
    expect(server.wishes.slice(asked)).toEqual([['jobs', 'queues', 'robots', 'workflows']]); // and never again for gossip
  });

  it('leaves out what may not be asked for, and stops when nobody is signed in', async () => {
    const { clock, server, stream } = made(11);
    stream.allowed = (t) => t !== 'activity';
    stream.join({ topics: ['activity', 'jobs'] });
    const world = server.world();
    let asked = '';
    const other = new Stream(
      {
        ...world,
        refused: () => Promise.resolve(undefined),
        open: (q) => {
          asked = q;
          const s = world.open(q);
          server.down = true;
          return s;
        },
      },
      { load: () => undefined, fact: () => undefined, sample: () => undefined, time: () => undefined },
    );
    other.allowed = stream.allowed;
    other.join({ topics: ['activity', 'jobs'] });
    other.start();
    await clock.run(60_000);
    expect(new URLSearchParams(asked).get('topics')).toBe('jobs,robots');
    expect([other.look().phase, other.look().tries]).toEqual(['offline', 1]);
  });
});

describe('a question that is kept up to date', () => {
  it('is not asked while nobody looks, and once when somebody does', async () => {
    const m = made(13);
    const { clock, server, stream } = m;
    stream.start();
    await clock.run(100);
    let asked = 0;
    const q = new LiveQuery<number>(stream, clock, { topics: ['jobs'], ask: async () => ++asked, take: () => 'again' });
    q.start();
    await clock.run(3000);
    const before = asked;
    clock.hide(true);
    for (let i = 0; i < 60; i++) {
      server.change();
      server.deliver();
      server.beat();
      await clock.run(1000);
    }
    expect(asked).toBe(before);
    clock.hide(false);
    await clock.run(100);
    expect(asked).toBe(before + 1);
    expect(q.look().data).toBe(asked);
    clock.hide(true);
    clock.hide(false); // nothing happened
    await clock.run(100);
    expect(asked).toBe(before + 1);
    q.stop();
    clock.hide(true);
    stream.stop();
    const late = new LiveQuery<number>(stream, clock, { topics: [], ask: async () => ++asked });
    late.start();
    await clock.run(60_000); // no stream: it would ask by the clock
    expect(asked).toBe(before + 1);
    clock.hide(false);
    await clock.run(100);
    expect(late.look().data).toBe(before + 2);
    late.stop();
  });
});

describe('a question about what no topic tells', () => {
  it('is asked once, though the stream opens later, and again when the stream begins anew', async () => {
    const { clock, server, stream } = made(17);
    let asked = 0;
    const q = new LiveQuery<number>(stream, clock, { topics: [], ask: async () => ++asked });
    stream.start();
    q.start();
    await clock.run(1000);
    expect(stream.look().phase).toBe('live');
    expect(asked).toBe(1);
    server.down = true;
    server.cut();
    for (let i = 0; i < 50; i++) server.change();
    server.forget();
    await clock.run(3000);
    server.down = false;
    await clock.run(20_000);
    server.beat();
    expect(stream.look().phase).toBe('live');
    expect(asked).toBe(2);
    q.stop();
    stream.stop();
  });
});

describe('the store of robots', () => {
  it('forgets everything at once', () => {
    const later: (() => void)[] = [];
    const store = new FleetStore({ frame: (f) => later.push(f), after: (_, f) => later.push(f) });
    let told = 0;
    let row = 0;
    store.onList(() => told++);
    store.sub('a', () => row++);
    store.load({ cursor: '', mark: '', now: '', columns: ['robot_id', 'v'], tables: {}, robots: [['a', 9]] });
    for (const f of later.splice(0)) f();
    expect([store.all().length, store.loaded, told, row]).toEqual([1, true, 1, 1]);
    store.clear();
    expect([store.all().length, store.row('a'), store.loaded, told]).toEqual([0, undefined, false, 2]);
    for (const f of later.splice(0)) f();
    expect(row).toBe(2);
    store.fact({ seq: 1, topic: 'robots', op: 'put', id: 'a', v: 3, type: '', at: '', d: { robot_id: 'a' } }); // another store may count from lower
    expect(store.row('a')?.v).toBe(3);
  });
  it('is never loaded before its list is there', () => {
    const store = new FleetStore({ frame: () => undefined, after: () => undefined }); // the screen stands still
    let told = 0;
    store.onList(() => told++);
    for (const n of [1, 2]) {
      store.load({ cursor: '', mark: '', now: '', columns: ['robot_id', 'v'], tables: {}, robots: [['a', 9]] });
      expect([store.loaded, store.all().length, told]).toEqual([true, 1, n]);
      store.clear();
      expect([store.loaded, store.all().length]).toEqual([false, 0]);
      told = n;
    }
  });
  it('takes no older row, brings nobody back, and tells once for each frame of the screen', () => {
    const later: (() => void)[] = [];
    const store = new FleetStore({ frame: (f) => later.push(f), after: (_, f) => later.push(f) });
    const put = (v: number, status: string): Fact => ({ seq: v, topic: 'robots', op: 'put', id: 'a', v, type: '', at: '', d: { robot_id: 'a', status, v } });
    store.fact(put(5, 'online'));
    let told = 0;
    store.sub('a', () => told++);
    store.fact(put(7, 'busy'));
    store.fact(put(6, 'error'));
    store.fact(put(7, 'error'));
    expect(store.row('a')?.status).toBe('busy');
    store.sample(['r', 'a', 1, 50, 100, 2, 'busy', true]);
    for (const f of later.splice(0)) f();
    expect([told, store.row('a')?.cpu_percent, store.row('a')?.silent]).toEqual([1, 50, true]);
    store.fact({ ...put(9, ''), op: 'del' });
    store.fact(put(8, 'online'));
    expect(store.row('a')).toBeUndefined();
  });
});
