/** An expression of cron in words. The server alone decides when it comes; what no words are known for is shown as it is. Pure. */

const weekdays = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'];
const months = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December'];
const nth = ['', 'first', 'second', 'third', 'fourth', 'fifth'];

const aliases: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
  '@every_minute': '* * * * *',
  '@every_5_minutes': '*/5 * * * *',
  '@every_10_minutes': '*/10 * * * *',
  '@every_15_minutes': '*/15 * * * *',
  '@every_30_minutes': '*/30 * * * *',
  '@business_hours': '0 9-17 * * 1-5',
  '@weekdays': '0 9 * * 1-5',
  '@weekends': '0 9 * * 0,6',
  '@end_of_month': '0 0 L * *',
  '@first_monday': '0 0 * * 1#1',
  '@last_friday': '0 17 * * 5L',
};

const two = (n: number) => String(n).padStart(2, '0');
const both = (list: readonly string[]): string => (list.length < 2 ? (list[0] ?? '') : `${list.slice(0, -1).join(', ')} and ${list.at(-1)}`);

/** number reads one within its bounds. */
const number = (field: string, least: number, most: number): number | undefined =>
  /^\d{1,2}$/.test(field) && Number(field) >= least && Number(field) <= most ? Number(field) : undefined;

/** range reads "a-b". */
function range(field: string, least: number, most: number): [number, number] | undefined {
  const [a, b, more] = field.split('-').map((x) => number(x, least, most));
  return a === undefined || b === undefined || more !== undefined || !/^\d+-\d+$/.test(field) ? undefined : [a, b];
}

/** named turns the names of a field into its numbers. */
const named = (field: string, names: readonly string[], first: number): string =>
  field.toUpperCase().replace(/[A-Z]{3}/g, (w) => {
    const i = names.findIndex((n) => n.slice(0, 3).toUpperCase() === w);
    return i < 0 ? w : String(i + first);
  });

/** several says a field of single numbers and ranges, by what each of them is called. */
function several(field: string, least: number, most: number, name: (n: number) => string): string | undefined {
  const words = field.split(',').map((part) => {
    const n = number(part, least, most);
    if (n !== undefined) return name(n);
    const r = range(part, least, most);
    return r && `${name(r[0])} to ${name(r[1])}`;
  });
  return words.some((w) => w === undefined) ? undefined : both(words as string[]);
}

const step = (field: string, most: number): number => {
  const n = Number(/^\*\/([1-9]\d?)$/.exec(field)?.[1] ?? 0);
  return n > 1 && n <= most ? n : 0;
};

/** clockWords is the part about minutes and hours. */
function clockWords(minute: string, hour: string): string | undefined {
  const m = number(minute, 0, 59);
  const hours = range(hour, 0, 23);
  const pace = step(minute, 59);
  const each = minute === '*' ? 'Every minute' : pace > 0 ? `Every ${pace} minutes${60 % pace === 0 ? '' : ' from each full hour'}` : undefined;
  if (each) {
    if (hour === '*') return each;
    const h = number(hour, 0, 23);
    const span = hours ?? (h === undefined ? undefined : [h, h]);
    return span && `${each} from ${two(span[0] ?? 0)}:00 to ${two(span[1] ?? 0)}:59`;
  }
  if (m !== undefined) {
    if (hour === '*') return `Every hour at minute ${m}`;
    const hourly = step(hour, 23);
    if (hourly > 0) return `Every ${hourly} hours${24 % hourly === 0 ? '' : ' from midnight'} at minute ${m}`;
    if (hours) return `Every hour from ${two(hours[0])}:${two(m)} to ${two(hours[1])}:${two(m)}`;
  }
  const minutes = minute.split(',').map((x) => number(x, 0, 59));
  const list = hour.split(',').map((x) => number(x, 0, 23));
  if (minutes.includes(undefined)) return undefined;
  if (hour === '*') return `Every hour at the minutes ${both(minutes.map(String))}`;
  if (list.includes(undefined) || minutes.length * list.length > 6) return undefined;
  return `At ${both(list.flatMap((h) => minutes.map((x) => `${two(h ?? 0)}:${two(x ?? 0)}`)))}`;
}

/** dayWords is the part about days of the month; empty: any. */
function dayWords(day: string): string | undefined {
  if (day === '*' || day === '?') return '';
  const words = day
    .toUpperCase()
    .split(',')
    .map((d) => {
      if (d === 'L') return 'the last day of the month';
      if (d === 'LW') return 'the last workday of the month';
      const near = /^(\d{1,2})W$/.exec(d)?.[1];
      return near ? `the workday nearest to day ${near}` : several(d, 1, 31, (n) => `day ${n}`);
    });
  if (step(day, 31) > 0) return `every ${step(day, 31)} days from the first of the month`;
  return words.includes(undefined) ? undefined : both(words as string[]);
}

/** weekdayWords is the part about days of the week; empty: any. */
function weekdayWords(weekday: string): string | undefined {
  if (weekday === '*' || weekday === '?') return '';
  const words = named(weekday, weekdays, 0)
    .split(',')
    .map((w) => {
      const last = /^([0-7])L$/.exec(w)?.[1];
      if (last) return `the last ${weekdays[Number(last)]} of the month`;
      const place = /^([0-7])#([1-5])$/.exec(w);
      if (place) return `the ${nth[Number(place[2])]} ${weekdays[Number(place[1])]} of the month`;
      return several(w, 0, 7, (n) => weekdays[n] ?? '');
    });
  return words.includes(undefined) ? undefined : both(words as string[]);
}

/** cronWords says an expression in words; undefined: there are none for it. */
export function cronWords(expression: string): string | undefined {
  const fields = (aliases[expression.trim().toLowerCase()] ?? expression).trim().split(/\s+/);
  if (fields.length !== 5) return undefined;
  const [minute = '', hour = '', day = '', month = '', weekday = ''] = fields;
  const clock = clockWords(minute, hour);
  const [days, weeks] = [dayWords(day), weekdayWords(weekday)];
  const year = month === '*' ? '' : several(named(month, months, 1), 1, 12, (n) => months[n - 1] ?? '');
  if (clock === undefined || days === undefined || weeks === undefined || year === undefined) return undefined;
  const when = [days, weeks].filter(Boolean).join(', or ');
  return `${clock}${when && `, ${when.startsWith('day') ? 'on ' : ''}${when}`}${year && ` in ${year}`}`;
}
