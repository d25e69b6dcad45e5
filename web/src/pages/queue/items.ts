/** What the pages of queues decide. Pure. */
import type { Schemas } from '../../api/client';
import { span } from '../../parts/words';

export const itemStatuses = ['new', 'in_progress', 'successful', 'failed', 'abandoned', 'retried'] as const;

export interface QueueSearch {
  status?: string; // words with commas between them
  q?: string;
  sel?: string; // the item that is open
  range?: string; // of the course of the queue; 24h if left out
}

export const depthRanges = [
  { word: '6h', name: '6 hours' },
  { word: '24h', name: '24 hours' },
  { word: '7d', name: '7 days' },
] as const;

/** count is a number that may be a mean; one that is there at all is not said to be none. */
export const count = (n: number): string => (Number.isInteger(n) ? String(n) : n > 0 && n < 0.05 ? 'under 0.1' : n.toFixed(1).replace(/\.0$/, ''));

/** statesOf are the states that an address asks for. */
export const statesOf = (s: QueueSearch): string[] => (s.status ?? '').split(',').filter(Boolean);

/** turned adds a state to those of an address, or takes it away. */
export function turned(s: QueueSearch, state: string): string {
  const on = statesOf(s);
  return itemStatuses.filter((w) => (w === state ? !on.includes(w) : on.includes(w))).join(',');
}

/** glance says how a queue stands to its deadlines in a word and its shape. */
export function glance(s: Schemas['SLA']): { shape: string; word: string; tone: string } | undefined {
  switch (s.state) {
    case 'red':
      return { shape: '▲', word: `${s.overdue} overdue`, tone: 'error' };
    case 'amber':
      return { shape: '▽', word: 'Deadlines at risk', tone: 'warn' };
    case 'green':
      return { shape: '✓', word: 'Deadlines met', tone: 'online' };
    default:
      return undefined;
  }
}

export function queueSearch(s: Record<string, unknown>): QueueSearch {
  const out: QueueSearch = {};
  const asked = (Array.isArray(s.status) ? s.status : [s.status]).flatMap((w) => (typeof w === 'string' ? w.split(',') : []));
  const status = itemStatuses.filter((w) => asked.includes(w)).join(',');
  if (status) out.status = status;
  if (typeof s.q === 'string' && s.q) out.q = s.q;
  else if (typeof s.q === 'number') out.q = String(s.q);
  const sel = s.sel ?? s.item; // as it was called before
  if (typeof sel === 'string' && sel) out.sel = sel;
  if (s.range !== '24h' && depthRanges.some((r) => r.word === s.range)) out.range = s.range as string;
  return out;
}

export interface Parsed {
  items: Schemas['ItemBody'][];
  bad: { line: number; why: string }[];
}

const known = new Set(['reference', 'data', 'priority', 'deadline', 'not_before', 'postpone_until', 'risk_at', 'labels']);

/** parseItems reads lines of JSON, or one array: each an item, or only the data of one. */
export function parseItems(text: string): Parsed {
  const out: Parsed = { items: [], bad: [] };
  const take = (v: unknown, line: number) => {
    if (typeof v !== 'object' || v === null || Array.isArray(v)) out.bad.push({ line, why: 'is no object' });
    else if (Object.keys(v).length > 0 && Object.keys(v).every((k) => known.has(k))) out.items.push(v as Schemas['ItemBody']);
    else out.items.push({ data: v });
  };
  const whole = text.trim();
  if (whole.startsWith('[')) {
    try {
      (JSON.parse(whole) as unknown[]).forEach((v, i) => {
        take(v, i + 1);
      });
    } catch (e) {
      out.bad.push({ line: 1, why: `is no JSON: ${(e as Error).message}` });
    }
    return out;
  }
  text.split('\n').forEach((line, i) => {
    if (line.trim() === '') return;
    try {
      take(JSON.parse(line), i + 1);
    } catch {
      out.bad.push({ line: i + 1, why: 'is no JSON' });
    }
  });
  return out;
}

/** forecast says in a sentence whether the deadlines of a queue will be met. The figures are the server's. */
export function forecast(s: Schemas['SLA']): { tone: string; text: string } {
  const empty = s.empty_in_seconds > 0 ? ` At this rate it is empty in ${span(1000 * s.empty_in_seconds)}.` : '';
  const needs = s.robots_needed > 0 ? ` ${s.robots_needed} ${s.robots_needed === 1 ? 'robot is' : 'robots are'} needed, ${s.consumers} work on it.` : '';
  switch (s.state) {
    case 'red':
      return { tone: 'bad', text: `${s.overdue} ${s.overdue === 1 ? 'item is' : 'items are'} overdue.${needs}${empty}` };
    case 'amber':
      return { tone: 'warn', text: `Deadlines are at risk${s.at_risk > 0 ? `: ${s.at_risk} ${s.at_risk === 1 ? 'item' : 'items'}` : ''}.${needs}${empty}` };
    case 'green':
      return { tone: '', text: `The deadlines will be met.${needs}${empty}` };
    default:
      return { tone: '', text: `There is no forecast yet: ${s.handled} of the 5 items that it takes were handled.` };
  }
}

/** may says what can be done with an item in its state. */
export const may = {
  retry: (i: Schemas['QueueItem']): boolean => ['failed', 'abandoned'].includes(i.status) && !i.next_item_id,
  postpone: (i: Schemas['QueueItem']): boolean => i.status === 'new',
  remove: (i: Schemas['QueueItem']): boolean => i.status !== 'in_progress' && i.status !== 'deleted',
  review: (i: Schemas['QueueItem']): boolean => ['failed', 'abandoned', 'successful'].includes(i.status),
};

/** countOf is a number of items in words. */
export const countOf = (n: number): string => `${n} ${n === 1 ? 'item' : 'items'}`;
