import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const src = join(import.meta.dirname, '..');
const files = readdirSync(src, { recursive: true, encoding: 'utf8' });
const read = (f: string) => readFileSync(join(src, f), 'utf8');
const classes = (f: string) =>
  new Set(
    [
      ...read(f)
        .replaceAll(/\/\*.*?\*\/|:global\([^)]*\)|"[^"]*"/gs, '')
        .matchAll(/\.([a-zA-Z]\w*)(?=[^{}]*\{)/g),
    ].map((m) => m[1] ?? ''),
  );

/** Imports gives, for each name that a file gives a sheet, the sheets behind it. */
function imports(f: string): { name: string; sheets: string[] }[] {
  const at = (path: string) => join(f, '..', path);
  return [...read(f).matchAll(/^import (\w+) from '([^']+(?:\.module\.css|\/parts))';$/gm)].map(([, name = '', path = '']) => ({
    name,
    sheets: path.endsWith('.css') ? [at(path)] : imports(`${at(path)}.ts`).flatMap((i) => i.sheets),
  }));
}

const uses = files
  .filter((f) => /\.tsx?$/.test(f) && !/\.test\./.test(f))
  .flatMap((f) =>
    imports(f).flatMap((i) =>
      [...read(f).matchAll(new RegExp(`(?<!['./\\w])${i.name}\\.([a-zA-Z]\\w*)`, 'g'))].map((m) => ({ f, sheets: i.sheets, name: m[1] ?? '' })),
    ),
  );

describe('the styles', () => {
  it('hold every class that is named', () => {
    expect(uses.length).toBeGreaterThan(500);
    expect(uses.filter((u) => !u.sheets.some((s) => classes(s).has(u.name))).map((u) => `${u.f}: ${u.name}`)).toEqual([]);
  });
  it('of the parts name no class twice, so that one object can hold them', () => {
    const all = imports('parts/parts.ts').flatMap((i) => [...classes(i.sheets[0] ?? '')]);
    expect(all.filter((c, i) => all.indexOf(c) !== i)).toEqual([]);
  });
  it('hold no class that nobody names', () => {
    const sheets = files.filter((f) => f.endsWith('.module.css'));
    const used = (s: string, c: string) => uses.some((u) => u.name === c && u.sheets.includes(s));
    expect(sheets.flatMap((s) => [...classes(s)].filter((c) => !used(s, c)).map((c) => `${s}: ${c}`))).toEqual([]);
  });
});
