/** What the pages of alerts decide. Pure. */
import type { Schemas } from '../../api/client';
import type { Fact } from '../../live/frames';
import { span } from '../../parts/words';

export type Incident = Schemas['Incident'];
export type Rule = Schemas['AlertRule'];
export type Channel = Schemas['ChannelAnswer'];
export type Silence = Schemas['Silence'];

/** What a rule looks for, in a few words. */
export const kinds: Readonly<Record<string, string>> = {
  job_waiting: 'Jobs that wait',
  failure_rate: 'Many failures',
  robot_lost: 'Lost robots',
  robot_health: 'Failing robots',
  job_stalled: 'Jobs without progress',
  needs_decision: 'Decisions',
  schedule_missed: 'Missed schedules',
  schedule_late: 'Late schedules',
  schedule_disabled: 'Schedules that stopped',
  trigger_disabled: 'Triggers that stopped',
  webhook_disabled: 'Webhooks that stopped',
  queue_sla: 'Overdue queue items',
  dead_letter: 'Dead letters',
  key_expiring: 'Keys that end',
  brake: 'Silent fleet',
  channel_failing: 'Failing channels',
};

export const severities: readonly string[] = ['info', 'warning', 'critical'];

export interface IncidentSearch {
  state?: 'resolved';
}

export const incidentSearch = (s: Record<string, unknown>): IncidentSearch => (s.state === 'resolved' ? { state: 'resolved' } : {});

/** concerns says whether a fact changes incidents. */
export const concerns = (f: Fact): boolean => f.type.startsWith('alert.');

/** page is where the thing lives that an incident is about; undefined: it has no page. */
export function page(i: Incident): { to: string; name: string } | undefined {
  const id = encodeURIComponent(i.subject.id);
  const data = (i.data ?? {}) as { job_id?: string };
  switch (i.subject.kind) {
    case 'job':
      return { to: `/fleet/jobs/${id}`, name: 'Open the job' };
    case 'robot':
      return { to: `/fleet/robots/${id}`, name: 'Open the robot' };
    case 'schedule':
      return { to: `/fleet/schedules/${id}`, name: 'Open the schedule' };
    case 'trigger':
      return { to: `/fleet/triggers/${id}`, name: 'Open the trigger' };
    case 'queue':
      return { to: `/fleet/queues/${id}`, name: 'Open the queue' };
    case 'workflow':
      return data.job_id
        ? { to: `/fleet/jobs/${encodeURIComponent(data.job_id)}`, name: 'Open the last job' }
        : { to: `/workflows/${id}`, name: 'Open the workflow' };
    case 'key':
      return { to: '/fleet/api-keys', name: 'Open the keys' };
    case 'alert_channel':
      return { to: '/settings/alerts', name: 'Open the channels' };
  }
  return undefined;
}

/** within is for how long something must hold, in words. */
export const within = (seconds: number): string => span(1000 * seconds).replace(/ 0 (s|min|h)$/, '');

/** condition is what a rule asks for beside its kind. */
export function condition(r: Rule): string {
  const p = r.params;
  if (!p.percent) return '';
  return `more than ${p.percent} % of at least ${p.at_least} jobs within ${within(p.window_seconds ?? 0)}`;
}

/** goesTo is where a channel tells, in words. */
export function goesTo(c: Channel): string {
  if (c.webhook) return c.webhook.url;
  if (c.email) return `${c.email.to.join(', ')} by ${c.email.host}`;
  return 'The log of the server';
}

/** ids reads names or ids with commas or blanks between them. */
export const ids = (text: string | undefined): string[] =>
  (text ?? '')
    .split(/[\s,]+/)
    .map((w) => w.trim())
    .filter(Boolean);

/** What a rule can be narrowed to. */
export const selectors = {
  workflows: 'Only of the workflows with these ids',
  environments: 'Only in these environments',
  robots: 'Only of the robots with these ids',
  queues: 'Only of the queues with these ids',
  schedules: 'Only of the schedules with these ids',
} as const;

/** selectorOf is what a form narrows a rule to; undefined: nothing is. */
export function selectorOf(v: Readonly<Record<string, string>>): Schemas['AlertSelector'] | undefined {
  const said = Object.keys(selectors).flatMap((k) => (ids(v[k]).length > 0 ? [[k, ids(v[k])]] : []));
  return said.length > 0 ? Object.fromEntries(said) : undefined;
}

/** silent says whether a silence of a window lasts at a time. */
export const silent = (s: Silence, now: number): boolean => !s.calendar_id && Date.parse(s.from ?? '') <= now && now < Date.parse(s.until ?? '');

/** minutes reads a number of minutes as seconds; undefined: nothing was typed. */
export const minutes = (text: string | undefined): number | undefined => (text?.trim() ? Math.round(60 * Number(text)) : undefined);
