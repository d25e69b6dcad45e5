import { describe, expect, it } from 'vitest';
import type { Job, Schemas } from '../api/client';
import { setTenant, tenantQuery, withTenant } from '../api/client';
import type { Fact } from '../live/frames';
import { typed } from '../pages/settings/Assets';
import { fieldsOf } from '../pages/settings/Secrets';
import { bodyOf, valuesOf } from '../pages/settings/Tenants';
import { moved } from './held';
import { takeJob, touchJob } from './live';

const job = (id: string, status: string, version: number, more: object = {}): Job =>
  ({ job_id: id, status, version, epoch: 1, progress: 10, ...more }) as unknown as Job;
const list = (...jobs: Job[]): Schemas['JobList'] => ({ jobs: jobs.map((j) => ({ ...j, trigger: 'manual' })), total: jobs.length });
const fact = (id: string, d: Job | undefined, more: Partial<Fact> = {}): Fact => ({
  seq: 1,
  topic: 'jobs',
  op: 'put',
  id,
  v: 9,
  type: 'job.x',
  at: '',
  ...(d ? { d } : {}),
  ...more,
});

describe('a list of jobs', () => {
  const running = takeJob((j) => j.status === 'running');
  const data = list(job('a', 'running', 3), job('b', 'running', 5));
  it('takes a newer row, and no older one', () => {
    expect(running(data, fact('a', job('a', 'running', 4)))).toEqual(list(job('a', 'running', 4), job('b', 'running', 5)));
    expect(running(data, fact('b', job('b', 'running', 5)))).toBeUndefined();
  });
  it('asks the server who enters and who leaves', () => {
    expect(running(data, fact('a', job('a', 'completed', 4)))).toBe('again');
    expect(running(data, fact('c', job('c', 'running', 1)))).toBe('again');
    expect(running(data, fact('a', undefined, { op: 'del' }))).toBe('again');
    expect(running(data, fact('x', undefined, { op: 'del' }))).toBeUndefined();
    expect(running(data, { ...fact('a', job('a', 'completed', 4)), topic: 'robots' })).toBeUndefined();
  });
  it('shows progress that never runs backwards within an attempt', () => {
    expect(touchJob(data, ['j', 'a', 1, 40, 'n'])?.jobs[0]).toMatchObject({ progress: 40, current_node: 'n' });
    expect(touchJob(data, ['j', 'a', 1, 5, 'n'])).toBeUndefined();
    expect(touchJob(data, ['j', 'a', 2, 40, 'n'])).toBeUndefined();
    expect(touchJob(data, ['r', 'a', 1, 40, 'n'])).toBeUndefined();
  });
});

describe('a list that is held', () => {
  it('counts who came and went, or else who moved', () => {
    expect([moved(['a', 'b'], ['a', 'b']), moved(['a', 'b'], ['a', 'c']), moved(['a', 'b', 'c'], ['b', 'a', 'c'])]).toEqual([0, 2, 2]);
  });
});

describe('the tenant that is looked at', () => {
  it('goes into every question that is about one', () => {
    setTenant('acme');
    expect(['/jobs?limit=1', '/robots', '/me', '/meta', '/tenants', '/local/files/open?path=a', '/metrics/fleet'].map(withTenant)).toEqual([
      '/jobs?limit=1&tenant_id=acme',
      '/robots?tenant_id=acme',
      '/me',
      '/meta',
      '/tenants',
      '/local/files/open?path=a',
      '/metrics/fleet?tenant_id=acme',
    ]);
    setTenant('');
    expect([withTenant('/robots'), tenantQuery('?')]).toEqual(['/robots', '']);
  });
});

describe('what forms send', () => {
  it('reads the fields of a secret, also a single one with = in it', () => {
    expect(fieldsOf('user=ada\npassword=a=b')).toEqual({ user: 'ada', password: 'a=b' });
    expect(fieldsOf('p@ss=word')).toEqual({ value: 'p@ss=word' });
    expect([typed('text', '1'), typed('number', '1'), typed('json', '{"a":1}')]).toEqual(['1', 1, { a: 1 }]);
  });
  it('gives a tenant back as it was', () => {
    const t = {
      id: 'acme',
      name: 'Acme',
      timezone: 'UTC',
      quotas: { running_jobs: 5, pending_jobs: 0, submits_per_minute: 0, robots: 9 },
      weight: 100,
      priority: 10,
      suspended: true,
      suspended_note: 'unpaid',
    };
    expect(bodyOf(valuesOf(t as unknown as Schemas['Tenant']))).toEqual({
      name: 'Acme',
      timezone: 'UTC',
      quotas: t.quotas,
      weight: 100,
      priority: 10,
      suspended: true,
      suspended_note: 'unpaid',
    });
  });
});
