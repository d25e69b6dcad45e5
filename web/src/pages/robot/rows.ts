/** What the list of robots decides, apart from how it looks. Pure. */
import type { LiveRobot } from '../../live/frames';

export const statuses = ['online', 'busy', 'offline', 'error', 'maintenance', 'paused', 'draining'] as const;

export interface RobotSearch {
  q?: string;
  status?: string;
  cap?: string;
}

/** robotSearch keeps what the page knows of its address; anything else is dropped. */
export function robotSearch(s: Record<string, unknown>): RobotSearch {
  const out: RobotSearch = {};
  if (typeof s.q === 'string' && s.q) out.q = s.q;
  if (statuses.some((w) => w === s.status)) out.status = s.status as string;
  if (typeof s.cap === 'string' && s.cap) out.cap = s.cap;
  return out;
}

/** Names are put in order twice a second, 10,000 of them: what they are ordered by is worked out once. */
const keys = new Map<string, string>();

/** sortKey is a name as it is ordered: capitals do not count, and numbers count as numbers. */
function sortKey(name: string): string {
  let key = keys.get(name);
  if (key === undefined) {
    if (keys.size > 100_000) keys.clear();
    key = name.toLowerCase().replace(/\d+/g, (d) => d.padStart(12, '0'));
    keys.set(name, key);
  }
  return key;
}

export function shown(robots: readonly LiveRobot[], s: RobotSearch): LiveRobot[] {
  const q = (s.q ?? '').trim().toLowerCase();
  return robots
    .filter((r) => !s.status || r.status === s.status)
    .filter((r) => !s.cap || r.capabilities.includes(s.cap))
    .filter((r) => q === '' || [r.robot_id, r.name, r.hostname, r.environment, ...r.tags].some((w) => w.toLowerCase().includes(q)))
    .sort((a, b) => {
      const [x, y] = [sortKey(a.name || a.robot_id), sortKey(b.name || b.robot_id)];
      return x < y ? -1 : x > y ? 1 : 0;
    });
}

export function counts(robots: readonly { status: string }[]): Map<string, number> {
  const out = new Map<string, number>();
  for (const r of robots) out.set(r.status, (out.get(r.status) ?? 0) + 1);
  return out;
}
