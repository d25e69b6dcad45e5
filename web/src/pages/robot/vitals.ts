/** What the rows of all robots tell of the health of the fleet. Pure. */
import type { LiveRobot } from '../../live/frames';

/** edges are the upper ends of the bars of the histogram of silence, in seconds. */
export const edges = [5, 10, 20, 30, 60, 90] as const;

export interface Bar {
  name: string;
  n: number;
}

export interface Vitals {
  lag: readonly Bar[]; // of robots that are not offline
  offline: number;
  never: number; // never heard of
  cpu: readonly LiveRobot[]; // the hottest ten
  memory: readonly LiveRobot[];
  silent: readonly LiveRobot[]; // the longest first
  quarantined: readonly LiveRobot[];
  doubled: readonly LiveRobot[]; // two machines have their id
  versions: readonly Bar[];
  causes: readonly Bar[]; // of robots in error
}

const most = 10;

/** top gives the greatest few in one pass, so that ten thousand robots need not be put in order. */
export function top<T>(list: Iterable<T>, n: number, of: (t: T) => number): T[] {
  const out: T[] = [];
  for (const t of list) {
    const v = of(t);
    const last = out[out.length - 1];
    if (out.length === n && last !== undefined && of(last) >= v) continue;
    let i = out.length;
    while (i > 0 && of(out[i - 1] as T) < v) i--;
    out.splice(i, 0, t);
    if (out.length > n) out.pop();
  }
  return out;
}

/** vitals looks at all robots at a moment of the server's clock. */
export function vitals(robots: readonly LiveRobot[], now: number): Vitals {
  const lag = [...edges.map((e, i) => ({ name: `${i === 0 ? 0 : edges[i - 1]}–${e} s`, n: 0 })), { name: `over ${edges[edges.length - 1]} s`, n: 0 }];
  const versions = new Map<string, number>();
  const causes = new Map<string, number>();
  const here: LiveRobot[] = [];
  let offline = 0;
  let never = 0;
  const silent: LiveRobot[] = [];
  const quarantined: LiveRobot[] = [];
  const doubled: LiveRobot[] = [];
  for (const r of robots) {
    versions.set(r.version, (versions.get(r.version) ?? 0) + 1);
    const held = r.quarantine_until !== null && r.quarantine_until > now;
    if (held) quarantined.push(r);
    if (r.duplicate_of) doubled.push(r);
    if (r.last_heartbeat === null) never++;
    if (r.status === 'offline') {
      offline++;
      continue;
    }
    if (r.status === 'error') {
      const why = held ? 'In quarantine after failures' : 'The robot reports an error';
      causes.set(why, (causes.get(why) ?? 0) + 1);
    }
    if (r.last_heartbeat === null) continue;
    here.push(r);
    if (r.silent) silent.push(r);
    const s = Math.max(0, now - r.last_heartbeat) / 1000;
    const i = edges.findIndex((e) => s < e);
    const bar = lag[i < 0 ? edges.length : i];
    if (bar) bar.n++;
  }
  const bars = (m: Map<string, number>): Bar[] => [...m].map(([name, n]) => ({ name, n })).sort((a, b) => b.n - a.n || (a.name < b.name ? -1 : 1));
  return {
    lag,
    offline,
    never,
    cpu: top(here, most, (r) => r.cpu_percent),
    memory: top(here, most, (r) => r.memory_mb),
    silent: silent.sort((a, b) => (a.last_heartbeat ?? 0) - (b.last_heartbeat ?? 0)),
    quarantined: quarantined.sort((a, b) => (a.quarantine_until ?? 0) - (b.quarantine_until ?? 0)),
    doubled,
    versions: bars(versions).map((b) => ({ ...b, name: b.name || 'not said' })),
    causes: bars(causes),
  };
}
