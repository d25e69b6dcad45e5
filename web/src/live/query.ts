/**
 * LiveQuery is an answer of the server that facts keep up to date. It asks once, patches what a fact carries whole, and asks
 * again, at most every two seconds, for what it cannot patch. Without a stream it asks by the clock. While the page is hidden
 * it asks nothing, and what it owes it asks when the page is shown.
 */
import type { Fact, Sample } from './frames';
import type { Stream } from './stream';

export interface Query<T> {
  /** ask asks the server; have is what is there when the answer is put together, for lists that grow. */
  ask: (signal: AbortSignal, have: () => T | undefined) => Promise<T>;
  topics: readonly string[];
  /** take makes the next data of a fact; 'again' asks the server, undefined: the fact is of no concern. */
  take?: (data: T, f: Fact) => T | 'again' | undefined;
  /** touch does the same for a sample. */
  touch?: (data: T, s: Sample) => T | 'again' | undefined;
}

export interface Answer<T> {
  data: T | undefined;
  error: unknown;
  at: number; // when data was read, ms; 0: never
}

export interface Clock {
  now(): number;
  after(ms: number, f: () => void): () => void;
  hidden(): boolean; // nobody can see the page
  shown(f: () => void): () => void;
}

const pace = 2000;
const flush = 100;
const idlePoll = 5000;
const offlinePoll = 15_000;
const patience = 30_000;

export class LiveQuery<T> {
  private state: Answer<T> = { data: undefined, error: undefined, at: 0 };
  private watchers = new Set<() => void>();
  private end: AbortController | undefined;
  private since: Fact[] = []; // that came while an answer was on its way
  private asked = -pace;
  private due: (() => void) | undefined;
  private poll: (() => void) | undefined;
  private leave: (() => void) | undefined;
  private sight: (() => void) | undefined;
  private owed = false; // a question that waits until somebody looks
  private telling = false;
  private pending: T | undefined; // data that is not told yet

  constructor(
    private readonly stream: Stream,
    private readonly clock: Clock,
    private readonly q: Query<T>,
  ) {}

  start(): void {
    let first = true;
    let early = false; // it was asked before the stream was open
    this.sight = this.clock.shown(() => {
      if (this.owed) this.again();
    });
    this.leave = this.stream.join({
      topics: this.q.topics,
      fact: (f) => this.fact(f),
      sample: (s) => {
        const data = this.current();
        if (data === undefined || !this.q.touch) return;
        const next = this.q.touch(data, s);
        if (next === 'again') {
          if (!this.end) this.soon();
        } else if (next !== undefined) this.tell(next);
      },
      covered: () => {
        first = false;
        if (early && this.q.topics.length === 0)
          early = false; // nothing of it was missed meanwhile
        else this.again();
      },
    });
    early = first;
    if (first) this.again(); // nothing of it is followed yet: what is there is better than nothing
    this.watchPoll();
  }

  stop(): void {
    this.leave?.();
    this.sight?.();
    this.owed = false;
    this.end?.abort();
    this.end = undefined;
    this.due?.();
    this.due = undefined;
    this.poll?.();
  }

  watch = (f: () => void): (() => void) => {
    this.watchers.add(f);
    return () => this.watchers.delete(f);
  };

  look = (): Answer<T> => this.state;

  /** again asks now. An answer that is on its way is older, and does not count. */
  again = (): void => {
    this.due?.();
    this.due = undefined;
    this.owed = this.clock.hidden();
    if (this.owed) return;
    this.end?.abort();
    const end = new AbortController();
    this.end = end;
    this.since = [];
    this.asked = this.clock.now();
    this.q
      .ask(end.signal, this.current)
      .then((data) => {
        if (end.signal.aborted) return;
        this.end = undefined;
        this.pending = undefined;
        let out = data;
        let stale = false;
        for (const f of this.since) {
          const next = this.q.take?.(out, f);
          if (next === 'again') stale = true;
          else if (next !== undefined) out = next;
        }
        this.since = [];
        this.set({ data: out, error: undefined, at: this.clock.now() });
        if (stale) this.soon();
      })
      .catch((error: unknown) => {
        if (end.signal.aborted) return;
        this.end = undefined;
        this.set({ ...this.state, error });
        this.soon(offlinePoll);
      });
  };

  /** patch changes what is there. */
  patch = (change: (data: T) => T): void => {
    const data = this.current();
    if (data === undefined) return;
    this.pending = undefined;
    this.set({ ...this.state, data: change(data) });
  };

  private fact(f: Fact): void {
    if (this.end) this.since.push(f);
    const data = this.current();
    if (data === undefined || !this.q.take) {
      if (!this.q.take) this.soon();
      return;
    }
    const next = this.q.take(data, f);
    if (next === 'again') {
      if (!this.end) this.soon();
    } else if (next !== undefined) this.tell(next);
  }

  private current = (): T | undefined => this.pending ?? this.state.data;

  private tell(data: T): void {
    this.pending = data;
    if (this.telling) return;
    this.telling = true;
    this.clock.after(flush, () => {
      this.telling = false;
      if (this.pending === undefined) return;
      const next = this.pending;
      this.pending = undefined;
      this.set({ ...this.state, data: next });
    });
  }

  private soon(least = 0): void {
    if (this.due) return;
    const wait = Math.max(least, pace - (this.clock.now() - this.asked));
    if (wait <= 0) {
      this.again();
      return;
    }
    this.due = this.clock.after(wait, () => {
      this.due = undefined;
      this.again();
    });
  }

  /** watchPoll asks by the clock while no stream tells what changes. */
  private watchPoll(): void {
    const s = this.stream.look();
    this.poll = this.clock.after(idlePoll, () => {
      const now = this.clock.now();
      const idle = s.phase === 'idle' && this.stream.look().phase === 'idle';
      const lost = this.stream.look().phase === 'offline' && now - this.stream.look().since > patience && now - this.asked >= offlinePoll;
      if ((idle || lost) && !this.end) this.again();
      this.watchPoll();
    });
  }

  private set(s: Answer<T>): void {
    this.state = s;
    for (const f of this.watchers) f();
  }
}
