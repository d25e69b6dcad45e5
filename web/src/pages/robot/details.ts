/**
 * Details are what is told of the robots on the screen beside their rows: their health and what they run. One question asks
 * for all of them, when the list has come to rest, and again now and then. It knows neither React nor the browser.
 */
import type { Schemas } from '../../api/client';

export type Detail = Schemas['RobotHealth'];

export interface Clock {
  after(ms: number, f: () => void): () => void;
  resting(): boolean; // nobody looks: ask later
}

const rest = 250;
const again = 10_000;
const quick = 2000; // after a change of what they run
export const mostAsked = 100;

export class Details {
  private rows = new Map<string, Detail>();
  private readers = new Map<string, Set<() => void>>();
  private ids: readonly string[] = [];
  private key = '';
  private due: (() => void) | undefined;
  private end: AbortController | undefined;
  private stopped = false;

  constructor(
    private readonly ask: (ids: readonly string[], signal: AbortSignal) => Promise<readonly Detail[]>,
    private readonly clock: Clock,
  ) {}

  get = (id: string): Detail | undefined => this.rows.get(id);

  sub = (id: string, f: () => void): (() => void) => {
    const set = this.readers.get(id) ?? new Set();
    this.readers.set(id, set.add(f));
    return () => {
      set.delete(f);
      if (set.size === 0 && this.readers.get(id) === set) this.readers.delete(id);
    };
  };

  /** look says who is on the screen, and with what of them a new answer is worth asking for. */
  look(ids: readonly string[], state: string): void {
    const same = ids.length === this.ids.length && ids.every((id, i) => id === this.ids[i]);
    if (same && state === this.key) return;
    this.ids = ids.slice(0, mostAsked);
    this.key = state;
    this.soon(same || ids.every((id) => this.rows.has(id)) ? quick : rest);
  }

  stop(): void {
    this.stopped = true;
    this.due?.();
    this.end?.abort();
  }

  start(): void {
    this.stopped = false;
    if (this.ids.length > 0) this.soon(rest);
  }

  private soon(ms: number): void {
    if (this.stopped) return;
    this.due?.();
    this.due = this.clock.after(ms, () => {
      this.due = undefined;
      void this.now();
    });
  }

  private async now(): Promise<void> {
    if (this.ids.length === 0) return;
    if (this.clock.resting()) {
      this.soon(again);
      return;
    }
    this.end?.abort();
    const end = new AbortController();
    this.end = end;
    try {
      const got = await this.ask(this.ids, end.signal);
      if (end.signal.aborted) return;
      for (const d of got) {
        if (JSON.stringify(this.rows.get(d.robot_id)) === JSON.stringify(d)) continue;
        this.rows.set(d.robot_id, d);
        for (const f of this.readers.get(d.robot_id) ?? []) f();
      }
    } catch {
      if (end.signal.aborted) return; // the rows say nothing of health then, and the next turn asks again
    }
    if (!this.due) this.soon(again);
  }
}
