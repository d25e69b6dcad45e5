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
  id: string; // of what it is about
  name: string; // of it, as it stands in the text
  does: string; // what comes behind the name; empty: the text is told as it is
  job?: string;
  robot?: string;
  queue?: string; // also the one that an item is of
  count?: number; // of things that one event tells of together
  actor: string;
}

export const nouns = [
  'job',
  'robot',
  'item',
  'queue',
  'schedule',
  'trigger',
  'alert',
  'workflow',
  'key',
  'user',
  'secret',
  'environment',
  'calendar',
  'reservation',
  'webhook',
  'view',
  'tenant',
] as const;

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
  'job.priority_changed': 'has another priority',
  'job.moved': 'asks for another robot',
  'job.artifact_added': 'left a file',
  'job.late_result': 'ended after it was given up',
  'job.released': 'no longer waits for others',
  'job.imported': 'was imported',
  'item.added': 'was added',
  'item.taken': 'was taken',
  'item.successful': 'is done',
  'item.failed': 'failed',
  'item.retried': 'is tried again',
  'item.abandoned': 'was abandoned',
  'item.postponed': 'was put off',
  'item.released': 'was given back',
  'item.updated': 'was changed',
  'item.deleted': 'was deleted',
  'item.overdue': 'is overdue',
  'item.due': 'is due again',
  'schedule.skipped': 'left out a run',
  'schedule.missed': 'missed a run',
  'schedule.late': 'has a job that is late',
  'trigger.suppressed': 'started no job',
  'webhook.secret_rotated': 'has a new secret',
  'webhook.recovered': 'is reached again',
  'webhook.replayed': 'sends events once more',
  'key.expiring': 'ends soon',
  'key.used_after_rotation': 'is used after its rotation',
  'secret.read': 'was handed to a robot',
  'robot.registered': 'registered',
  'robot.enrolled': 'enrolled itself',
  'robot.connected': 'is online',
  'robot.disconnected': 'is offline',
  'robot.identity_conflict': 'is claimed by two machines',
  'robot.mode_changed': 'changed its mode',
  'robot.drained': 'is drained',
  'robot.deleted': 'was deleted',
  'robot.updated': 'was changed',
  'robot.command_requested': 'was asked for something',
  'robot.command_delivered': 'was told what was asked',
  'robot.command_ended': 'did what was asked',
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
  const does = doesOf(e.type, noun);
  const many = noun === 'item' && e.subject.kind === 'queue' ? Number(d.count ?? 1) : 0; // told of their queue
  const robot = noun === 'robot' ? e.subject.id : text(d.robot_id);
  const on = noun === 'job' && robot ? ` ${e.type === 'job.assigned' ? 'to' : 'on'} ${robot}` : '';
  const alert = noun === 'alert';
  const out: Told = {
    seq: e.seq,
    at: e.at,
    type: e.type,
    noun,
    actor: e.actor ?? '',
    id: e.subject.id,
    name,
    does: alert ? '' : does,
    text: many > 0 ? ofMany(many, noun, does) : alert ? `${label(does)}: ${text(d.title) ?? e.subject.id}` : `${label(noun)} ${name} ${does}${on}`,
  };
  if (noun === 'job') out.job = e.subject.id;
  else if (text(d.job_id)) out.job = d.job_id as string;
  if (robot) out.robot = robot;
  if (noun === 'queue' || many > 0) out.queue = e.subject.id;
  else if (noun === 'item' && text(d.queue_id)) out.queue = d.queue_id as string;
  if (many > 0) out.count = many;
  return out;
}

/** past are words that need "was" before them: what is not told otherwise above was done by somebody. */
const past = /^(created|updated|changed|deleted|enabled|disabled|paused|resumed|revoked|rotated|suspended|rotated)$/;

function doesOf(type: string, noun: string): string {
  const word = label(type.slice(noun.length + 1)).toLowerCase();
  return words[type] ?? (past.test(word) ? `was ${word}` : word);
}

const ofMany = (n: number, noun: string, does: string): string => (n === 1 ? `1 ${noun} ${does}` : `${n} ${noun}s ${plural(does)}`);

export interface Burst {
  first: Told;
  more: Told[]; // of the same kind, within a minute
}

/** of is what an event is about. */
const of = (t: Told): string => t.id;

const minute = 60_000;

/** bursts folds what came several times within a minute, newest first; what lies between keeps its place. */
export function bursts(list: readonly Told[], least = 4): Burst[] {
  const out: Burst[] = [];
  const days = list.map((t) => new Date(t.at).toDateString());
  const folded = new Set<number>();
  list.forEach((first, i) => {
    if (folded.has(i)) return;
    const begin = Date.parse(first.at) - minute;
    const same: number[] = [];
    for (let k = i + 1; k < list.length; k++) {
      const t = list[k] as Told;
      if (Date.parse(t.at) < begin || days[k] !== days[i]) break;
      if (t.type === first.type && !folded.has(k)) same.push(k);
    }
    const burst = same.length + 1 >= least;
    if (burst) for (const k of same) folded.add(k);
    out.push({ first, more: burst ? same.map((k) => list[k] as Told) : [] });
  });
  return out;
}

const plural = (does: string): string =>
  does
    .replace(/^was /, 'were ')
    .replace(/^is /, 'are ')
    .replace(/^has /, 'have ')
    .replace(/^needs /, 'need ')
    .replace(/^waits /, 'wait ')
    .replace(/^runs on a robot/, 'run on robots')
    .replace(/ it was /, ' they were ')
    .replace(/ its mode$/, ' their mode')
    .replace(/ itself$/, ' themselves');

/** summary says what a burst was: "42 robots are online", or "5 times a robot is online" when one was meant twice. */
export const summary = (b: Burst): string => {
  const { type, noun } = b.first;
  const does = doesOf(type, noun);
  const all = [b.first, ...b.more];
  if (noun === 'alert') return `${all.length} ${does.replace('incident', 'incidents')}`;
  if (all.every((t) => t.count))
    return ofMany(
      all.reduce((n, t) => n + (t.count ?? 0), 0),
      noun,
      does,
    );
  const whom = new Set(all.map(of)).size;
  return whom === all.length ? ofMany(whom, noun, does) : `${all.length} times ${/^[aeiou]/.test(noun) ? 'an' : 'a'} ${noun} ${does}`;
};
