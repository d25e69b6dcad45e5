import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { licences } from './licences';

const root = join(import.meta.dirname, '../../..');
const told = new Set(Object.values(licences).flat());

/** used by tests and tools alone: no part of the program. */
const apart = ['github.com/anishathalye/porcupine', 'github.com/google/go-cmp', 'github.com/rogpeppe/go-internal', 'golang.org/x/tools', 'pgregory.net/rapid'];

it('names all that the program is made of', () => {
  const web = Object.keys((JSON.parse(readFileSync(join(root, 'web/package.json'), 'utf8')) as { dependencies: object }).dependencies);
  const direct = /^require \(\n([^)]*)\)/m.exec(readFileSync(join(root, 'go.mod'), 'utf8'))?.[1] ?? '';
  const go = direct
    .split('\n')
    .map((l) => l.trim().split(' ')[0] ?? '')
    .filter((m) => m !== '' && !apart.includes(m));
  expect(go.length).toBeGreaterThan(10);
  expect([...web, ...go].filter((m) => !told.has(m))).toEqual([]);
});

it('says of each package of the page what it says of itself', () => {
  for (const [licence, parts] of Object.entries(licences))
    for (const p of parts) {
      if (p.includes('.') || !p) continue; // of Go
      const of = JSON.parse(readFileSync(join(root, 'web/node_modules', p, 'package.json'), 'utf8')) as { license: string };
      expect([p, of.license]).toEqual([p, licence]);
    }
});
