/** How a run stands on the graph, whoever runs it. Pure. */
import { label } from '../parts/words';
import type { Job, LocalRun, LogLine, Step } from './net';

export interface NodeState {
  status: 'running' | 'completed' | 'failed' | 'skipped' | 'cancelled';
  runs: number;
  ms: number;
  error?: string;
}

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

const statuses = ['running', 'completed', 'failed', 'skipped', 'cancelled'] as const;
const statusOf = (s: string): NodeState['status'] => statuses.find((x) => x === s) ?? 'completed';

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

export function fromJob(j: Job, steps: readonly Step[] | undefined, lines: readonly LogLine[]): RunView {
  const nodes = steps ? fromSteps(steps) : fromLog(j, lines);
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

/** fromSteps takes the newest execution of each node in the newest attempt that had it. */
export function fromSteps(steps: readonly Step[]): Map<string, NodeState> {
  const out = new Map<string, NodeState & { epoch: number; seq: number }>();
  for (const s of steps) {
    const have = out.get(s.node_id);
    if (have && (have.epoch > s.epoch || (have.epoch === s.epoch && have.seq > s.seq))) {
      if (have.epoch === s.epoch) have.runs++;
      continue;
    }
    const runs = have && have.epoch === s.epoch ? have.runs + 1 : 1;
    out.set(s.node_id, { status: statusOf(s.status), runs, ms: s.duration_ms, epoch: s.epoch, seq: s.seq, ...(s.error ? { error: s.error } : {}) });
  }
  return out;
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
