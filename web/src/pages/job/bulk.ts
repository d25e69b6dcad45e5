/** What the list of jobs asks of many at once, and how it says what that does. Pure. */
import type { Schemas } from '../../api/client';
import { label, priority } from '../../parts/words';
import { final, type JobSearch, many, type Span } from './rows';

type Line = Schemas['JobLine'];

export type Kind = 'job_cancel' | 'job_retry' | 'job_priority' | 'job_move';

export const kinds: readonly Kind[] = ['job_cancel', 'job_retry', 'job_priority', 'job_move'];

/** verbs are what the buttons say, and what became of it begins with. */
export const verbs: Record<Kind, string> = { job_cancel: 'Cancel', job_retry: 'Retry', job_priority: 'Set priority', job_move: 'Move to robot' };

export const titles: Record<Kind, (what: string) => string> = {
  job_cancel: (what) => `Cancel ${what}?`,
  job_retry: (what) => `Retry ${what}?`,
  job_priority: (what) => `Set the priority of ${what}`,
  job_move: (what) => `Move ${what} to a robot`,
};

/** Params are those of the operation, and of the single question. */
export interface Params {
  force?: boolean;
  from?: 'failed_node'; // where that can be
  priority?: number;
  target_robot_id?: string; // or any
}

/** priorityOf reads what was typed; undefined where it is no priority. */
export const priorityOf = (text: string): number | undefined => (/^(\d|1\d|20)$/.test(text.trim()) ? Number(text) : undefined);

/** actionOf is what the button says that does it. */
export function actionOf(kind: Kind, p: Params | undefined, many: boolean): string {
  const them = many ? 'them' : 'it';
  if (kind === 'job_cancel') return p?.force ? `Stop ${them} at once` : `Cancel ${them}`;
  if (kind === 'job_retry') return `Retry ${them}`;
  if (kind === 'job_move') return p?.target_robot_id === 'any' ? `Let any robot take ${them}` : `Move ${them}`;
  if (p?.priority === undefined) return 'Set the priority';
  const name = priority(p.priority);
  return `Set it to ${name}${name === String(p.priority) ? '' : ` (${p.priority})`}`;
}

const counts = (jobs: readonly Line[]): [string, number][] => {
  const by = new Map<string, number>();
  for (const j of jobs) by.set(j.status, (by.get(j.status) ?? 0) + 1);
  return [...by];
};

/** summaryOf says how the chosen jobs stand, such as " (3 running, 1 failed)". */
export const summaryOf = (jobs: readonly Line[]): string =>
  jobs.length === 0
    ? ''
    : ` (${counts(jobs)
        .map(([s, n]) => `${n} ${label(s).toLowerCase()}`)
        .join(', ')})`;

const ofAll: Record<Kind, readonly string[]> = {
  job_cancel: [
    'Those that have not started are cancelled at once.',
    'The robots of those that run are told to stop; they have 60 s.',
    'Those that have ended stay as they are.',
  ],
  job_retry: ['A new job is made for each that failed, was cancelled or timed out.', 'All others are left out.'],
  job_priority: ['Those that wait are that urgent from now on.', 'All others are left out.'],
  job_move: ['Those that wait ask for that robot from now on.', 'All others are left out.'],
};

/** effects says what an operation does to jobs in each state; of all that match the numbers are not known. */
export function effects(kind: Kind, jobs: readonly Line[] | undefined): readonly string[] {
  if (!jobs) return ofAll[kind];
  return counts(jobs).map(([s, n]) => {
    const one = n === 1;
    const what = `${n} ${label(s).toLowerCase()}`;
    if (kind === 'job_priority' || kind === 'job_move') {
      if (s !== 'pending') return `${what}: refused, only a job that waits can be changed.`;
      return `${what}: ${kind === 'job_move' ? `${one ? 'asks' : 'ask'} for that robot` : `${one ? 'is' : 'are'} that urgent`} from now on.`;
    }
    if (kind === 'job_retry')
      return `${what}: ${final(s) && s !== 'completed' ? `${one ? 'a new job is' : 'new jobs are'} made` : 'refused, with the reason'}.`;
    if (final(s)) return `${what}: left as ${one ? 'it is' : 'they are'}.`;
    return `${what}: ${s === 'running' || s === 'cancelling' ? 'told to stop, within 60 s' : 'cancelled at once'}.`;
  });
}

/** bulkBody is what the server is asked: jobs by their ids, or by the filter of the list. */
export function bulkBody(kind: Kind, all: boolean, jobs: readonly Line[], s: JobSearch, span: Span, p: Params): Record<string, unknown> {
  const params = Object.keys(p).length > 0 ? { params: p } : {};
  if (!all) return { kind, ids: jobs.map((j) => j.job_id), ...params };
  const filter: Record<string, unknown> = {};
  for (const [name, words] of [
    ['status', many(s.status)],
    ['why', many(s.why)],
    ['workflow_id', many(s.workflow)],
    ['robot_id', many(s.robot)],
    ['trigger', many(s.trigger)],
    ['priority', many(s.prio).map(Number)],
  ] as const)
    if (words.length > 0) filter[name] = words;
  if (s.q) filter.q = s.q;
  if (span.from) filter.from = span.from;
  if (span.to) filter.to = span.to;
  return { kind, filter, ...params };
}
