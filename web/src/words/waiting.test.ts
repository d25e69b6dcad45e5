import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cause, changed } from './waiting';

const root = join(import.meta.dirname, '../../..');

describe('the words of waiting', () => {
  it('has some for every check that a robot must pass', () => {
    const codes = [...readFileSync(join(root, 'internal/placement/check.go'), 'utf8').matchAll(/Check = "([a-z_]+)"/g)].map((m) => m[1] as string);
    expect(codes.length).toBeGreaterThan(15);
    for (const c of codes) expect(cause(c), c).not.toBe(c.includes('_') ? c.replaceAll('_', ' ') : `${c} `);
    expect(codes.filter((c) => cause(c) === c.replaceAll('_', ' ')).sort()).toEqual(['draining', 'offline', 'paused']);
  });
  it('reads a code that it does not know as it is', () => {
    expect([cause('too_new'), changed('priority_raised'), changed('new_change')]).toEqual([
      'too new',
      'Submit it anew with a more urgent priority (0 goes first).',
      '',
    ]);
  });
});
