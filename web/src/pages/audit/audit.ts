/** Reading the audit backwards: it is numbered from the first row on, and people want the newest. No React. */
import type { Schemas } from '../../api/client';

type Page = Schemas['AuditPage'];
export type Row = Schemas['AuditEntry'];

export interface AuditSearch {
  action?: string;
  outcome?: string;
  actor?: string;
  object?: string; // its kind
  id?: string; // of an object
  from?: string; // a day
  to?: string;
}

export const outcomes = ['done', 'denied', 'failed'] as const;

export function auditSearch(s: Record<string, unknown>): AuditSearch {
  const out: AuditSearch = {};
  for (const k of ['action', 'actor', 'object', 'id', 'from', 'to'] as const) {
    const v = s[k];
    if (typeof v === 'string' && v) out[k] = v;
  }
  if (outcomes.some((o) => o === s.outcome)) out.outcome = s.outcome as string;
  return out;
}

/** queryOf is the filter as the API knows it. */
export function queryOf(s: AuditSearch): string {
  const q = new URLSearchParams();
  if (s.action) q.set('action', s.action);
  if (s.outcome) q.set('outcome', s.outcome);
  if (s.actor) q.set('actor_id', s.actor);
  if (s.object) q.set('object_kind', s.object);
  if (s.id) q.set('object_id', s.id);
  if (s.from) q.set('from', new Date(`${s.from}T00:00:00`).toISOString());
  if (s.to) q.set('to', new Date(new Date(`${s.to}T00:00:00`).getTime() + 86_400_000).toISOString());
  return q.toString();
}

/** exportOf is where the rows that a filter selects are, all of them. */
export function exportOf(filter: string, tenant: string): string {
  const query = `${filter ? `&${filter}` : ''}${tenant}`.slice(1);
  return `/api/v1/audit/export${query ? `?${query}` : ''}`;
}

const window = 1000;
const enough = 100;

/** backwards reads rows below a number, newest first, until there are some or the audit begins. next is where to go on; 0: at its begin. */
export async function backwards(below: number, ask: (after: number, limit: number) => Promise<Page>, most = 10): Promise<{ rows: Row[]; next: number }> {
  const rows: Row[] = [];
  let top = below;
  for (let i = 0; i < most && top > 1 && rows.length < enough; i++) {
    const after = Math.max(0, top - 1 - window);
    const page = await ask(after, window);
    rows.push(...page.entries.filter((e) => e.seq > after && e.seq < top).reverse());
    top = after + 1;
  }
  return { rows, next: top > 1 ? top : 0 };
}

export interface Changed {
  path: string;
  before: string | undefined; // undefined: it was not there
  after: string | undefined;
}

const plain = (v: unknown): v is Record<string, unknown> => typeof v === 'object' && v !== null && !Array.isArray(v);
const shown = (v: unknown): string => (typeof v === 'string' && v !== '' ? v : JSON.stringify(v));

/** changesOf are the values that differ, by their path, and how many are the same. */
export function changesOf(before: unknown, after: unknown): { changed: Changed[]; same: number } {
  const changed: Changed[] = [];
  let same = 0;
  const look = (path: string, a: unknown, b: unknown) => {
    if (plain(a) && plain(b)) {
      for (const k of [...new Set([...Object.keys(a), ...Object.keys(b)])].sort()) look(path ? `${path}.${k}` : k, a[k], b[k]);
      return;
    }
    if (JSON.stringify(a) === JSON.stringify(b)) {
      if (a !== undefined) same++;
      return;
    }
    changed.push({ path: path || 'value', before: a === undefined ? undefined : shown(a), after: b === undefined ? undefined : shown(b) });
  };
  const whole = (v: unknown, other: unknown) => v ?? (plain(other) ? {} : undefined);
  look('', whole(before, after), whole(after, before));
  return { changed, same };
}
