/** Events of the log in sentences, and runs of the same kind folded into one. Pure. */
import type { Schemas } from '../api/client';
import { label } from '../parts/words';

type Event = Schemas['Event'];

export interface Told {
  seq: number;
  at: string;
  text: string;
  type: string;
  noun: string;
  job?: string;
  robot?: string;
  queue?: string;
  actor: string;
}

export const nouns = ['job', 'robot', 'item', 'queue', 'schedule', 'trigger', 'alert', 'workflow', 'key', 'user', 'secret', 'tenant'] as const;

const words: Readonly<Record<string, string>> = {
  'job.submitted': 'was submitted',
  'job.assigned': 'was offered',
  'job.started': 'started',
  'job.silent': 'runs on a robot that fell silent',
  'job.requeued': 'waits again',
  'job.retry_scheduled': 'is tried again',
  'job.cancel_requested': 'was asked to stop',
  'job.completed': 'completed',
  'job.failed': 'failed',
  'job.cancelled': 'was cancelled',
  'job.timeout': 'ran out of time',
  'job.needs_decision': 'needs a decision',
  'job.decided': 'was decided',
  'job.late_result': 'ended after it was given up',
  'robot.registered': 'registered',
  'robot.enrolled': 'enrolled itself',
  'robot.connected': 'is online',
  'robot.disconnected': 'is offline',
  'robot.identity_conflict': 'is claimed by two machines',
  'robot.mode_changed': 'changed its mode',
  'robot.drained': 'is drained',
  'robot.deleted': 'was deleted',
  'alert.opened': 'incident opened',
  'alert.acknowledged': 'incident acknowledged',
  'alert.escalated': 'incident escalated',
  'alert.resolved': 'incident resolved',
};

const text = (v: unknown): string | undefined => (typeof v === 'string' && v !== '' ? v : undefined);

/** namesOf are the workflows of jobs, as far as the events say. */
export function namesOf(list: readonly Event[]): Map<string, string> {
  const out = new Map<string, string>();
  for (const e of list) {
    const name = (e.data as { workflow_name?: unknown } | null | undefined)?.workflow_name;
    if (e.type.startsWith('job.') && typeof name === 'string' && name) out.set(e.subject.id, name);
  }
  return out;
}

/** told is an event as people read it; names are those of jobs. */
export function told(e: Event, names?: ReadonlyMap<string, string>): Told {
  const d = (typeof e.data === 'object' && e.data !== null ? e.data : {}) as Record<string, unknown>;
  const noun = e.type.split('.')[0] ?? '';
  const name =
    text(d.workflow_name) ?? text(d.name) ?? text(d.reference) ?? names?.get(e.subject.id) ?? (noun === 'job' ? `…${e.subject.id.slice(-8)}` : e.subject.id);
  const does = words[e.type] ?? label(e.type.slice(noun.length + 1)).toLowerCase();
  const robot = noun === 'robot' ? e.subject.id : text(d.robot_id);
  const on = noun === 'job' && robot ? ` ${e.type === 'job.assigned' ? 'to' : 'on'} ${robot}` : '';
  const out: Told = {
    seq: e.seq,
    at: e.at,
    type: e.type,
    noun,
    actor: e.actor ?? '',
    text: noun === 'alert' ? `${label(does)}: ${text(d.title) ?? e.subject.id}` : `${label(noun)} ${name} ${does}${on}`,
  };
  if (noun === 'job') out.job = e.subject.id;
  else if (text(d.job_id)) out.job = d.job_id as string;
  if (robot) out.robot = robot;
  if (noun === 'queue') out.queue = e.subject.id;
  return out;
}

export interface Burst {
  first: Told;
  more: Told[]; // of the same kind, one after the other
}

/** bursts folds what came several times in a row. */
export function bursts(list: readonly Told[], least = 4): Burst[] {
  const out: Burst[] = [];
  for (let i = 0; i < list.length; ) {
    const first = list[i] as Told;
    let n = i + 1;
    while (list[n]?.type === first.type) n++;
    if (n - i >= least) {
      out.push({ first, more: list.slice(i + 1, n) });
      i = n;
    } else {
      out.push({ first, more: [] });
      i++;
    }
  }
  return out;
}

/** summary says what a burst was: "42 × robot is online". */
export const summary = (b: Burst): string => {
  const does = words[b.first.type] ?? label(b.first.type.slice(b.first.noun.length + 1)).toLowerCase();
  return `${b.more.length + 1} times: ${b.first.noun} ${does}`;
};
