/** When all schedules come, by day and hour, and how the next run of one is left out. Pure. */
import type { Schemas } from '../../api/client';
import { day, zoneAt } from '../../parts/Time';

type Hour = Schemas['AgendaHour'];

export interface Day {
  date: string; // 2026-11-27, on the clock of the profile
  name: string;
  hours: (Hour | undefined)[]; // 24
}

const names = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const months = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December'];

export interface Span {
  first: string; // its first day
  days: number;
  from: number; // the midnight that it begins with
  to: number;
}

const usual = 7; // days from now on
const dayLong = 86_400_000; // of UTC, by which days are counted
const dated = (t: number) => new Date(t).toISOString().slice(0, 10);

/** offset is how far the clock of the profile is from UTC at a moment, in ms. */
function offset(t: number): number {
  const [, sign, h, m] = /([+-])(\d\d):(\d\d)/.exec(zoneAt(t)) ?? [];
  return (sign === '-' ? -1 : 1) * (60 * Number(h ?? 0) + Number(m ?? 0)) * 60_000;
}

/** midnight is when a day begins on the clock of the profile. */
function midnight(date: string): number {
  const utc = Date.parse(date);
  return utc - offset(utc - offset(utc));
}

/** span is the days of a month, or the next ones: those end in the middle of one more day. */
export function span(month: string | undefined, now: number): Span {
  const first = month ? `${month}-01` : day(now);
  const [year, m] = [Number(first.slice(0, 4)), Number(first.slice(5, 7))];
  const days = month ? new Date(Date.UTC(year, m, 0)).getUTCDate() : usual;
  const after = dated(Date.parse(first) + days * dayLong);
  return { first, days, from: midnight(first), to: month ? midnight(after) : now + usual * dayLong };
}

/** daysOf lays hours into days. Days are counted by the calendar: one has 23 or 25 hours when clocks change. */
export function daysOf(first: string, days: number, hours: readonly Hour[]): Day[] {
  const at = new Map(hours.map((h) => [`${h.date} ${h.hour}`, h]));
  return Array.from({ length: days === usual ? days + 1 : days }, (_, i) => {
    const d = new Date(Date.parse(first) + i * dayLong);
    const date = dated(d.getTime());
    return { date, name: `${names[d.getUTCDay()]} ${d.getUTCDate()}`, hours: Array.from({ length: 24 }, (_, h) => at.get(`${date} ${h}`)) };
  });
}

/** monthsFrom are so many months from that of now on. */
export function monthsFrom(now: number, n: number): string[] {
  const today = day(now);
  return Array.from({ length: n }, (_, i) => dated(Date.UTC(Number(today.slice(0, 4)), Number(today.slice(5, 7)) - 1 + i, 1)).slice(0, 7));
}

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
