/** What the list of robots decides, apart from how it looks. Pure. */
import type { LiveRobot } from '../../live/frames';

export const statuses = ['online', 'busy', 'offline', 'error', 'maintenance', 'paused', 'draining'] as const;
export const sorts = ['name', 'status', 'environment', 'jobs', 'cpu', 'memory', 'heartbeat'] as const;
export const shapesOfPage = ['table', 'grid', 'health'] as const;
export const groupings = ['environment', 'tag', 'host'] as const;
export const tints = ['status', 'cpu', 'memory', 'success', 'version'] as const;

export type Sort = (typeof sorts)[number];
export type Shape = (typeof shapesOfPage)[number];
export type Grouping = (typeof groupings)[number];
export type Tint = (typeof tints)[number];

/** RobotSearch is the address of the page. A filter of several words has commas between them. */
export interface RobotSearch {
  q?: string;
  status?: string;
  cap?: string;
  env?: string;
  tag?: string;
  sort?: string; // a column; with a minus before it the greatest first
  view?: string;
  group?: string; // of the grid
  tint?: string; // of the grid
  sel?: string; // ids, or * for all that match
  peek?: string;
  bulk?: string; // the operation whose drawer is open
}

/** What of an address is worth a saved view: who is chosen and what is open is of the moment. */
export const kept = ['q', 'status', 'cap', 'env', 'tag', 'sort', 'view', 'group', 'tint'] as const;

/** words splits a filter. A comma within a word stands as %2C. */
export const words = (text: string | undefined): string[] =>
  (text ?? '')
    .split(',')
    .filter((w) => w !== '')
    .map((w) => w.replaceAll('%2C', ',').replaceAll('%25', '%'));

export const joined = (list: readonly string[]): string | undefined =>
  list.length === 0 ? undefined : list.map((w) => w.replaceAll('%', '%25').replaceAll(',', '%2C')).join(',');

/** turned puts a word into a filter, or takes it out. */
export function turned(text: string | undefined, word: string): string | undefined {
  const list = words(text);
  return joined(list.includes(word) ? list.filter((w) => w !== word) : [...list, word]);
}

const one = (v: unknown): string => (typeof v === 'string' ? v : typeof v === 'number' ? String(v) : Array.isArray(v) ? (joined(v.map(String)) ?? '') : '');

/** robotSearch keeps what the page knows of its address; anything else is dropped. */
export function robotSearch(s: Record<string, unknown>): RobotSearch {
  const out: RobotSearch = {};
  for (const k of ['q', 'cap', 'env', 'tag', 'sel', 'peek', 'bulk'] as const) if (one(s[k])) out[k] = one(s[k]);
  const status = joined(words(one(s.status)).filter((w) => statuses.some((x) => x === w)));
  if (status) out.status = status;
  const sort = one(s.sort);
  if (sorts.some((x) => x === sort.replace(/^-/, '')) && sort !== 'name') out.sort = sort;
  if (s.view === 'grid' || s.view === 'health') out.view = s.view;
  if (groupings.some((x) => x === s.group) && s.group !== 'environment') out.group = s.group as string;
  if (tints.some((x) => x === s.tint) && s.tint !== 'status') out.tint = s.tint as string;
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

const rank = (status: string): number => statuses.indexOf(status as (typeof statuses)[number]);
const byName = (a: LiveRobot, b: LiveRobot): number => {
  const [x, y] = [sortKey(a.name || a.robot_id), sortKey(b.name || b.robot_id)];
  return x < y ? -1 : x > y ? 1 : 0;
};
const away = (r: LiveRobot): boolean => r.status === 'offline';
const orders: Record<Sort, (a: LiveRobot, b: LiveRobot) => number> = {
  name: byName,
  status: (a, b) => rank(a.status) - rank(b.status),
  environment: (a, b) => (a.environment < b.environment ? -1 : a.environment > b.environment ? 1 : 0),
  jobs: (a, b) => a.current_jobs - b.current_jobs,
  cpu: (a, b) => (away(a) ? -1 : a.cpu_percent) - (away(b) ? -1 : b.cpu_percent),
  memory: (a, b) => (away(a) ? -1 : a.memory_mb) - (away(b) ? -1 : b.memory_mb),
  heartbeat: (a, b) => (a.last_heartbeat ?? 0) - (b.last_heartbeat ?? 0),
};

export interface Listed {
  rows: readonly LiveRobot[];
  total: number; // robots, matching or not
  by: ReadonlyMap<string, number>; // of those that match all but the status
}

/** listed filters and orders in one pass over all robots. */
export function listed(robots: readonly LiveRobot[], s: RobotSearch): Listed {
  const q = (s.q ?? '').trim().toLowerCase();
  const [status, cap, env, tag] = [s.status, s.cap, s.env, s.tag].map(words) as [string[], string[], string[], string[]];
  const by = new Map<string, number>();
  const rows: LiveRobot[] = [];
  for (const r of robots) {
    if (env.length > 0 && !env.includes(r.environment)) continue;
    if (cap.length > 0 && !cap.every((w) => r.capabilities.includes(w))) continue;
    if (tag.length > 0 && !tag.every((w) => r.tags.includes(w))) continue;
    if (q !== '' && ![r.robot_id, r.name, r.hostname, r.environment, ...r.tags].some((w) => w.toLowerCase().includes(q))) continue;
    by.set(r.status, (by.get(r.status) ?? 0) + 1);
    if (status.length === 0 || status.includes(r.status)) rows.push(r);
  }
  const sort = s.sort ?? 'name';
  const order = orders[sort.replace(/^-/, '') as Sort] ?? byName;
  const way = sort.startsWith('-') ? -1 : 1;
  rows.sort(order === byName ? (way === 1 ? byName : (a, b) => -byName(a, b)) : (a, b) => way * order(a, b) || byName(a, b));
  return { rows, total: robots.length, by };
}

let last: { robots: readonly LiveRobot[]; key: string; out: Listed } | undefined;

/** listOf is listed, worked out once for all parts of a page that ask for the same. */
export function listOf(robots: readonly LiveRobot[], s: RobotSearch): Listed {
  const key = [s.q, s.status, s.cap, s.env, s.tag, s.sort].join('\n');
  if (!last || last.robots !== robots || last.key !== key) last = { robots, key, out: listed(robots, s) };
  return last.out;
}

export function counts(robots: readonly { status: string }[]): Map<string, number> {
  const out = new Map<string, number>();
  for (const r of robots) out.set(r.status, (out.get(r.status) ?? 0) + 1);
  return out;
}

/** nextSort is what a click on the head of a column asks for: up, down, as before. */
export function nextSort(now: string | undefined, column: Sort): string | undefined {
  const up = column === 'name' ? undefined : column;
  if (column === 'name') return now === undefined ? '-name' : undefined;
  return now === up ? `-${column}` : now === `-${column}` ? undefined : column;
}

/** pips are the slots of a robot as marks, where they are few enough to be seen at once. */
export const pips = (taken: number, slots: number): string => (slots > 6 ? '' : '▮'.repeat(Math.min(taken, slots)) + '▯'.repeat(Math.max(0, slots - taken)));

export interface Limits {
  suspect: number; // seconds of silence
  lost: number;
}

/** tone is how worrying a silence is where a robot lives. */
export const tone = (seconds: number, l: Limits | undefined): '' | 'warn' | 'bad' => (!l || seconds < l.suspect ? '' : seconds < l.lost ? 'warn' : 'bad');

/** mostChosen is how many ids an address holds; more are kept by the page alone. */
const mostChosen = 100;

/** choiceText is a choice as the address has it. */
export const choiceText = (ids: ReadonlySet<string>, all: boolean): string | undefined =>
  all ? '*' : ids.size === 0 || ids.size > mostChosen ? undefined : joined([...ids]);

/** count is a number of things, with a comma before each three digits. */
export const count = (n: number): string => String(n).replace(/\B(?=(\d{3})+$)/g, ',');
