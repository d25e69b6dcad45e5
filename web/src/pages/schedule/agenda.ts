/** When all schedules come, by day and hour, and how the next run of one is left out. Pure. */
import type { Schemas } from '../../api/client';

type Hour = Schemas['AgendaHour'];

export interface Day {
  date: string; // 2026-11-27, on the clocks of this browser
  name: string;
  hours: (Hour | undefined)[]; // 24
}

const two = (n: number) => String(n).padStart(2, '0');
const dateOf = (d: Date) => `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())}`;
const names = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const months = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December'];

export interface Span {
  from: Date; // midnight
  days: number;
  to: number;
}

const usual = 7; // days from now on

/** span is the days of a month, or the next ones: those end in the middle of one more day. */
export function span(month: string | undefined, now: number): Span {
  const t = new Date(now);
  const [year, m] = month ? [Number(month.slice(0, 4)), Number(month.slice(5)) - 1] : [0, 0];
  const from = month ? new Date(year, m, 1) : new Date(t.getFullYear(), t.getMonth(), t.getDate());
  const days = month ? new Date(year, m + 1, 0).getDate() : usual;
  return { from, days, to: month ? new Date(year, m + 1, 1).getTime() : now + usual * 86_400_000 };
}

/** daysOf lays hours into days. Days are counted by the calendar: one has 23 or 25 hours when clocks change. */
export function daysOf(from: Date, days: number, hours: readonly Hour[]): Day[] {
  const at = new Map(hours.map((h) => [`${h.date} ${h.hour}`, h]));
  return Array.from({ length: days === usual ? days + 1 : days }, (_, i) => {
    const d = new Date(from.getFullYear(), from.getMonth(), from.getDate() + i);
    const date = dateOf(d);
    return { date, name: `${names[d.getDay()]} ${d.getDate()}`, hours: Array.from({ length: 24 }, (_, h) => at.get(`${date} ${h}`)) };
  });
}

/** monthsFrom are so many months from that of now on. */
export const monthsFrom = (now: number, n: number): string[] =>
  Array.from({ length: n }, (_, i) => {
    const t = new Date(now);
    return dateOf(new Date(t.getFullYear(), t.getMonth() + i, 1)).slice(0, 7);
  });

export const monthName = (month: string): string => `${months[Number(month.slice(5)) - 1] ?? ''} ${month.slice(0, 4)}`;

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
