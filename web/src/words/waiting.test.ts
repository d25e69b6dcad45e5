import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cause, changed, waits } from './waiting';

const root = join(import.meta.dirname, '../../..');

describe('the words of waiting', () => {
  it('has some for every check that a robot must pass', () => {
    const codes = [...readFileSync(join(root, 'internal/placement/check.go'), 'utf8').matchAll(/Check = "([a-z_]+)"/g)].map((m) => m[1] as string);
    expect(codes.length).toBeGreaterThan(15);
    for (const c of codes) expect(cause(c), c).not.toBe(c.includes('_') ? c.replaceAll('_', ' ') : `${c} `);
    expect(codes.filter((c) => cause(c) === c.replaceAll('_', ' ')).sort()).toEqual(['draining', 'offline', 'paused']);
  });
  it('has some for every reason of waiting', () => {
    const text = readFileSync(join(root, 'fleet/waiting.go'), 'utf8');
    const on = [...text.matchAll(/WaitingOn = "([a-z_]+)"/g)].map((m) => m[1] as string);
    const codes = [...text.matchAll(/WaitingCode = "([a-z_]+)"/g)].map((m) => m[1] as string);
    expect([on.length, codes.length].every((n) => n > 7)).toBe(true);
    for (const c of [...on, ...codes]) expect(waits(undefined, c), c).not.toBe(c.replaceAll('_', ' '));
    expect([waits('robot', 'new_code'), waits(undefined, 'new_code'), waits('robot', '')]).toEqual(['Waits for a robot', 'new code', 'Waits for a robot']);
  });
  it('reads a code that it does not know as it is', () => {
    expect([cause('too_new'), changed('priority_raised'), changed('new_change')]).toEqual([
      'too new',
      'Submit it anew with a more urgent priority (0 goes first).',
      '',
    ]);
  });
});
