/** What the overview decides, apart from how it looks. Pure. */
import type { Schemas } from '../../api/client';
import type { Fact, LiveRobot } from '../../live/frames';

export interface Segment {
  word: string;
  count: number;
}

const always = ['online', 'busy', 'offline', 'error', 'maintenance'];
const sometimes = ['paused', 'draining'];

/** segments are the robots by status. They add up to all of them; what is seldom is left out while it is nothing. */
export function segments(robots: readonly LiveRobot[]): Segment[] {
  const count = new Map<string, number>();
  for (const r of robots) count.set(r.status, (count.get(r.status) ?? 0) + 1);
  const known = [...always, ...sometimes];
  const other = [...count.keys()].filter((w) => !known.includes(w));
  return [...always, ...[...sometimes, ...other].filter((w) => count.has(w))].map((word) => ({ word, count: count.get(word) ?? 0 }));
}

/** concerns says whether a fact may change what needs a person; the rest of it changes with the time. */
export function concerns(f: Fact): boolean {
  if (f.topic === 'jobs')
    return f.from_state === 'needs_decision' || f.to_state === 'needs_decision' || (f.from_state === 'pending' && f.to_state !== undefined);
  if (f.topic === 'robots') return f.type.startsWith('robot.');
  return true;
}

/** soonest are the runs that are still to come, the next first. */
export const soonest = (list: readonly Schemas['UpcomingRun'][], now: number, most: number): Schemas['UpcomingRun'][] =>
  list.filter((r) => Date.parse(r.next_run) > now - 60_000).slice(0, most);

/** newest puts an entry of the activity before the others. What is there already is not told twice. */
export function newest(data: Schemas['ActivityList'], e: Schemas['ActivityEntry'] | undefined, most: number): Schemas['ActivityList'] | undefined {
  if (!e || data.events.some((x) => x.id === e.id)) return undefined;
  return { ...data, events: [e, ...data.events].slice(0, most) };
}

const numerals = ['No', 'One', 'Two', 'Three', 'Four', 'Five', 'Six', 'Seven', 'Eight', 'Nine'];
/** crew says how many robots run, as a sentence begins. */
export const crew = (n: number): string => `${numerals[n] ?? n} local ${n === 1 ? 'robot is' : 'robots are'} running`;
