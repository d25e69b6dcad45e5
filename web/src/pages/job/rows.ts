/** What the list of jobs and the page of one decide. Pure. */
import type { Schemas } from '../../api/client';
import { label, span } from '../../parts/words';
import { viewOf } from './timeline';

export const jobStatuses = ['pending', 'assigned', 'running', 'cancelling', 'needs_decision', 'completed', 'failed', 'cancelled', 'timeout'] as const;

/** JobSearch is the address of the list. Lists are words with commas between them. */
export interface JobSearch {
  q?: string;
  status?: string;
  why?: string;
  workflow?: string;
  robot?: string;
  trigger?: string;
  prio?: string;
  range?: string; // 24h if it is not there
  from?: string; // instead of a range
  to?: string;
  sort?: string; // longest, or the newest first if it is not there
  sel?: string; // ids, or * for all that match
  peek?: string; // the job that is looked at beside the list
}

export const ranges = [
  { word: '1h', name: '1 h', ms: 3_600_000 },
  { word: '24h', name: '24 h', ms: 86_400_000 },
  { word: '7d', name: '7 d', ms: 7 * 86_400_000 },
  { word: '30d', name: '30 d', ms: 30 * 86_400_000 },
  { word: 'all', name: 'All', ms: 0 },
] as const;

export const jobTriggers = ['manual', 'schedule', 'api', 'trigger', 'chain', 'retry'] as const;

/** whys are the reasons of waiting that can be asked for. */
export const whys = [
  'no_robot',
  'no_match',
  'none_available',
  'no_slot',
  'behind_others',
  'reserved',
  'rejected_by_all',
  'not_before',
  'retry_delay',
  'parents_running',
  'dependency_unmet',
  'tenant_quota',
  'secret_held',
] as const;

/** many reads a list of an address, in whatever form it stands there: repeated, or with commas. */
export function many(v: unknown, known?: readonly string[]): string[] {
  const words = (Array.isArray(v) ? v : [v]).flatMap((x) => (typeof x === 'string' || typeof x === 'number' ? String(x).split(',') : []));
  return [...new Set(words.map((w) => w.trim()).filter((w) => w !== '' && (known?.includes(w) ?? true)))];
}

const time = (v: unknown): string | undefined => (typeof v === 'string' && !Number.isNaN(Date.parse(v)) ? v : undefined);

/** jobSearch keeps what the list knows of its address; anything else is dropped. */
export function jobSearch(s: Record<string, unknown>): JobSearch {
  const out: JobSearch = {};
  const put = (k: keyof JobSearch, v: string | undefined) => {
    if (v) out[k] = v;
  };
  put('q', typeof s.q === 'string' || typeof s.q === 'number' ? String(s.q).slice(0, 200) : undefined);
  put('status', many(s.status, jobStatuses).join(','));
  put('why', many(s.why, whys).join(','));
  put('workflow', many(s.workflow).slice(0, 10).join(','));
  put('robot', many(s.robot).slice(0, 5).join(','));
  put('trigger', many(s.trigger, jobTriggers).join(','));
  put(
    'prio',
    many(s.prio)
      .filter((p) => /^\d{1,2}$/.test(p) && Number(p) <= 20)
      .join(','),
  );
  put('from', time(s.from));
  put('to', time(s.to));
  if (!out.from && !out.to && s.range !== '24h' && ranges.some((r) => r.word === s.range)) out.range = s.range as string;
  if (s.sort === 'longest' && out.status === 'running' && out.range === 'all' && filters(out) === 1) out.sort = 'longest';
  put('sel', s.sel === '*' ? '*' : many(s.sel).slice(0, 50).join(','));
  put('peek', typeof s.peek === 'string' ? s.peek : undefined);
  return out;
}

/** longest is all that runs, those first that began first: the one other order that the server has an index for. */
export const longest: JobSearch = { status: 'running', range: 'all', sort: 'longest' };

/** asked is what an address asks the server for: all but what is chosen and looked at. */
export function asked(s: JobSearch): JobSearch {
  const { sel: _, peek: __, ...rest } = s;
  return rest;
}

export interface Span {
  from: string; // empty: since ever
  to: string; // empty: until now
}

/** spanOf is the span of time that an address asks for, now. */
export function spanOf(s: JobSearch, now: number): Span {
  if (s.from || s.to) return { from: s.from ?? '', to: s.to ?? '' };
  const ms = (ranges.find((r) => r.word === s.range) ?? ranges[1]).ms;
  return { from: ms > 0 ? new Date(now - ms).toISOString() : '', to: '' };
}

/** filterQuery is the filter of an address as the server reads it, without its span of time. */
export function filterQuery(s: JobSearch): string {
  const q = new URLSearchParams();
  if (s.q) q.set('q', s.q);
  for (const [name, words] of [
    ['status', s.status],
    ['why', s.why],
    ['workflow_id', s.workflow],
    ['robot_id', s.robot],
    ['trigger', s.trigger],
    ['priority', s.prio],
  ] as const)
    for (const w of many(words)) q.append(name, w);
  return q.toString();
}

/** filters is how many filters an address has, apart from its span of time. */
export const filters = (s: JobSearch): number => [s.q, s.status, s.why, s.workflow, s.robot, s.trigger, s.prio].filter(Boolean).length;

/** spanWords names a span, as in "in the last 24 h". */
export function spanWords(s: JobSearch): string {
  if (s.from || s.to) return 'in the chosen time';
  const r = ranges.find((x) => x.word === s.range) ?? ranges[1];
  return r.ms > 0 ? `in the last ${r.name}` : 'of all time';
}

/** turned adds a word to a list of an address, or takes it away. */
export function turned(words: string | undefined, word: string): string {
  const list = many(words);
  return (list.includes(word) ? list.filter((w) => w !== word) : [...list, word]).join(',');
}

/** waitedFor is a time of waiting behind its reason, in whole minutes; below one there is nothing to tell. */
export const waitedFor = (ms: number): string => (ms < 60_000 ? '' : ` · ${span(Math.floor(ms / 60_000) * 60_000).replace(/ 0 s$/, '')}`);

/** brief is a reason of waiting without the counts in its brackets, as a row has room for it; the panel beside the row has all of it. */
export const brief = (summary: string): string => summary.replace(/ \([^()]*\)(?=\.?$)/, '');

/** timed is the reason of one that waits for a time, as the time that is left; empty where it waits for something else, or no more. */
export function timed(j: Pick<Schemas['JobLine'], 'waiting_on' | 'not_before' | 'epoch' | 'error_class'>, now: number): string {
  const left = j.not_before && (j.waiting_on === 'time' || j.waiting_on === 'backoff') ? Date.parse(j.not_before) - now : 0;
  if (left <= 0) return '';
  const when = span(left < 60_000 ? Math.ceil(left / 1000) * 1000 : Math.floor(left / 60_000) * 60_000).replace(/ 0 (s|min|h)$/, '');
  if (j.waiting_on === 'time') return `Begins in ${when}`;
  return `Attempt ${j.epoch + 1} in ${when}${j.error_class ? ` (${label(j.error_class).toLowerCase()} error)` : ''}`;
}

const word = 5000; // ms that the server waits, after the grace, for the robot's word of the stop

/** graceLeft is how much of the grace of a stop is left, ms; after it the job is stopped by force. */
export const graceLeft = (deadline: string, now: number): number => Math.max(0, Date.parse(deadline) - word - now);

export const final = (status: string): boolean => ['completed', 'failed', 'cancelled', 'timeout'].includes(status);
export const stoppable = (status: string): boolean => ['pending', 'assigned', 'running'].includes(status);

export const left = ['timeline', 'graph', 'nodes'] as const;
export const right = ['log', 'variables', 'artifacts', 'attempts', 'events', 'raw'] as const;

/** DetailSearch is what the address of a job says: which tabs are open, which node is chosen, and how its log is read. */
export interface DetailSearch {
  tab?: (typeof left)[number];
  pane?: (typeof right)[number];
  node?: string;
  line?: string; // ATTEMPT.LINE or ATTEMPT.FIRST-LAST
  level?: string; // the least
  logq?: string;
  wrap?: boolean;
  order?: 'new';
  zoom?: string; // FROM-TO of the timeline, ms
}

export const levels = ['TRACE', 'DEBUG', 'INFO', 'WARNING', 'ERROR', 'CRITICAL'] as const;

export function detailSearch(s: Record<string, unknown>): DetailSearch {
  const out: DetailSearch = {};
  const tab = left.find((t) => t === s.tab);
  const pane = right.find((t) => t === s.pane);
  const level = levels.find((l) => l === s.level);
  if (tab) out.tab = tab;
  if (pane) out.pane = pane;
  if (level) out.level = level;
  if (typeof s.node === 'string' && s.node) out.node = s.node;
  if ((typeof s.logq === 'string' || typeof s.logq === 'number') && s.logq !== '') out.logq = String(s.logq);
  if (s.wrap === true) out.wrap = true;
  if (s.order === 'new') out.order = 'new';
  if (typeof s.zoom === 'string' && viewOf(s.zoom)) out.zoom = s.zoom;
  const line = typeof s.line === 'number' ? String(s.line) : s.line;
  if (typeof line === 'string' && lineOf(line)) out.line = line;
  return out;
}

/** LineAt is a line of the log, or some that follow each other. */
export interface LineAt {
  epoch: number;
  line: number;
  to: number;
}

/** lineOf reads ATTEMPT.LINE and ATTEMPT.FIRST-LAST. */
export function lineOf(text: string | undefined): LineAt | undefined {
  const m = /^(\d{1,9})\.(\d{1,12})(?:-(\d{1,12}))?$/.exec(text ?? '');
  const [epoch, line] = [Number(m?.[1]), Number(m?.[2])];
  const to = m?.[3] === undefined ? line : Number(m[3]);
  return m && epoch > 0 && line > 0 && to >= line ? { epoch, line, to } : undefined;
}

/** lineText is the same as the address has it. */
export const lineText = (l: LineAt): string => `${l.epoch}.${l.line}${l.to > l.line ? `-${l.to}` : ''}`;

type Detail = Schemas['JobDetail'];

/** cloneOf is what submits a job like one that is there, with changes; undefined when the variables are no JSON object. */
export function cloneOf(j: Detail, v: Readonly<Record<string, string>>): Schemas['SubmitRequest'] | undefined {
  let variables: unknown;
  try {
    variables = JSON.parse((v.variables ?? '').trim() || '{}');
  } catch {
    return undefined;
  }
  if (typeof variables !== 'object' || variables === null || Array.isArray(variables)) return undefined;
  const capabilities = (v.capabilities ?? '').split(/[\s,]+/).filter(Boolean);
  const { secrets, usual, only_assigned, ...own } = j.placement ?? {}; // those are taken from the workflow anew
  const placement = { ...own, ...(capabilities.length > 0 ? { capabilities } : {}) };
  return {
    workflow_id: j.workflow.workflow_id,
    ...(v.version ? { version: Number(v.version) } : {}),
    ...(j.name ? { name: j.name } : {}),
    ...(j.labels ? { labels: j.labels } : {}),
    priority: Number(v.priority || j.priority),
    ...(v.robot ? { target_robot_id: v.robot } : {}),
    ...(v.environment ? { environment: v.environment } : {}),
    ...(Object.keys(placement).length > 0 ? { placement } : {}),
    variables: variables as Record<string, unknown>,
  };
}

/** triggerOf is what a job comes from that nothing else says, by who submitted it. The list has the same words. */
export const triggerOf = (by: string): string => (by.startsWith('trigger ') ? 'Trigger' : /^(key|robot) /.test(by) ? 'API' : 'Manual');

const prioritySources: Readonly<Record<string, string>> = {
  request: 'as submitted',
  schedule: 'from its schedule',
  trigger: 'from its trigger',
  tenant: 'as usual in the tenant',
  retry: 'as the job before',
  change: 'changed',
};

/** prioritySaid says who made a job as urgent as it is; empty where that is not known any more. */
export function prioritySaid(j: Pick<Detail, 'priority_source' | 'priority_changed_by'>): string {
  const from = prioritySources[j.priority_source ?? ''];
  return from === undefined ? '' : ` · ${from}${j.priority_changed_by ? ` by ${j.priority_changed_by}` : ''}`;
}

/** fixOf is what a person can do at once so that a job that waits can begin. */
export type Fix =
  | { do: 'clone'; word: string; change: Record<string, string> }
  | { do: 'post'; word: string; path: 'priority' | 'move'; body: Record<string, string | number> }
  | { do: 'resume'; word: string; robot: string }
  | { do: 'add'; word: string };

export function fixOf(c: Schemas['JobChange'], j: Detail): Fix | undefined {
  switch (c.change) {
    case 'demand_dropped': {
      const [, what = '', word = ''] = /^it did not (need|ask for robot|ask for the tag) (.+)$/.exec(c.text) ?? [];
      if (what === 'need')
        return { do: 'clone', word: `Drop ${word}`, change: { capabilities: j.requires.filter((x) => x !== word).join(', '), cancel: 'true' } };
      if (what === 'ask for robot') return { do: 'post', word: 'Let any robot take it', path: 'move', body: { target_robot_id: 'any' } };
      return undefined;
    }
    case 'priority_raised':
      return { do: 'post', word: 'Make it most urgent (0 goes first)', path: 'priority', body: { priority: 0 } };
    case 'robot_returns': {
      const robot = /is resumed|leaves maintenance|taken back from draining/.test(c.text) ? c.robots[0] : undefined;
      return robot === undefined ? undefined : { do: 'resume', word: `Put ${robot} back into service`, robot };
    }
    case 'robot_added':
      return { do: 'add', word: 'Add a robot' };
    default:
      return undefined;
  }
}

/** passed is how far a job is, in words: nodes, percent, and the time that is left by the runs before it. */
export function passed(j: Detail, nodes: readonly Schemas['NodeTime'][], now: number): string {
  const ran = nodes.filter((n) => n.epoch === j.epoch && n.ended_at !== undefined && ['completed', 'skipped'].includes(n.status)).map((n) => n.node_id);
  const done = new Set([...(j.resumed_from?.done_before ?? []), ...ran]).size;
  const out: string[] = [];
  if (j.nodes_total && !j.segments) out.push(`${Math.min(done, j.nodes_total)} of ${j.nodes_total} nodes`);
  if (!final(j.status)) out.push(`${j.progress} %`);
  if (j.status === 'running' && j.started_at && j.typical_ms && j.typical_runs) {
    const left = j.typical_ms - (now - Date.parse(j.started_at));
    const runs = `median of ${j.typical_runs} ${j.typical_runs === 1 ? 'run' : 'runs'}`;
    out.push(left >= 1000 ? `about ${span(left)} left (${runs})` : `longer than usual: ${span(j.typical_ms)} (${runs})`);
  }
  return out.join(' · ');
}
