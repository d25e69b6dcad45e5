/**
 * LogWindow is the part of a log that is at hand: lines without a hole, from somewhere to somewhere. A log of a million lines
 * is read where somebody looks, and memory holds no more than a bound. No React, no network of its own.
 */
import type { Schemas } from '../../api/client';

export type Line = Schemas['LogLine'];
export type Page = Schemas['LogPage'];

/** Read gives lines of a log from a place on; wait is how long to wait for a line that is not there yet, ms. */
export type Read = (epoch: number, from: number, limit: number, wait: number, signal?: AbortSignal) => Promise<Page>;

const step = 1000;
const bound = 50_000;

export class LogWindow {
  lines: Line[] = [];
  start = { epoch: 1, line: 1 }; // where the window begins
  next = { epoch: 1, line: 1 }; // where it goes on
  atEnd = false; // nothing was there after next when it was last looked at
  final = false;

  constructor(private readonly read: Read) {}

  /** at opens the window at a line, with some before it. It says which row the line is. */
  async at(epoch: number, line: number, signal?: AbortSignal): Promise<number> {
    const from = Math.max(1, line - step / 2);
    const page = await this.read(epoch, from, step, 0, signal);
    this.lines = page.lines;
    this.start = { epoch, line: from };
    this.take(page);
    return Math.max(
      0,
      this.lines.findIndex((l) => l.epoch > epoch || (l.epoch === epoch && l.line >= line)),
    );
  }

  /** newer reads on. It gives how many lines came, and how many went at the other end. */
  async newer(wait = 0, signal?: AbortSignal): Promise<{ came: number; went: number }> {
    const page = await this.read(this.next.epoch, this.next.line, step, wait, signal);
    const known = this.lines.at(-1);
    const fresh = known ? page.lines.filter((l) => after(l, known)) : page.lines;
    this.lines = [...this.lines, ...fresh];
    this.take(page);
    const went = Math.max(0, this.lines.length - bound);
    if (went > 0) {
      this.lines = this.lines.slice(went);
      const first = this.lines[0] as Line;
      this.start = { epoch: first.epoch, line: first.line };
    }
    return { came: fresh.length, went };
  }

  /** older reads what is before the window, within the same attempt. It gives how many lines came. */
  async older(signal?: AbortSignal): Promise<number> {
    if (this.start.line <= 1) return 0;
    const { epoch } = this.start;
    const from = Math.max(1, this.start.line - step);
    const page = await this.read(epoch, from, this.start.line - from, 0, signal);
    const first = this.lines[0];
    const fresh = page.lines.filter((l) => l.epoch === epoch && (first === undefined || after(first, l)));
    this.lines = [...fresh, ...this.lines];
    this.start = { epoch, line: from };
    if (this.lines.length > bound) {
      this.lines = this.lines.slice(0, bound);
      const last = this.lines.at(-1) as Line;
      this.next = { epoch: last.epoch, line: last.line + 1 };
      this.atEnd = false;
      this.final = false;
    }
    return fresh.length;
  }

  private take(page: Page): void {
    this.next = { epoch: page.next_epoch, line: page.next_line };
    this.atEnd = page.lines.length < step;
    this.final = page.final && this.atEnd;
  }
}

const after = (a: Line, b: Line): boolean => a.epoch > b.epoch || (a.epoch === b.epoch && a.line > b.line);

export interface Run {
  text: string;
  tone: string; // ANSI colour as a word; empty: none
  bold: boolean;
}

const tones = ['ink', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'ink'];

/** ansi cuts a line at its colour codes, also where the server put a mark in the place of the escape. Other sequences are taken out. */
export function ansi(text: string): Run[] {
  const esc = text.replaceAll('\ufffd[', '\u001b['); // the server keeps no control characters
  if (!esc.includes('\u001b')) return [{ text, tone: '', bold: false }];
  const out: Run[] = [];
  let tone = '';
  let bold = false;
  let at = 0;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: it looks for them
  for (const m of esc.matchAll(/\u001b(?:\[([0-9;?]*)([@-~])|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-Z\\-_])/g)) {
    if (m.index > at) out.push({ text: esc.slice(at, m.index), tone, bold });
    at = m.index + m[0].length;
    if (m[2] !== 'm') continue;
    for (const code of (m[1] || '0').split(';').map(Number)) {
      if (code === 0) [tone, bold] = ['', false];
      else if (code === 1) bold = true;
      else if (code === 22) bold = false;
      else if (code === 39) tone = '';
      else if ((code >= 30 && code <= 37) || (code >= 90 && code <= 97)) tone = tones[code % 10] ?? '';
    }
  }
  if (at < esc.length) out.push({ text: esc.slice(at), tone, bold });
  return out;
}

/** marked cuts a text where a search found something, in any case. */
export function marked(text: string, q: string): { text: string; hit: boolean }[] {
  if (q === '') return [{ text, hit: false }];
  const out: { text: string; hit: boolean }[] = [];
  const low = text.toLowerCase();
  const want = q.toLowerCase();
  let at = 0;
  for (;;) {
    const i = low.indexOf(want, at);
    if (i < 0 || low.length !== text.length) break;
    if (i > at) out.push({ text: text.slice(at, i), hit: false });
    out.push({ text: text.slice(i, i + want.length), hit: true });
    at = i + want.length;
  }
  if (at < text.length) out.push({ text: text.slice(at), hit: false });
  return out;
}

/** Entry is a row of the log: a line, or the head of lines that one node wrote in a row. */
export type Entry = { kind: 'line'; line: Line } | { kind: 'head'; key: string; node: string; lines: number; worst: string; open: boolean };

const foldFrom = 3; // so many lines in a row are folded

const rankOf = (level: string): number => ['TRACE', 'DEBUG', 'INFO', 'WARNING', 'ERROR', 'CRITICAL'].indexOf(level.toUpperCase());

/** entries are the rows of a log. With fold, lines that one node wrote in a row stand behind a head, unless it is open. */
export function entries(lines: readonly Line[], fold: boolean, open: ReadonlySet<string>): Entry[] {
  if (!fold) return lines.map((line) => ({ kind: 'line', line }));
  const out: Entry[] = [];
  for (let i = 0; i < lines.length; ) {
    const first = lines[i] as Line;
    let end = i + 1;
    while (end < lines.length && lines[end]?.node_id === first.node_id && lines[end]?.epoch === first.epoch) end++;
    const group = lines.slice(i, end);
    i = end;
    if (!first.node_id || group.length < foldFrom) {
      for (const line of group) out.push({ kind: 'line', line });
      continue;
    }
    const key = `${first.epoch}.${first.line}`;
    const worst = group.reduce((w, l) => (rankOf(l.level) > rankOf(w) ? l.level : w), first.level);
    out.push({ kind: 'head', key, node: first.node_id, lines: group.length, worst: worst.toUpperCase(), open: open.has(key) });
    if (open.has(key)) for (const line of group) out.push({ kind: 'line', line });
  }
  return out;
}
