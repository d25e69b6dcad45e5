/**
 * FleetStore holds all robots outside of React. Facts and samples only write rows; rows that are looked at are told once
 * for each frame of the screen, and lists at most twice a second. A row is replaced, never changed, so that it can be compared.
 */
import { type Fact, type LiveRobot, robotsOf, type Sample, type Snapshot } from './frames';

export interface Screen {
  frame(f: () => void): void; // once, with the next frame of the screen
  after(ms: number, f: () => void): void;
}

const listEvery = 500;

export class FleetStore {
  private rows = new Map<string, LiveRobot>();
  private gone = new Map<string, number>(); // v of rows that went, so that an older row does not bring them back
  private readers = new Map<string, Set<() => void>>();
  private lists = new Set<() => void>();
  private dirty = new Set<string>();
  private flushing = false;
  private telling = false;
  private shown: readonly LiveRobot[] = [];
  private stale = false;
  loaded = false;

  constructor(private readonly screen: Screen) {}

  load(s: Snapshot): void {
    const before = this.rows;
    this.rows = new Map(robotsOf(s).map((r) => [r.robot_id, r]));
    this.gone.clear();
    for (const id of before.keys()) this.touch(id);
    for (const id of this.rows.keys()) this.touch(id);
    if (this.loaded) this.tell();
    else {
      this.loaded = true; // together with the list, or there would seem to be none
      this.publish();
    }
  }

  /** clear forgets everything at once: what is shown belongs to another tenant, or to nobody who is signed in. */
  clear(): void {
    const before = this.rows;
    this.rows = new Map();
    this.gone.clear();
    this.loaded = false;
    for (const id of before.keys()) this.touch(id);
    this.publish();
  }

  fact(f: Fact): void {
    if (f.topic !== 'robots') return;
    if (f.op === 'del') {
      if (f.v < (this.rows.get(f.id)?.v ?? 0)) return;
      this.gone.set(f.id, f.v);
      if (!this.rows.delete(f.id)) return;
    } else if (f.op === 'put' && f.d) {
      const row = f.d as LiveRobot;
      const have = this.rows.get(f.id)?.v ?? this.gone.get(f.id) ?? -1;
      if (f.v <= have) return;
      this.rows.set(f.id, { ...row, v: f.v });
      this.gone.delete(f.id);
    } else return;
    this.touch(f.id);
    this.tell();
  }

  sample(s: Sample): void {
    const [kind, id, seen, cpu, memory, taken, status, silent] = s as [string, string, number | null, number, number, number, string, boolean];
    const row = kind === 'r' ? this.rows.get(id) : undefined;
    if (!row) return;
    this.rows.set(id, { ...row, last_heartbeat: seen, cpu_percent: cpu, memory_mb: memory, current_jobs: taken, status, silent });
    this.touch(id);
    this.tell();
  }

  row = (id: string): LiveRobot | undefined => this.rows.get(id);

  /** all is the list as it was last told. */
  all = (): readonly LiveRobot[] => this.shown;

  sub(id: string, f: () => void): () => void {
    let set = this.readers.get(id);
    if (!set) {
      set = new Set();
      this.readers.set(id, set);
    }
    set.add(f);
    return () => {
      set.delete(f);
      if (set.size === 0 && this.readers.get(id) === set) this.readers.delete(id);
    };
  }

  onList = (f: () => void): (() => void) => {
    this.lists.add(f);
    this.refresh();
    return () => this.lists.delete(f);
  };

  /** now gives the list as it is, without waiting for its next turn. */
  refresh(): void {
    if (!this.stale) return;
    this.stale = false;
    this.shown = [...this.rows.values()];
  }

  private publish(): void {
    this.stale = true;
    this.refresh();
    for (const f of this.lists) f();
  }

  private touch(id: string): void {
    if (!this.readers.has(id)) return;
    this.dirty.add(id);
    if (this.flushing) return;
    this.flushing = true;
    this.screen.frame(() => {
      this.flushing = false;
      const ids = this.dirty;
      this.dirty = new Set();
      for (const one of ids) for (const f of this.readers.get(one) ?? []) f();
    });
  }

  private tell(): void {
    this.stale = true;
    if (this.telling) return;
    this.telling = true;
    this.screen.after(listEvery, () => {
      this.telling = false;
      this.refresh();
      for (const f of this.lists) f();
    });
  }
}
