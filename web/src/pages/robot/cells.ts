/** Where the cells of the grid of robots stand, and how they are painted. Pure. */
import type { LiveRobot } from '../../live/frames';
import type { Grouping, Tint } from './rows';

export const cell = 14;
export const pitch = 17;
export const heading = 26;
const foot = 8;

export interface Group {
  name: string;
  top: number; // of its heading
  from: number; // index of its first robot
  robots: readonly LiveRobot[];
}

export interface Layout {
  groups: readonly Group[];
  order: readonly LiveRobot[]; // of all groups, one after the other
  across: number; // cells of one line
  height: number;
}

const keyOf = (r: LiveRobot, by: Grouping): string => (by === 'environment' ? r.environment : by === 'host' ? r.hostname || '–' : (r.tags[0] ?? '–'));

/** layout puts robots into groups, and each group into lines of the given width. Hosts with one robot each stand together. */
export function layout(robots: readonly LiveRobot[], by: Grouping, width: number): Layout {
  const across = Math.max(1, Math.floor((width - 2) / pitch));
  const all = new Map<string, LiveRobot[]>();
  for (const r of robots) {
    const k = keyOf(r, by);
    const g = all.get(k);
    if (g) g.push(r);
    else all.set(k, [r]);
  }
  let names = [...all.keys()].sort((a, b) => (a < b ? -1 : 1));
  if (by === 'host') {
    const alone = names.filter((n) => all.get(n)?.length === 1);
    if (alone.length > 1) {
      names = names.filter((n) => (all.get(n)?.length ?? 0) > 1);
      all.set(
        'One robot each',
        alone.flatMap((n) => all.get(n) ?? []),
      );
      names.push('One robot each');
    }
  }
  const groups: Group[] = [];
  const order: LiveRobot[] = [];
  let top = 0;
  for (const name of names) {
    const list = all.get(name) ?? [];
    groups.push({ name, top, from: order.length, robots: list });
    order.push(...list);
    top += heading + Math.ceil(list.length / across) * pitch + foot;
  }
  return { groups, order, across, height: top };
}

/** placeOf is the corner of the cell of a robot. */
export function placeOf(l: Layout, index: number): { x: number; y: number } | undefined {
  const g = l.groups.findLast((x) => x.from <= index);
  if (!g || index >= l.order.length) return undefined;
  const i = index - g.from;
  return { x: 1 + (i % l.across) * pitch, y: g.top + heading + Math.floor(i / l.across) * pitch };
}

/** indexAt is the robot whose cell is at a point; -1: none is. */
export function indexAt(l: Layout, x: number, y: number): number {
  const g = l.groups.findLast((one) => one.top <= y);
  if (!g || y < g.top + heading) return -1;
  const column = Math.floor((x - 1) / pitch);
  const i = Math.floor((y - g.top - heading) / pitch) * l.across + column;
  return column < 0 || column >= l.across || i >= g.robots.length ? -1 : g.from + i;
}

/** step is the robot that an arrow leads to: sideways the next one, up and down the nearest one of the line there. */
export function step(l: Layout, index: number, key: string): number {
  const last = l.order.length - 1;
  if (index < 0) return last < 0 ? -1 : 0;
  if (key === 'ArrowLeft') return Math.max(0, index - 1);
  if (key === 'ArrowRight') return Math.min(last, index + 1);
  if (key === 'Home') return 0;
  if (key === 'End') return last;
  const at = l.groups.findLastIndex((g) => g.from <= index);
  const g = l.groups[at];
  if (!g) return index;
  const i = index - g.from;
  const column = i % l.across;
  const down = key === 'ArrowDown';
  const next = i + (down ? l.across : -l.across);
  if (next >= 0 && next < g.robots.length) return g.from + next;
  const lastLine = Math.floor((g.robots.length - 1) / l.across);
  if (down && Math.floor(i / l.across) < lastLine) return g.from + g.robots.length - 1;
  const other = l.groups[at + (down ? 1 : -1)];
  if (!other) return index;
  const line = down ? 0 : Math.floor((other.robots.length - 1) / l.across);
  return other.from + Math.min(line * l.across + column, other.robots.length - 1);
}

export const steps = 6; // of one hue

/** heat is a share as a step of a hue, the last for the most. */
export const heat = (share: number, most: number): number => (most <= 0 ? 0 : Math.min(steps - 1, Math.max(0, Math.floor((steps * share) / most))));

export interface Paint {
  of: (r: LiveRobot) => string; // key of a colour: a status, a step or a category; empty: nothing is known
  legend: readonly { key: string; name: string }[];
}

/** categories are as many values as colours tell apart; the rest are the others. */
export const categories = 6;

/** paint says how robots are coloured, and what the colours mean. */
export function paint(tint: Tint, robots: readonly LiveRobot[], success: Readonly<Record<string, number>> | undefined): Paint {
  const off = (r: LiveRobot) => r.status === 'offline';
  const ramp = (name: (i: number) => string) => Array.from({ length: steps }, (_, i) => ({ key: `step-${i}`, name: name(i) }));
  const percent = (i: number) => `${Math.round((100 * i) / steps)}–${Math.round((100 * (i + 1)) / steps)} %`;
  if (tint === 'cpu') return { of: (r) => (off(r) ? '' : `step-${heat(r.cpu_percent, 100)}`), legend: ramp(percent) };
  if (tint === 'memory') {
    const most = robots.reduce((m, r) => Math.max(m, off(r) ? 0 : r.memory_mb), 0);
    return { of: (r) => (off(r) ? '' : `step-${heat(r.memory_mb, most)}`), legend: ramp((i) => `up to ${(((i + 1) * most) / steps / 1024).toFixed(1)} GB`) };
  }
  if (tint === 'success') {
    return {
      of: (r) => (success?.[r.robot_id] === undefined ? '' : `step-${heat(success[r.robot_id] ?? 0, 100)}`),
      legend: ramp(percent),
    };
  }
  if (tint === 'version') {
    const by = new Map<string, number>();
    for (const r of robots) by.set(r.version, (by.get(r.version) ?? 0) + 1);
    const names = [...by.entries()].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).map(([v]) => v);
    const own = names.slice(0, names.length > categories ? categories - 1 : categories);
    const key = new Map(own.map((v, i) => [v, `category-${i}`]));
    return {
      of: (r) => key.get(r.version) ?? `category-${categories - 1}`,
      legend: [
        ...own.map((v, i) => ({ key: `category-${i}`, name: `${v || 'not said'} (${by.get(v)})` })),
        ...(names.length > own.length ? [{ key: `category-${categories - 1}`, name: 'others' }] : []),
      ],
    };
  }
  return { of: (r) => r.status, legend: [] };
}
