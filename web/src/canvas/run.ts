/** How a run stands on the graph, whoever runs it. Pure. */
import { label } from '../parts/words';
import type { Job, LocalRun, LogLine } from './net';
import { type NodeState, type Pass, recordingOf, standingAt, statusOf } from './passes';

export interface RunView {
  kind: 'local' | 'job';
  id: string;
  status: string;
  where: string; // host or robot
  progress: number;
  current: string;
  nodes: ReadonlyMap<string, NodeState>;
  error: string;
  failedNode: string;
  waiting: string;
  exact: boolean; // nodes come from records of steps, not from the log
}

export const final = (status: string): boolean => ['completed', 'failed', 'cancelled', 'timeout'].includes(status);

export function fromLocal(r: LocalRun): RunView {
  return {
    kind: 'local',
    id: r.run_id,
    status: r.status,
    where: r.host,
    progress: r.progress,
    current: r.current_node ?? '',
    nodes: new Map(r.nodes.map((n) => [n.node_id, { status: statusOf(n.status), runs: n.runs, ms: n.duration_ms, ...(n.error ? { error: n.error } : {}) }])),
    error: r.error?.message ?? '',
    failedNode: r.error?.node ?? '',
    waiting: r.status === 'pending' ? 'Waits for another local run to end' : '',
    exact: true,
  };
}

export function fromJob(j: Job, steps: readonly Pass[] | undefined, lines: readonly LogLine[]): RunView {
  const nodes = steps ? fromSteps(steps, final(j.status)) : fromLog(j, lines);
  return {
    kind: 'job',
    id: j.job_id,
    status: j.status,
    where: j.robot_id ?? '',
    progress: j.progress,
    current: j.current_node ?? '',
    nodes,
    error: j.error?.message ?? '',
    failedNode: j.error?.node ?? '',
    waiting: j.waiting_summary ?? '',
    exact: steps !== undefined,
  };
}

/** fromSteps takes how the nodes stand after all passes. What ran when a run ended was stopped with it. */
export function fromSteps(steps: readonly Pass[], over = false): Map<string, NodeState> {
  const out = new Map<string, NodeState>();
  const all = recordingOf(steps);
  for (const [id, { status, runs, ms, error }] of standingAt(all, all.moments.length).nodes)
    out.set(id, { status: over && status === 'running' ? 'cancelled' : status, runs, ms, ...(error ? { error } : {}) });
  return out;
}

/** passesOf are those of a local run, as far as it tells of them: the newest of each node. */
export function passesOf(r: LocalRun): Pass[] {
  return r.nodes.map((n, i) => ({
    part: 0,
    epoch: 1,
    seq: i + 1,
    node_id: n.node_id,
    status: n.status,
    started_at: n.started_at ?? r.started_at ?? r.created_at,
    duration_ms: n.duration_ms,
    ...(n.error ? { error: n.error } : {}),
  }));
}

/** standOf is how a node stands, also one that has done nothing: it is still to come, or the run never came to it. */
export function standOf(r: RunView | undefined, id: string): NodeState | undefined {
  if (!r) return undefined;
  const s = r.nodes.get(id);
  if (s || !r.exact) return s;
  return { status: final(r.status) ? 'not_reached' : 'pending', runs: 0, ms: 0 };
}

/** fromLog is what can be known where no steps are kept: nodes that spoke have begun. */
export function fromLog(j: Pick<Job, 'status' | 'current_node' | 'error'>, lines: readonly LogLine[]): Map<string, NodeState> {
  const out = new Map<string, NodeState>();
  for (const l of lines) if (l.node_id) out.set(l.node_id, { status: 'completed', runs: 1, ms: 0 });
  if (j.current_node) out.set(j.current_node, { status: final(j.status) ? 'completed' : 'running', runs: 1, ms: 0 });
  if (j.error?.node) out.set(j.error.node, { status: 'failed', runs: 1, ms: 0, error: j.error.message });
  return out;
}

/** inWords says how a node stands: "Completed in 12 ms, 3 times". */
export function inWords(n: NodeState): string {
  if (n.before) return 'Done before';
  const took = n.status === 'completed' && n.ms > 0 ? ` in ${duration(n.ms)}` : '';
  return `${label(n.status)}${took}${n.runs > 1 ? `, ${n.runs} times` : ''}`;
}

export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
}

/** sentence tells a run in one line. */
export function sentence(r: RunView, title: (id: string) => string): string {
  const on = r.where ? ` on ${r.where}` : '';
  switch (r.status) {
    case 'pending':
      return r.waiting || 'Waits for a robot';
    case 'assigned':
      return `Offered${r.where ? ` to ${r.where}` : ''}`;
    case 'running':
      return `Runs${on}${r.current ? `: ${title(r.current)}` : ''}`;
    case 'cancelling':
      return `Stops${on}`;
    case 'completed':
      return `Completed${on}`;
    case 'cancelled':
      return 'Cancelled';
    case 'needs_decision':
      return 'A person has to decide how it goes on';
    default:
      return `${label(r.status)}${r.failedNode ? ` at ${title(r.failedNode)}` : ''}: ${r.error || 'no reason was given'}`;
  }
}
