/** Which rows a timeline has: lanes, attempts, nodes and their passes, in each other; and which of them the end waited for. Pure. */
import type { Schemas } from '../../api/client';
import { lasted } from '../../parts/words';
import type { Bar } from './timeline';

type Step = Schemas['Step'];

/** Above so many rows all groups are closed, and above so many nothing is drawn unless it is asked for. */
export const closeAbove = 500;
export const drawAbove = 5000;
/** A group of more than so many is closed. */
export const foldAbove = 20;

/** Tree is a bar with what is in it. */
export interface Tree {
  bar: Bar;
  spans: Bar[]; // what is drawn in its row
  holds: Tree[];
}

export interface Row {
  bar: Bar;
  spans: Bar[];
  level: number;
  holds: number; // rows in it
  open: boolean;
}

/** treeOf nests nodes in their attempts, passes in their nodes, and, where several robots had the job, attempts in lanes. */
export function treeOf(list: readonly Bar[], steps: readonly Step[], job: string): Tree[] {
  const passes = new Map<string, Step[]>();
  for (const s of steps) {
    const key = `n${job}${s.epoch} ${s.node_id}`;
    const those = passes.get(key);
    if (those) those.push(s);
    else passes.set(key, [s]);
  }
  const top: Tree[] = [];
  for (const b of list) {
    const t: Tree = { bar: b, spans: [b], holds: [] };
    if (b.kind !== 'node') {
      top.push(t);
      continue;
    }
    const all = passes.get(b.key) ?? [];
    if (all.length > 1) t.holds = all.map((s, i) => leaf(passOf(s, i, b)));
    (top.at(-1)?.holds ?? top).push(t);
  }
  const robots = [...new Set(list.filter((b) => b.kind === 'attempt').map((b) => b.robot))];
  if (robots.length < 2) return top;
  const lanes = new Map<string, Tree[]>([...robots, ''].map((r) => [r, []]));
  for (const t of top) lanes.get(t.bar.robot)?.push(t);
  return [...lanes].flatMap(([robot, holds]) => (holds.length === 0 ? [] : robot === '' ? holds : [lane(robot, holds)]));
}

const leaf = (bar: Bar): Tree => ({ bar, spans: [bar], holds: [] });

function passOf(s: Step, i: number, of: Bar): Bar {
  const from = Date.parse(s.started_at);
  const to = s.ended_at === undefined ? Math.max(from, of.to) : Date.parse(s.ended_at);
  return {
    key: `p${s.epoch}.${s.seq}`,
    kind: 'pass',
    title: s.iteration ? `Pass ${s.iteration}` : `Pass ${i + 1}`,
    node: s.node_id,
    robot: of.robot,
    status: s.status,
    from,
    to,
    open: s.ended_at === undefined,
    words: lasted(s.ended_at === undefined ? to - from : s.duration_ms),
  };
}

function lane(robot: string, holds: Tree[]): Tree {
  const spans = holds.filter((t) => t.bar.kind === 'attempt').map((t) => t.bar);
  const busy = spans.reduce((sum, b) => sum + b.to - b.from, 0);
  const first = spans[0] as Bar;
  const last = spans.at(-1) as Bar;
  const words = spans.length === 1 ? lasted(busy) : `${spans.length} attempts, ${lasted(busy)}`;
  return { bar: { ...last, key: `l${robot}`, kind: 'lane', title: `Robot ${robot}`, from: first.from, words }, spans, holds };
}

/** sizeOf is how many rows a tree has when all of it is open. */
export const sizeOf = (list: readonly Tree[]): number => list.reduce((n, t) => n + 1 + sizeOf(t.holds), 0);

/** openAtFirst says whether a group is open before anybody has touched it. */
export function openAtFirst(t: Tree, rows: number, attempts: number): boolean {
  if (t.bar.kind === 'lane') return true;
  if (rows > closeAbove) return false;
  return t.bar.kind === 'attempt' ? attempts <= foldAbove : t.holds.length <= foldAbove;
}

/** rowsOf are the rows that are seen. */
export function rowsOf(tree: readonly Tree[], open: (t: Tree) => boolean, level = 0): Row[] {
  return tree.flatMap((t) => {
    const wide = t.holds.length > 0 && open(t);
    const row: Row = { bar: t.bar, spans: t.spans, level, holds: t.holds.length, open: wide };
    return wide ? [row, ...rowsOf(t.holds, open, level + 1)] : [row];
  });
}

/** around are the types of nodes that last as long as what they start. */
const around = /^(Fork|ParallelForEach|Retry|Try|Subflow|CallSubworkflow|ExecuteWorkflow)Node$/;

/**
 * criticalOf are the nodes that the end waited for: the one that ended last, then the one that ended last before it began, and so
 * on to the start, in the newest attempt of each part. Nothing else can make the job shorter. The nodes of a loop take turns, and
 * go together; a node that lasts as long as what it starts is left out for that.
 */
export function criticalOf(list: readonly Bar[]): Set<string> {
  const newest = new Map<string, Bar[]>();
  let part = '';
  for (const b of list) {
    if (b.kind === 'attempt') {
      part = /^Part \S+/.exec(b.title)?.[0] ?? '';
      newest.set(part, []);
    } else if (b.kind === 'node') newest.get(part)?.push(b);
  }
  const out = new Set<string>();
  for (const all of newest.values()) {
    const nodes = all.filter((n) => !around.test(n.type ?? '') || !all.some((x) => x !== n && x.from >= n.from && x.to <= n.to && x.to > x.from));
    const loops = nodes.filter((n) => (n.passes ?? 1) > 1);
    let at = Number.POSITIVE_INFINITY;
    for (const n of [...nodes].sort((a, b) => b.to - a.to || b.from - a.from)) {
      if (n.to > at) continue;
      out.add(n.key);
      at = n.from;
      if ((n.passes ?? 1) < 2) continue;
      for (const x of loops)
        if (x.to >= n.from && x.from <= n.to) {
          out.add(x.key);
          at = Math.min(at, x.from);
        }
    }
  }
  return out;
}
