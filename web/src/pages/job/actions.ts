/** What can be done with a job from its row, and how it reads as a command. Pure but for the calls. */
import { call, type Schemas } from '../../api/client';
import type { Params } from './bulk';
import { filterQuery, type JobSearch, many, spanOf } from './rows';

export const cancelJob = (id: string, force: boolean): Promise<Schemas['CancelAnswer']> =>
  call('POST', `/jobs/${encodeURIComponent(id)}/cancel`, force ? { force: true } : {});

export const retryJob = (id: string): Promise<Schemas['RetryAnswer']> => call('POST', `/jobs/${encodeURIComponent(id)}/retry`, {});

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
  if (cursor) q.set('cursor', cursor);
  return q.toString();
}

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
  const since = s.from || s.to || s.range === 'all' ? '' : ` --since ${{ '1h': '1h', '7d': '168h', '30d': '720h' }[s.range ?? ''] ?? '24h'}`;
  return `fleet job list${flags.join('')}${s.q ? ` --search ${quote(s.q)}` : ''}${since}`;
}
