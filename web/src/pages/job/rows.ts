/** What the list of jobs and the page of one decide. Pure. */
import type { Schemas } from '../../api/client';
import { span } from '../../parts/words';

export const jobStatuses = ['pending', 'assigned', 'running', 'cancelling', 'needs_decision', 'completed', 'failed', 'cancelled', 'timeout'] as const;

export interface JobSearch {
  status?: string;
}

export function jobSearch(s: Record<string, unknown>): JobSearch {
  return jobStatuses.some((w) => w === s.status) ? { status: s.status as string } : {};
}

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

/** fixOf is what a person can do at once so that a job that waits can begin. */
export type Fix = { do: 'clone'; word: string; change: Record<string, string> } | { do: 'resume'; word: string; robot: string } | { do: 'add'; word: string };

export function fixOf(c: Schemas['JobChange'], j: Detail): Fix | undefined {
  switch (c.change) {
    case 'demand_dropped': {
      const [, what = '', word = ''] = /^it did not (need|ask for robot|ask for the tag) (.+)$/.exec(c.text) ?? [];
      if (what === 'need')
        return { do: 'clone', word: `Drop ${word}`, change: { capabilities: j.requires.filter((x) => x !== word).join(', '), cancel: 'true' } };
      if (what === 'ask for robot') return { do: 'clone', word: 'Let any robot take it', change: { robot: '', cancel: 'true' } };
      return undefined;
    }
    case 'priority_raised':
      return { do: 'clone', word: 'Make it more urgent', change: { priority: '0', cancel: 'true' } };
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
  const done = new Set(nodes.filter((n) => n.epoch === j.epoch && n.ended_at !== undefined && n.status !== 'failed').map((n) => n.node_id)).size;
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
