/** When the runs of all schedules come, by day and hour, and which come at once. Pure. */
import type { Schemas } from '../../api/client';
import { day, hour } from '../../parts/Time';

export type Upcoming = Schemas['UpcomingRun'];

export interface Day {
  date: string; // 2026-11-27, on the clock of the profile
  name: string;
  hours: Upcoming[][]; // 24
}

const names = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];

/** week puts runs into the days from now on. Days are counted by the calendar: one has 23 or 25 hours when clocks change. */
export function week(runs: readonly Upcoming[], now: number, days = 7): Day[] {
  const out: Day[] = [];
  const first = Date.parse(day(now)); // as if it were a day of UTC, which all have 24 hours
  for (let i = 0; i < days; i++) {
    const d = new Date(first + i * 86_400_000);
    out.push({ date: d.toISOString().slice(0, 10), name: `${names[d.getUTCDay()]} ${d.getUTCDate()}`, hours: Array.from({ length: 24 }, () => []) });
  }
  const byDate = new Map(out.map((d) => [d.date, d]));
  for (const r of runs) {
    byDate.get(day(r.next_run))?.hours[hour(r.next_run)]?.push(r);
  }
  return out;
}

export interface Collision {
  at: string;
  runs: Upcoming[];
}

/** collisions are the minutes in which several schedules start something. */
export function collisions(runs: readonly Upcoming[]): Collision[] {
  const by = new Map<number, Upcoming[]>();
  for (const r of runs) {
    const minute = Math.floor(Date.parse(r.next_run) / 60_000);
    by.set(minute, [...(by.get(minute) ?? []), r]);
  }
  return [...by]
    .filter(([, list]) => new Set(list.map((r) => r.schedule_id)).size > 1)
    .sort(([a], [b]) => a - b)
    .map(([minute, list]) => ({ at: new Date(minute * 60_000).toISOString(), runs: list }));
}

export interface Skip {
  skipped: string; // the instant that does not come
  start: string; // the first one that does again
}

/** skipOf finds, in a preview of what comes, which run is the next one, and from when on its schedule goes on. */
export function skipOf(runs: readonly Schemas['PreviewedRun'][]): Skip | undefined {
  const i = runs.findIndex((r) => r.at !== null && !r.collapsed);
  const [next, after] = [runs[i], runs[i + 1]];
  return i >= 0 && next && after ? { skipped: next.fire_at, start: after.fire_at } : undefined;
}
