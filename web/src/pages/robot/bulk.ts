/** What an operation on many robots asks for, and what it does to each. Pure. */
import type { Schemas } from '../../api/client';
import { count, statuses } from './rows';

export const kinds = ['maintenance', 'pause', 'resume', 'drain', 'restart', 'stop', 'start', 'tag', 'delete'] as const;
export type BulkKind = (typeof kinds)[number];

export const verbs: Record<BulkKind, string> = {
  maintenance: 'Maintenance',
  pause: 'Pause',
  resume: 'Resume',
  drain: 'Drain',
  restart: 'Restart',
  stop: 'Stop',
  start: 'Start',
  tag: 'Tags',
  delete: 'Delete',
};

/** manages says whether it changes what is known of robots, for which another permission is needed. */
export const manages = (k: BulkKind): boolean => k === 'tag' || k === 'delete';

/** phrase is what the button says. */
export const phrase = (k: BulkKind, robots: string): string =>
  k === 'maintenance' ? `Put ${robots} into maintenance` : k === 'tag' ? `Change the tags of ${robots}` : `${verbs[k]} ${robots}`;

export type Running = 'keep' | 'cancel' | 'requeue';

export interface Wish {
  kind: BulkKind;
  running: Running;
  waves: 'all' | 'size' | 'percent';
  wave: string; // robots or percent of one wave
  atLeast: string; // robots of each pool that stay at work
  stopAt: string; // percent of failures
  until: string; // hours; empty: until somebody resumes it
  note: string;
  add: string; // tags
  remove: string;
}

export const wish = (kind: BulkKind): Wish => ({
  kind,
  running: 'keep',
  waves: 'all',
  wave: '10',
  atLeast: '0',
  stopAt: '20',
  until: kind === 'pause' ? '1' : '',
  note: '',
  add: '',
  remove: '',
});

export const asksRunning = (k: BulkKind): boolean => k === 'maintenance' || k === 'restart' || k === 'stop' || k === 'drain';
export const asksUntil = (k: BulkKind): boolean => k === 'maintenance' || k === 'pause';
export const asksWhy = (k: BulkKind): boolean => k === 'maintenance' || k === 'pause' || k === 'drain' || k === 'stop';
export const takesAway = (k: BulkKind): boolean => k !== 'resume' && k !== 'start' && k !== 'tag';

const those = (n: number, word: string): string => `${count(n)} ${word}`;

/** effects says of each status what becomes of its robots, the most telling first. */
export function effects(kind: BulkKind, by: ReadonlyMap<string, number>, running: Running): string[] {
  const out: string[] = [];
  const jobs =
    running === 'keep' ? 'what they run comes to its end' : running === 'cancel' ? 'what they run is cancelled' : 'what they run goes back to the queue';
  const ending: Record<BulkKind, string> = {
    maintenance: `no new work; ${jobs}.`,
    pause: 'no new work; what they run comes to its end.',
    drain: running === 'keep' ? `no new work; ${jobs}, then they are in maintenance.` : `no new work; ${jobs} now, then they are in maintenance.`,
    stop: running === 'cancel' ? 'no new work; what they run is stopped by force.' : 'no new work until somebody starts them; what they run comes to its end.',
    restart: `no new work; ${jobs}, then the program starts anew.`,
    resume: 'stay as they are.',
    start: 'stay as they are.',
    tag: 'their tags are changed; what they say when they connect no longer counts.',
    delete: 'gone for good, with their keys; what they run ends when their lease does.',
  };
  for (const w of statuses) {
    const n = by.get(w) ?? 0;
    if (n === 0) continue;
    const held = w === 'maintenance' || w === 'paused' || w === 'draining';
    let what = ending[kind];
    if (manages(kind)) {
      out.push(`${those(n, w)}: ${what}`);
      continue;
    }
    if (w === 'offline') what = kind === 'restart' ? 'left out, they are not connected.' : 'done when they connect.';
    else if (held && !takesAway(kind)) what = 'take work again.';
    else if (w === 'error' && !takesAway(kind)) what = 'their quarantine ends; an error that they report stays.';
    else if (held && takesAway(kind) && kind !== 'restart') what = `changed to ${verbs[kind].toLowerCase()}.`;
    out.push(`${those(n, w)}: ${what}`);
  }
  return out;
}

/** wholeNumber reads a field; undefined where it is none within the bounds. */
export function wholeNumber(text: string, least: number, most: number): number | undefined {
  const n = Number(text);
  return text.trim() !== '' && Number.isInteger(n) && n >= least && n <= most ? n : undefined;
}

const tagsOf = (text: string): string[] => text.split(/[\s,]+/).filter((w) => w !== '');

/** bodyOf is the question to the server, or what is wrong with the wish. */
export function bodyOf(w: Wish, ids: readonly string[]): { body: Schemas['BulkBody'] } | { wrong: string } {
  const params: Schemas['BulkParams'] = {};
  if (w.kind === 'maintenance' || w.kind === 'restart') params.running = w.running;
  if (w.kind === 'stop' && w.running === 'cancel') params.force = true;
  if (w.kind === 'drain' && w.running !== 'keep') {
    params.deadline_seconds = 1;
    params.on_deadline = w.running;
  }
  if (w.kind === 'drain' && w.running === 'keep') params.on_deadline = 'keep';
  if (asksWhy(w.kind) && w.note.trim()) params.note = w.note.trim();
  if (asksUntil(w.kind)) {
    const hours = w.until === '' ? 0 : Number(w.until);
    if (!(hours >= 0 && hours <= 720)) return { wrong: 'The time is between a few minutes and 30 days.' };
    params.for_seconds = Math.round(3600 * hours);
  }
  if (w.kind === 'tag') {
    params.add_tags = tagsOf(w.add);
    params.remove_tags = tagsOf(w.remove);
    if (params.add_tags.length + params.remove_tags.length === 0) return { wrong: 'Name a tag to add or to remove.' };
  }
  const waves: Schemas['BulkWaves'] = {};
  if (w.waves !== 'all') {
    const n = wholeNumber(w.wave, 1, w.waves === 'percent' ? 100 : 10_000);
    if (n === undefined) return { wrong: w.waves === 'percent' ? 'A wave is 1 to 100 percent.' : 'A wave is 1 to 10,000 robots.' };
    if (w.waves === 'percent') waves.percent = n;
    else waves.size = n;
  }
  const stop = wholeNumber(w.stopAt, 0, 100);
  if (stop === undefined) return { wrong: 'The share of failures is 0 to 100 percent.' };
  waves.stop_on_failure_percent = stop;
  if (takesAway(w.kind)) {
    const least = wholeNumber(w.atLeast, 0, 10_000);
    if (least === undefined) return { wrong: 'The number of robots that stay at work is 0 to 10,000.' };
    if (least > 0) waves.min_available = least;
  }
  return { body: { kind: w.kind, ids: [...ids], params, waves } };
}

/** grave says whether somebody must type how many robots it is about. */
export const grave = (w: Wish, robots: number): boolean => robots > 20 && hard(w);

/** hard says that what runs, or the robot itself, is taken away and does not come back. */
export const hard = (w: Wish): boolean => w.kind === 'restart' || w.kind === 'stop' || w.kind === 'delete' || (w.running !== 'keep' && asksRunning(w.kind));

/** productionOf is the first environment of robots that is marked as production; empty: none is. */
export const productionOf = (rows: readonly { environment: string }[], marked: ReadonlySet<string>): string =>
  rows.find((r) => marked.has(r.environment))?.environment ?? '';
