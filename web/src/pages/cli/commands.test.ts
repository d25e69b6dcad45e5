import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { partsFor } from './commands';

const reference = readFileSync(join(import.meta.dirname, '../../../../docs/reference/cli.md'), 'utf8');

const sections = new Map(reference.split('\n## ').map((s): [string, string] => [s.slice(0, s.indexOf('\n')), s]));

/** known fails unless a line names a command and flags that there are. What follows the words of a command is its own. */
function known(cli: string): void {
  const words = /\bfleet ((?:[a-z]+ ?)+)/.exec(cli)?.[1]?.trim().split(' ');
  if (!words) return;
  const names = words.map((_, i) => ['fleet', ...words.slice(0, i + 1)].join(' ')).reverse();
  const text = names.map((n) => sections.get(n)).find((t) => t !== undefined);
  expect(text, cli).toBeDefined();
  for (const flag of cli.match(/--[a-z]+/g) ?? []) if (flag !== '--help') expect(text, cli).toContain(flag);
}

describe('the page of the command line', () => {
  it('names commands and flags that there are', () => {
    for (const open of [true, false]) for (const { cli } of partsFor('http://h', open).flatMap((p) => p.steps)) known(cli);
  });
  it('is not alone in that: so do pages that are empty', () => {
    const src = join(import.meta.dirname, '../..');
    const pages = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((f) => f.endsWith('.tsx'));
    const lines = pages.flatMap((f) => readFileSync(join(src, f), 'utf8').match(/command=[{"'].*?fleet [^"}]+/g) ?? []);
    expect(lines.length).toBeGreaterThan(4);
    for (const l of lines) for (const cli of l.split('\\n')) known(cli);
  });
  it('asks nobody to sign in where nobody need', () => {
    const all = (open: boolean) => partsFor('http://h', open).flatMap((p) => p.steps.map((s) => s.cli));
    expect(all(true)).not.toContain('fleet login');
    expect(all(false)).toContain('fleet login');
    for (const open of [true, false]) expect(all(open)[0]).toBe('export FLEET_URL=http://h'); // else the others ask another server
  });
});
