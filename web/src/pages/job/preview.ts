/** How a file of a job can be looked at without leaving the page. Pure. */
import type { Schemas } from '../../api/client';

const mostText = 512 * 1024;
const mostRows = 200;

/** previewOf says how; undefined: it is only fetched. */
export function previewOf(a: Pick<Schemas['Artifact'], 'type' | 'size'>): 'image' | 'text' | 'json' | 'table' | undefined {
  if (a.type.startsWith('image/')) return 'image';
  if (a.size > mostText) return undefined;
  if (a.type === 'application/json') return 'json';
  if (a.type === 'text/csv' || a.type === 'text/tab-separated-values') return 'table';
  if (a.type.startsWith('text/') || ['application/x-ndjson', 'application/xml'].includes(a.type)) return 'text';
  return undefined;
}

/** bytes is a size as people read it. */
export function bytes(n: number): string {
  if (n < 1024) return `${n} ${n === 1 ? 'byte' : 'bytes'}`;
  if (n < 1024 * 1024) return `${(n / 1024).toFixed(1)} KiB`;
  return `${(n / 1024 / 1024).toFixed(1)} MiB`;
}

interface Table {
  rows: { key: number; cells: { key: number; text: string }[] }[];
  more: number;
}

/** tableOf reads CSV: quotes, doubled quotes in them, and lines within them. What separates is a comma, or a semicolon where the first line has more of those. */
export function tableOf(text: string, tabs = false): Table {
  const first = text.slice(0, text.indexOf('\n') < 0 ? undefined : text.indexOf('\n'));
  const sep = tabs ? '\t' : first.split(';').length > first.split(',').length ? ';' : ',';
  const rows: string[][] = [];
  let row: string[] = [];
  let cell = '';
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (quoted) {
      if (c !== '"') cell += c;
      else if (text[i + 1] === '"') {
        cell += '"';
        i++;
      } else quoted = false;
    } else if (c === '"' && cell === '') quoted = true;
    else if (c === sep) {
      row.push(cell);
      cell = '';
    } else if (c === '\n') {
      row.push(cell.replace(/\r$/, ''));
      rows.push(row);
      row = [];
      cell = '';
    } else cell += c;
  }
  if (cell !== '' || row.length > 0) rows.push([...row, cell.replace(/\r$/, '')]);
  return {
    rows: rows.slice(0, mostRows).map((r, key) => ({ key, cells: r.map((t, k) => ({ key: k, text: t })) })),
    more: Math.max(0, rows.length - mostRows),
  };
}
