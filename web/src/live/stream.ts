/**
 * Stream follows the fleet over one WebSocket: a snapshot, then facts by cursor, so that a cut loses nothing. It knows no
 * browser: sockets, time and chance are given to it.
 */
import type { Fact, Frame, Sample, Snapshot } from './frames';

export type Phase = 'idle' | 'connecting' | 'catching_up' | 'live' | 'offline';

export interface Socket {
  onopen: (() => void) | null;
  onmessage: ((text: string) => void) | null;
  onclose: ((code: number) => void) | null;
  send(text: string): void;
  close(): void;
}

export interface World {
  open(query: string): Socket;
  snapshot(): Promise<Snapshot>;
  /** refused is asked after a handshake that failed: ms to wait, or undefined when nobody is signed in any more. */
  refused(): Promise<number | undefined>;
  now(): number;
  random(): number;
  after(ms: number, f: () => void): () => void;
}

/** Reader is a part of the page that wants topics. */
export interface Reader {
  topics: readonly string[];
  fact?: (f: Fact) => void;
  sample?: (s: Sample) => void;
  /** covered says that from now on nothing of the topics is missed: what was read before may be old. */
  covered?: () => void;
}

export interface State {
  phase: Phase;
  since: number; // when this phase began, ms
  heard: number; // last message, ms; 0: none yet
  latency: number | undefined; // of the last ping, ms
  updates: number; // facts and samples since the start
  tries: number; // failed in a row
  retryAt: number; // when offline
  trouble: unknown; // why the last snapshot could not be had
}

const silence = 12_000;
const leastWait = 500;
const mostWait = 15_000;

export class Stream {
  private readers = new Set<Reader>();
  private covered = new Set<Reader>();
  private socket: Socket | undefined;
  private cursor: string | undefined;
  private mark = '';
  private acked: readonly string[] = []; // topics that the open socket carries
  private wish: string[] | undefined; // topics that it was asked for and has not answered yet
  private careful = false; // a wish was refused: topics are asked for one by one, to find which one it was
  private refused = new Set<string>(); // topics that the server does not give
  private resting = false;
  private opened = false; // the socket has said something
  private wanted = false;
  private turn = 0; // of connecting: what an older turn does no longer counts
  private cancelTimer: (() => void) | undefined;
  private cancelWatch: (() => void) | undefined;
  private pinged = 0;
  private watchers = new Set<() => void>();
  private telling = false;
  state: State = { phase: 'idle', since: 0, heard: 0, latency: undefined, updates: 0, tries: 0, retryAt: 0, trouble: undefined };
  /** allowed says whether a topic may be asked for; one that may not would have all refused. */
  allowed: (topic: string) => boolean = () => true;

  constructor(
    private readonly world: World,
    private readonly sink: { load(s: Snapshot): void; fact(f: Fact): void; sample(s: Sample): void; time(now: string): void },
  ) {}

  start(): void {
    if (this.wanted) return;
    this.wanted = true;
    this.phase('connecting');
    void this.connect();
  }

  /** stop ends it; the next start begins with a snapshot. */
  stop(): void {
    this.wanted = false;
    this.cursor = undefined;
    this.covered.clear();
    this.refused.clear();
    this.careful = false;
    this.drop();
    this.phase('idle');
  }

  /** retry tries at once instead of waiting. */
  retry(): void {
    if (!this.wanted || this.socket) return;
    this.resting = false;
    void this.connect();
  }

  /** rest closes the socket of a page that nobody looks at; retry goes on where it was. */
  rest(): void {
    if (!this.wanted || this.resting) return;
    this.resting = true;
    this.drop();
    this.phase('offline', { retryAt: 0 });
  }

  join(r: Reader): () => void {
    this.readers.add(r);
    this.ask();
    return () => {
      this.readers.delete(r);
      this.covered.delete(r);
      this.ask();
    };
  }

  watch = (f: () => void): (() => void) => {
    this.watchers.add(f);
    return () => this.watchers.delete(f);
  };

  look = (): State => this.state;

  private phase(phase: Phase, more: Partial<State> = {}): void {
    this.set({ ...(phase === this.state.phase ? {} : { phase, since: this.world.now() }), ...more });
  }

  private set(s: Partial<State>): void {
    const before = this.state;
    this.state = { ...before, ...s };
    const tell = () => {
      this.telling = false;
      for (const f of this.watchers) f();
    };
    if (s.phase !== undefined && s.phase !== before.phase) tell();
    else if (!this.telling) {
      this.telling = true;
      this.world.after(1000, tell);
    }
  }

  private may = (topic: string): boolean => this.allowed(topic) && !this.refused.has(topic);

  private union(): string[] {
    const all = new Set<string>(['robots']); // the store of robots is always kept
    for (const r of this.readers) for (const t of r.topics) if (this.may(t)) all.add(t);
    return [...all].sort();
  }

  /** ask changes the topics of the open socket, one wish at a time. */
  private ask(): void {
    if (!this.socket || !this.opened || this.wish) return;
    const want = this.union();
    const missing = want.filter((t) => !this.acked.includes(t));
    if (missing.length === 0 && want.length >= this.acked.length - 3) {
      this.cover(); // a few topics too many cost less than another question
      return;
    }
    this.wish = this.careful ? want.filter((t) => t === missing[0] || this.acked.includes(t)) : want;
    this.socket.send(JSON.stringify({ t: 'sub', topics: this.wish }));
  }

  /** denied is the answer to a wish that the server did not grant: it carries what it carried before. */
  private denied(): void {
    const missing = (this.wish ?? []).filter((t) => !this.acked.includes(t));
    this.wish = undefined;
    if (missing.length === 0) return;
    if (missing.length === 1) this.refused.add(missing[0] as string);
    this.careful = true;
    this.ask();
  }

  private cover(): void {
    for (const r of this.readers) {
      if (this.covered.has(r) || !r.topics.every((t) => this.acked.includes(t) || !this.may(t))) continue;
      this.covered.add(r);
      r.covered?.();
    }
  }

  private async connect(): Promise<void> {
    this.drop();
    const turn = this.turn;
    try {
      if (this.cursor === undefined) {
        const s = await this.world.snapshot();
        if (turn !== this.turn) return;
        this.cursor = s.cursor;
        this.mark = s.mark;
        this.covered.clear();
        this.sink.time(s.now);
        this.sink.load(s);
      }
    } catch (trouble) {
      if (turn !== this.turn) return;
      this.set({ trouble });
      await this.failed();
      return;
    }
    const topics = this.union();
    const q = new URLSearchParams({ topics: topics.join(','), after: this.cursor });
    if (this.mark) q.set('mark', this.mark);
    const socket = this.world.open(q.toString());
    this.socket = socket;
    this.opened = false;
    this.acked = topics;
    this.wish = undefined;
    socket.onmessage = (text) => {
      if (turn === this.turn) this.take(JSON.parse(text) as Frame);
    };
    socket.onclose = (code) => {
      if (turn !== this.turn) return;
      if (code === 4410) this.cursor = undefined;
      if (this.opened && code !== 4401 && code !== 4403) this.lost();
      else void this.failed();
    };
    this.heard();
  }

  private heard(): void {
    this.cancelWatch?.();
    const turn = this.turn;
    this.cancelWatch = this.world.after(silence, () => {
      if (turn === this.turn) this.lost();
    });
    if (this.opened) this.set({ heard: this.world.now() });
  }

  private take(f: Frame): void {
    if (!this.opened) {
      this.opened = true;
      this.pinged = this.world.now();
      this.socket?.send('ping');
      this.phase('catching_up');
    }
    this.heard();
    switch (f.t) {
      case 'ev':
        if (f.from !== this.cursor) {
          this.lost(); // a frame is missing: back to where this page stands
          return;
        }
        for (const one of f.ev) {
          this.sink.fact(one);
          for (const r of this.readers) if (r.fact && matches(r.topics, one)) r.fact(one);
        }
        this.cursor = f.to;
        this.set({ updates: this.state.updates + f.ev.length });
        break;
      case 'sm':
        this.mark = f.mark;
        for (const s of f.d) {
          this.sink.sample(s);
          for (const r of this.readers) r.sample?.(s);
        }
        this.set({ updates: this.state.updates + f.d.length });
        break;
      case 'hb':
        this.cursor = f.to;
        this.sink.time(f.now);
        break;
      case 'reset':
        this.cursor = undefined;
        this.phase('catching_up');
        break;
      case 'pong':
        this.phase('live', { latency: this.world.now() - this.pinged, tries: 0, trouble: undefined });
        this.cover();
        this.ask();
        break;
      case 'sub':
        this.acked = f.topics;
        this.wish = undefined;
        this.cover();
        this.ask();
        break;
      case 'error':
        this.denied();
        break;
    }
  }

  /** lost goes back to the cursor after an open connection has ended. */
  private lost(): void {
    this.drop();
    this.again(this.state.tries === 0 ? leastWait * this.world.random() : undefined);
  }

  private async failed(): Promise<void> {
    this.drop();
    const mine = this.turn;
    const wait = await this.world.refused().catch(() => 0);
    if (mine !== this.turn || !this.wanted) return;
    if (wait === undefined) {
      this.phase('offline', { tries: this.state.tries + 1, retryAt: 0 });
      return; // signed out: whoever signs in starts it
    }
    this.again(wait > 0 ? wait : undefined);
  }

  private again(wait?: number): void {
    if (!this.wanted) return;
    const tries = this.state.tries + 1;
    const ms = wait ?? Math.min(mostWait, leastWait * 2 ** tries) * (0.5 + this.world.random() / 2);
    this.phase(tries > 1 || this.state.phase === 'offline' ? 'offline' : 'catching_up', { tries, retryAt: this.world.now() + ms });
    this.cancelTimer = this.world.after(ms, () => void this.connect());
  }

  private drop(): void {
    this.turn++;
    this.cancelTimer?.();
    this.cancelWatch?.();
    const s = this.socket;
    this.socket = undefined;
    this.opened = false;
    s?.close();
  }
}

/** matches says whether a fact is of one of the topics. */
export function matches(topics: readonly string[], f: Fact): boolean {
  if (topics.includes(f.topic)) return true;
  return (f.topic === 'jobs' && topics.includes(`job:${f.id}`)) || (f.topic === 'bulk' && topics.includes(`bulk:${f.id}`));
}
