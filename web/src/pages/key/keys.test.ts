import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Schemas } from '../../api/client';
import { changes, dropsOf, linesOf, madeBy } from './keys';

const key = (more: Partial<Schemas['Key']>): Schemas['Key'] => ({
  key_id: 'k',
  tenant_id: 'default',
  kind: 'robot',
  name: 'k',
  description: '',
  hint: 'abcd',
  created_at: '2026-11-27T21:00:00Z',
  status: 'active',
  uses_7d: 0,
  ...more,
});

describe('keys', () => {
  it('are told with the variables that the programs read', () => {
    const doc = readFileSync(join(import.meta.dirname, '../../../../docs/reference/config.md'), 'utf8');
    for (const kind of ['robot', 'service']) {
      const [env] = linesOf({ ...key({ kind }), secret: 's3cret' }, 'https://fleet.example');
      const names = [...(env?.text ?? '').matchAll(/^([A-Z_]+)=/gm)].map((m) => m[1] as string);
      expect(names).toHaveLength(2);
      for (const n of names) expect(doc, n).toContain(`\`${n}\``);
      expect(env?.text).toContain('=s3cret');
    }
  });
  it('that are being replaced are told by whether the new one is used', () => {
    const old = key({ key_id: 'a', replaced_by: 'b', status: 'expiring', expires_at: '2026-11-28T21:00:00Z' });
    expect(changes([old, key({ key_id: 'b' })]).map((c) => c.still)).toEqual([true]);
    expect(changes([old, key({ key_id: 'b', last_used_at: '2026-11-27T21:01:00Z' })]).map((c) => c.still)).toEqual([false]);
    expect(changes([{ ...old, status: 'revoked' }, key({ key_id: 'b' })])).toEqual([]);
    const first = key({ key_id: 'c', replaced_by: 'd', status: 'expiring', expires_at: '2026-11-27T22:00:00Z' });
    expect(changes([old, first]).map((c) => c.old.key_id)).toEqual(['c', 'a']);
  });
  it('say who made them, older ones as far as it is known', () => {
    const people = new Map([['0193-u', 'Ada']]);
    expect(madeBy(key({ created_by: 'Grace', owner_id: '0193-u' }), people)).toBe('Grace');
    expect(madeBy(key({ owner_id: '0193-u' }), people)).toBe('Ada');
    expect(madeBy(key({ owner_id: '0193-12345678' }), people)).toBe('…12345678');
    expect(madeBy(key({}), people)).toBe('');
  });
  it('name what drops with them', () => {
    const k = key({ robot_id: 'bot-1' });
    const robot = (status: string, current_jobs: number) => dropsOf(k, { name: 'bot-1', status, current_jobs });
    expect(dropsOf(k, undefined)).toBe('The robot bot-1 drops within seconds, and its jobs with it.');
    expect(robot('busy', 2)).toBe('The robot bot-1 drops within seconds, and the 2 jobs that it runs with it.');
    expect(robot('busy', 1)).toBe('The robot bot-1 drops within seconds, and the job that it runs with it.');
    expect(robot('online', 0)).toContain('It runs no job now.');
    expect(robot('offline', 0)).toContain('is offline');
    expect(dropsOf(key({ kind: 'service' }), undefined)).toContain('Programs');
  });
});
