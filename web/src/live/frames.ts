/** The frames of `GET /api/v1/stream` and the snapshot before it, as docs/guide/live.md has them. Pure. */

export interface Snapshot {
  cursor: string;
  mark: string;
  now: string;
  columns: string[];
  tables: Record<string, unknown[]>;
  robots: unknown[][];
}

/** LiveRobot is a robot as lists show it; times are milliseconds. */
export interface LiveRobot {
  robot_id: string;
  name: string;
  hostname: string;
  status: string;
  mode: string;
  reason: string;
  silent: boolean;
  environment: string;
  tenant: string;
  pool: string;
  capabilities: string[];
  tags: string[];
  current_jobs: number;
  max_concurrent_jobs: number;
  jobs: string[];
  cpu_percent: number;
  memory_mb: number;
  last_heartbeat: number | null;
  quarantine_until: number | null;
  duplicate_of: string; // host of a second machine that asked for its id; empty: none did
  version: string;
  v: number;
}

export interface Fact {
  seq: number;
  topic: string;
  op: 'put' | 'del' | 'note';
  id: string;
  v: number;
  type: string;
  at: string;
  from_state?: string;
  to_state?: string;
  d?: unknown;
}

/** Sample is a reading of which the newest counts: ["r", robot, …] or ["j", job, attempt, progress, node]. */
export type Sample = readonly unknown[];

export type Frame =
  | { t: 'ev'; from: string; to: string; ev: Fact[] }
  | { t: 'sm'; mark: string; d: Sample[] }
  | { t: 'hb'; to: string; now: string }
  | { t: 'reset'; reason: string; message: string }
  | { t: 'sub'; topics: string[] }
  | { t: 'error'; code: string; message: string }
  | { t: 'pong' };

/** robotsOf reads the rows of a snapshot. A column that tables names holds indexes into it. */
export function robotsOf(s: Snapshot): LiveRobot[] {
  return s.robots.map((cells) => {
    const row: Record<string, unknown> = {};
    s.columns.forEach((name, i) => {
      const table = s.tables[name];
      row[name] = table ? table[cells[i] as number] : cells[i];
    });
    return row as unknown as LiveRobot;
  });
}
