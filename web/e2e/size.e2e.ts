import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';

const dist = join(import.meta.dirname, '../dist');
const kilobytes = (path: string) => gzipSync(readFileSync(join(dist, path))).length / 1000;

/** What a page costs to load, compressed, as the server sends it. */
describe('what is loaded', () => {
  const files = readdirSync(join(dist, 'assets')).map((f) => `assets/${f}`);
  const first = [...readFileSync(join(dist, 'index.html'), 'utf8').matchAll(/(?:src|href)="\/(assets\/[^"]+)"/g)].map((m) => m[1] ?? '');
  it('first is at most 230 kB of scripts and 45 kB of styles', () => {
    const sum = (ending: string) => first.filter((f) => f.endsWith(ending)).reduce((n, f) => n + kilobytes(f), 0);
    expect(sum('.js')).toBeGreaterThan(10);
    expect(sum('.js')).toBeLessThanOrEqual(230);
    expect(sum('.css')).toBeLessThanOrEqual(45);
  });
  it('later is at most 90 kB for each part', () => {
    for (const f of files.filter((f) => f.endsWith('.js') && !first.includes(f))) expect(kilobytes(f), f).toBeLessThanOrEqual(90);
  });
});
