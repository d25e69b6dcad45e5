/** What can be done with a job from its row, and how it reads as a command. Pure but for the calls. */
import { call, file, type Schemas } from '../../api/client';
import { saveAs } from '../../parts/saveAs';
import type { Params } from './bulk';
import { filterQuery, type JobSearch, many, spanOf } from './rows';

export const cancelJob = (id: string, force: boolean): Promise<Schemas['CancelAnswer']> =>
  call('POST', `/jobs/${encodeURIComponent(id)}/cancel`, force ? { force: true } : {});

export const retryJob = (id: string, from?: 'failed_node'): Promise<Schemas['RetryAnswer']> =>
  call('POST', `/jobs/${encodeURIComponent(id)}/retry`, from ? { from } : {});

/** resumable is whether a job that failed can go on from there. It is asked about one job alone, when somebody looks what can be done. */
export const resumable = async (id: string): Promise<Schemas['Resumable'] | undefined> =>
  (await call<Schemas['JobDetail']>('GET', `/jobs/${encodeURIComponent(id)}`)).resumable;

/** changeJob changes what a job that waits asks for. */
export const changeJob = (id: string, kind: 'job_priority' | 'job_move', p: Params): Promise<unknown> =>
  call('POST', `/jobs/${encodeURIComponent(id)}/${kind === 'job_move' ? 'move' : 'priority'}`, p);

/** listQuery is what the server is asked for. */
export function listQuery(s: JobSearch, now: number, cursor: string): string {
  const q = new URLSearchParams(filterQuery(s));
  const { from, to } = spanOf(s, now);
  if (from) q.set('from', from);
  if (to) q.set('to', to);
  q.set('limit', '100');
  if (s.sort) q.set('sort', s.sort);
  if (cursor) q.set('cursor', cursor);
  return q.toString();
}

export type Format = 'csv' | 'jsonl';

/** exportQuery asks for chosen jobs, or for all that match. */
export function exportQuery(s: JobSearch, now: number, ids: readonly string[] | undefined, format: Format): string {
  const q = new URLSearchParams(ids ? '' : listQuery(s, now, ''));
  q.delete('limit');
  q.delete('sort');
  if (ids) q.set('job_id', ids.join(','));
  q.set('format', format);
  return q.toString();
}

/** exportJobs fetches them as a file, and gives it to the browser when it is whole. */
export async function exportJobs(s: JobSearch, now: number, ids: readonly string[] | undefined, format: Format): Promise<string> {
  const name = `jobs.${format}`;
  saveAs(name, await file(`/jobs/export?${exportQuery(s, now, ids, format)}`));
  return `${name} is saved.`;
}

/** exportCommand is the same in a terminal. */
export const exportCommand = (s: JobSearch, format: Format): string => `${cliOf(s).replace('job list', 'job export')} --format ${format} --to jobs.${format}`;

/** cliOf is the list as a command. */
export function cliOf(s: JobSearch): string {
  const quote = (t: string) => (/^[\w.:-]+$/.test(t) ? t : `'${t.replaceAll("'", "'\\''")}'`);
  const flags = (
    [
      ['status', s.status],
      ['why', s.why],
      ['workflow', s.workflow],
      ['robot', s.robot],
      ['trigger', s.trigger],
      ['priority', s.prio],
    ] as const
  ).flatMap(([flag, words]) => many(words).map((w) => ` --${flag} ${quote(w)}`));
  const time = (flag: string, t: string | undefined) => (t ? ` --${flag} ${new Date(t).toISOString()}` : '');
  const since =
    s.from || s.to
      ? time('from', s.from) + time('until', s.to)
      : s.range === 'all'
        ? ''
        : ` --since ${{ '1h': '1h', '7d': '168h', '30d': '720h' }[s.range ?? ''] ?? '24h'}`;
  return `fleet job list${flags.join('')}${s.q ? ` --search ${quote(s.q)}` : ''}${since}`;
}
