/** What the page of reservations says about one, and what its form makes. Pure. */
import type { Schemas } from '../../api/client';
import type { Values } from '../../parts/FormDialog';
import { label, priority } from '../../parts/words';
import { lines, namesOf, windowsOf, windowsText } from './days';

type Reservation = Schemas['Reservation'];

const kinds = ['pools', 'tags', 'robots', 'environments', 'capabilities'] as const;

/** robotsOf says whose slots are kept. */
export function robotsOf(s: Schemas['Selector'], names: ReadonlyMap<string, string> = new Map()): string {
  if (s.all) return 'All robots';
  const said: string[] = kinds.flatMap((k) => (s[k]?.length ? [`${label(k)} ${s[k].map((w) => (k === 'robots' ? (names.get(w) ?? w) : w)).join(', ')}`] : []));
  if (s.facts?.length) said.push(`${s.facts.length} ${s.facts.length === 1 ? 'fact' : 'facts'}`);
  return said.join(' · ') || '–';
}

/** forText says which jobs may use them. */
export function forText(f: Schemas['ReservationFor'], names: ReadonlyMap<string, string>): string {
  const said = [
    ...Object.entries(f.labels ?? {}).map(([k, v]) => `${k}=${v}`),
    ...(f.workflows?.length ? [`workflows ${f.workflows.map((w) => names.get(w) ?? w).join(', ')}`] : []),
    ...(f.priority_at_most === undefined ? [] : [`priority ${priority(f.priority_at_most)} or more urgent`]),
  ];
  return said.join(' · ');
}

/** whenOf says when it holds. */
export function whenOf(r: Reservation): string {
  if (r.cron) return `${r.cron}, ${Math.round((r.length_seconds ?? 0) / 60)} min, ${r.timezone || 'UTC'}`;
  const n = r.windows?.length ?? 0;
  return n === 0 ? 'Always' : n === 1 ? 'In 1 window' : `In ${n} windows`;
}

export const valuesOf = (r: Reservation): Values => ({
  name: r.name,
  note: r.note ?? '',
  all: String(r.selector.all ?? false),
  ...Object.fromEntries(kinds.map((k) => [k, (r.selector[k] ?? []).join(', ')])),
  slots: String(r.slots),
  labels: Object.entries(r.for.labels ?? {})
    .map(([k, v]) => `${k}=${v}`)
    .join('\n'),
  workflows: (r.for.workflows ?? []).join(', '),
  priority: r.for.priority_at_most === undefined ? '' : String(r.for.priority_at_most),
  windows: windowsText(r.windows),
  cron: r.cron ?? '',
  minutes: r.length_seconds ? String(r.length_seconds / 60) : '',
  timezone: r.timezone ?? '',
  lend: String(r.lend),
  recall: r.recall || 'finish',
  grace: r.recall_grace_seconds === undefined ? '' : String(r.recall_grace_seconds),
  enabled: String(r.enabled),
});

/** bodyOf is what the form says; what it cannot say of the one before stays. */
export function bodyOf(v: Values, before?: Reservation): Schemas['ReservationBody'] {
  const selector: Schemas['Selector'] = {};
  if (before?.selector.facts) selector.facts = before.selector.facts;
  if (v.all === 'true') selector.all = true;
  for (const k of kinds) if (namesOf(v[k]).length > 0) selector[k] = namesOf(v[k]);
  const to: Schemas['ReservationFor'] = {};
  const labels = lines(v.labels).map((l) => [l.split('=')[0] ?? '', l.includes('=') ? l.slice(l.indexOf('=') + 1) : ''] as const);
  if (labels.length > 0) to.labels = Object.fromEntries(labels);
  if (namesOf(v.workflows).length > 0) to.workflows = namesOf(v.workflows);
  if (v.priority) to.priority_at_most = Number(v.priority);
  const body: Schemas['ReservationBody'] = {
    name: v.name ?? '',
    selector,
    slots: Number(v.slots || 0),
    for: to,
    lend: v.lend === 'true',
    enabled: v.enabled !== 'false',
    recall: v.recall || 'finish',
  };
  if (v.note) body.note = v.note;
  if (v.grace) body.recall_grace_seconds = Number(v.grace);
  if (v.cron) {
    body.cron = v.cron;
    body.length_seconds = Math.round(60 * Number(v.minutes || 0));
    if (v.timezone) body.timezone = v.timezone;
  } else if (lines(v.windows).length > 0) body.windows = windowsOf(v.windows);
  return body;
}
