/** The executions of the nodes of a run, moment by moment. Pure. */

export type NodeStatus = 'pending' | 'running' | 'completed' | 'failed' | 'skipped' | 'cancelled' | 'not_reached';

export interface NodeState {
  status: NodeStatus;
  runs: number;
  ms: number;
  error?: string;
  before?: boolean; // it ran in the job that this one goes on from
}

const statuses = ['running', 'completed', 'failed', 'skipped', 'cancelled'] as const;
export const statusOf = (s: string): NodeStatus => statuses.find((x) => x === s) ?? 'completed';

/** Pass is one execution of a node. */
export interface Pass {
  part: number; // the segment of a job that is cut into some; 0: the job itself
  epoch: number;
  seq: number;
  node_id: string;
  status: string;
  started_at: string;
  ended_at?: string;
  duration_ms: number;
  error?: string;
}

/** Moment is a change of one node: the run stands still until the next one. */
export interface Moment {
  at: number; // ms, by the robot's clock
  pass: number; // which of the passes
  end: boolean; // it ended; else it began
}

export interface Recording {
  passes: readonly Pass[];
  moments: readonly Moment[];
  from: number; // ms
  to: number;
}

/** recordingOf puts the passes of a run into the order of time. Times are those of the robot. */
export function recordingOf(passes: readonly Pass[]): Recording {
  const sorted = [...passes].sort((a, b) => a.part - b.part || a.epoch - b.epoch || a.seq - b.seq);
  const moments: Moment[] = [];
  sorted.forEach((p, i) => {
    const from = Date.parse(p.started_at);
    if (Number.isNaN(from)) return;
    moments.push({ at: from, pass: i, end: false });
    const to = endOf(p, from);
    if (to !== undefined) moments.push({ at: to, pass: i, end: true });
  });
  // What came at once came in the order of its numbers, and a pass begins before it ends.
  moments.sort((a, b) => a.at - b.at || a.pass - b.pass || Number(a.end) - Number(b.end));
  return { passes: sorted, moments, from: moments[0]?.at ?? 0, to: moments.at(-1)?.at ?? 0 };
}

function endOf(p: Pass, from: number): number | undefined {
  if (p.status === 'running') return undefined;
  const said = p.ended_at === undefined ? Number.NaN : Date.parse(p.ended_at);
  return Math.max(from, Number.isNaN(said) ? from + p.duration_ms : said);
}

export interface Standing {
  nodes: ReadonlyMap<string, NodeState>;
  current: string; // began last and still runs
  at: number; // ms
  attempt: number;
  part: number;
}

/** standingAt is how the nodes stood after so many moments. */
export function standingAt(r: Recording, count: number): Standing {
  const nodes = new Map<string, NodeState & { part: number }>();
  const running: number[] = [];
  let [part, attempt] = [0, 0];
  const n = Math.max(0, Math.min(count, r.moments.length));
  for (let i = 0; i < n; i++) {
    const m = r.moments[i] as Moment;
    const p = r.passes[m.pass] as Pass;
    if (!m.end && (p.part !== part || p.epoch > attempt)) {
      // An attempt that begins at a node that has been done begins anew; one that goes on from a checkpoint does not.
      if (p.part === part && nodes.has(p.node_id)) for (const [id, s] of nodes) if (s.part === p.part) nodes.delete(id);
      if (p.part === part) for (const s of nodes.values()) if (s.status === 'running') s.status = 'cancelled';
      running.length = 0;
      [part, attempt] = [p.part, p.epoch];
    }
    const have = nodes.get(p.node_id);
    if (!m.end) {
      nodes.set(p.node_id, { status: 'running', runs: (have?.runs ?? 0) + 1, ms: 0, part: p.part });
      running.push(m.pass);
      continue;
    }
    nodes.set(p.node_id, { status: statusOf(p.status), runs: have?.runs ?? 1, ms: p.duration_ms, part: p.part, ...(p.error ? { error: p.error } : {}) });
    const j = running.indexOf(m.pass);
    if (j >= 0) running.splice(j, 1);
  }
  const last = running.at(-1);
  return {
    nodes,
    current: last === undefined ? '' : (r.passes[last]?.node_id ?? ''),
    at: n === 0 ? r.from : (r.moments[n - 1]?.at ?? r.from),
    attempt,
    part,
  };
}
