import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { partsFor } from './commands';

const reference = readFileSync(join(import.meta.dirname, '../../../../docs/reference/cli.md'), 'utf8');

const sections = new Map(reference.split('\n## ').map((s): [string, string] => [s.slice(0, s.indexOf('\n')), s]));

/** section is what the reference says of a command; undefined: it knows none of that name. */
const section = (words: string): string | undefined => sections.get(`fleet ${words}`);

describe('the page of the command line', () => {
  it('names commands and flags that there are', () => {
    for (const open of [true, false])
      for (const { cli } of partsFor('http://h', open).flatMap((p) => p.steps)) {
        const m = /\bfleet ((?:[a-z]+ ?){1,2})/.exec(cli);
        if (!m) continue;
        const [noun = '', verb = ''] = (m[1] ?? '').trim().split(' ');
        const text = section(`${noun} ${verb}`) ?? section(noun); // what follows a command of one word is its own
        expect(text, cli).toBeDefined();
        for (const flag of cli.match(/--[a-z]+/g) ?? []) if (flag !== '--help') expect(text, cli).toContain(flag);
      }
  });
  it('asks nobody to sign in where nobody need', () => {
    const all = (open: boolean) => partsFor('http://h', open).flatMap((p) => p.steps.map((s) => s.cli));
    expect(all(true)).not.toContain('fleet login --url http://h');
    expect(all(false)).toContain('fleet login --url http://h');
  });
});
