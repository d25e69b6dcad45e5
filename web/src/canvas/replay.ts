/** A run as it went: what is played and scrubbed on the graph. Pure. */
import { type Moment, type Pass, type Recording, standingAt } from './passes';
import { inWords, type RunView } from './run';

/** viewAt is a run as it was then. After the last moment it is as the server tells it. */
export function viewAt(v: RunView, r: Recording, count: number): RunView {
  if (count >= r.moments.length) return v;
  const s = standingAt(r, count);
  return { ...v, status: count === 0 ? 'pending' : 'running', nodes: s.nodes, current: s.current, error: '', failedNode: '', waiting: 'Has not begun' };
}

/** failedAt is after how many moments the node that the run failed at had failed; undefined: none did. */
export function failedAt(r: Recording, node: string): number | undefined {
  for (let i = r.moments.length - 1; i >= 0; i--) {
    const m = r.moments[i] as Moment;
    const p = r.passes[m.pass] as Pass;
    if (m.end && p.status === 'failed' && (node === '' || p.node_id === node)) return i + 1;
  }
  return undefined;
}

/** pause is how long playing stands at a moment, ms: as long as it was, but nobody waits for what took long. */
export function pause(r: Recording, count: number, speed: number): number {
  const [here, next] = [r.moments[count - 1]?.at ?? r.from, r.moments[count]?.at];
  if (next === undefined) return 0;
  return Math.max(120, Math.min(1500, next - here)) / speed;
}

/** told says what a moment was: "Log message: Completed in 12 ms". */
export function told(r: Recording, count: number, title: (id: string) => string): string {
  const m = r.moments[count - 1];
  if (!m) return 'Before the first node';
  const id = (r.passes[m.pass] as Pass).node_id;
  const s = standingAt(r, count).nodes.get(id);
  return s ? `${title(id)}: ${inWords(s)}` : title(id);
}
