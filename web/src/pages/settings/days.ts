/** The rules of calendars and reservations as lines that people write. Pure. */
import type { Schemas } from '../../api/client';

type DayTime = Schemas['DayTime'];
type Holiday = Schemas['Holiday'];
type Window = Schemas['Window'];

const week = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const nths: Record<string, number> = { first: 1, second: 2, third: 3, fourth: 4, last: -1 };
const two = (n: number) => String(n).padStart(2, '0');
const at = (list: readonly string[], word: string) => list.findIndex((w) => w.toLowerCase() === word.slice(0, 3).toLowerCase());

export const lines = (text: string | undefined): string[] =>
  (text ?? '')
    .split('\n')
    .map((l) => l.trim())
    .filter(Boolean);

/** Unread is a line that says nothing that is known. */
export class Unread extends Error {
  constructor(line: string, example: string) {
    super(`“${line}” cannot be read. Write it like this: ${example}`);
  }
}

const hoursLike = 'Mon-Fri 08:00-18:00';

/** hoursOf reads "Mon-Fri 08:00-18:00". */
export function hoursOf(text: string | undefined): DayTime[] {
  return lines(text).flatMap((line) => {
    const m = /^([a-z]+)(?:\s*-\s*([a-z]+))?\s+(\d{2}:\d{2})\s*-\s*(\d{2}:\d{2})$/i.exec(line);
    const first = at(week, m?.[1] ?? '?');
    const last = m?.[2] ? at(week, m[2]) : first;
    if (!m || first < 0 || last < first) throw new Unread(line, hoursLike);
    return Array.from({ length: last - first + 1 }, (_, i) => ({ weekday: first + i, from: m[3] as string, until: m[4] as string }));
  });
}

/** hoursText writes hours as hoursOf reads them; days with the same hours are one line. */
export function hoursText(list: readonly DayTime[] | undefined): string {
  const out: { from: number; to: number; time: string }[] = [];
  for (const h of [...(list ?? [])].sort((a, b) => a.from.localeCompare(b.from) || a.until.localeCompare(b.until) || a.weekday - b.weekday)) {
    const time = `${h.from}-${h.until}`;
    const last = out.at(-1);
    if (last && last.time === time && last.to === h.weekday - 1) last.to = h.weekday;
    else out.push({ from: h.weekday, to: h.weekday, time });
  }
  return out
    .sort((a, b) => a.from - b.from)
    .map((l) => `${week[l.from]}${l.to > l.from ? `-${week[l.to]}` : ''} ${l.time}`)
    .join('\n');
}

const holidayLike = '12-25 Christmas, 2026-12-24, easter+1 Easter Monday, or last Mon of May';

/** holidaysOf reads one holiday a line, with its name behind it. */
export function holidaysOf(text: string | undefined): Holiday[] {
  return lines(text).map((line) => {
    const named = (h: Holiday, name: string | undefined): Holiday => (name?.trim() ? { ...h, name: name.trim() } : h);
    let m = /^(\d{4}-\d{2}-\d{2})(\s.*)?$/.exec(line);
    if (m) return named({ date: m[1] as string }, m[2]);
    m = /^(\d{1,2})-(\d{1,2})(\s.*)?$/.exec(line);
    if (m) return named({ month: Number(m[1]), day: Number(m[2]) }, m[3]);
    m = /^easter([+-]\d{1,3})?(\s.*)?$/i.exec(line);
    if (m) return named({ easter: Number(m[1] ?? 0) }, m[2]);
    m = /^(first|second|third|fourth|last)\s+([a-z]+)\s+of\s+([a-z]+)(\s.*)?$/i.exec(line);
    const weekday = at(week, m?.[2] ?? '?');
    const month = at(months, m?.[3] ?? '?');
    if (!m || weekday < 0 || month < 0) throw new Unread(line, holidayLike);
    return named({ nth: nths[(m[1] as string).toLowerCase()] as number, weekday, month: month + 1 }, m[4]);
  });
}

/** holidaysText writes holidays as holidaysOf reads them. */
export const holidaysText = (list: readonly Holiday[] | undefined): string =>
  (list ?? []).map((h) => [dayText(h), h.name].filter(Boolean).join(' ')).join('\n');

function dayText(h: Holiday): string {
  if (h.date) return h.date;
  if (h.easter !== undefined) return h.easter === 0 ? 'easter' : `easter${h.easter > 0 ? '+' : ''}${h.easter}`;
  if (h.nth) return `${Object.keys(nths).find((k) => nths[k] === h.nth) ?? h.nth} ${week[h.weekday ?? 0]} of ${months[(h.month ?? 1) - 1]}`;
  return `${two(h.month ?? 1)}-${two(h.day ?? 1)}`;
}

const windowLike = '2026-12-31T12:00:00Z 2027-01-01T12:00:00Z';

/** windowsOf reads a begin and an end, both with their zone. */
export function windowsOf(text: string | undefined): Window[] {
  return lines(text).map((line) => {
    const [from = '', until = '', more] = line.split(/\s+/);
    const whole = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})$/;
    if (more !== undefined || !whole.test(from) || !whole.test(until)) throw new Unread(line, windowLike);
    return { from: new Date(from).toISOString(), until: new Date(until).toISOString() };
  });
}

/** windowsText writes windows as windowsOf reads them. */
export const windowsText = (list: readonly Window[] | undefined): string => (list ?? []).map((w) => `${w.from} ${w.until}`).join('\n');

/** namesOf reads names that commas or spaces part. */
export const namesOf = (text: string | undefined): string[] => (text ?? '').split(/[\s,]+/).filter(Boolean);
