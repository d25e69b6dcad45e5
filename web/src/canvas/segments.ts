/** How the places of its nodes cut a workflow: what runs together, and where it is handed over. Pure. */
import type { GNode, Graph } from './model/graph';
import { placeOf } from './model/graph';
import { needs, readPlace, whereOf } from './place';

/** Ports behind which a body begins that goes where its node goes. */
const bodies = new Set('loop_body body try_body retry_body catch_body finally_body'.split(' '));
const passive = new Set('StartNode EndNode MergeNode RerouteNode CommentNode'.split(' '));
const passes = (n: GNode): boolean => passive.has(n.type) || /Trigger(Node)?$/.test(n.type) || n.config.get('_disabled') === true;

/** placesOf says for each node where it runs; nodes in one place have one word, the rest the empty one. */
export function placesOf(g: Graph): Map<string, string> {
  const where = new Map(g.nodes.map((n) => [n.id, whereOf(g, n.id)]));
  const said = new Set([...where].filter(([, w]) => w !== '').map(([id]) => id));
  const out = new Map<string, { to: string; port: string }[]>();
  const into = new Map<string, string[]>();
  for (const l of g.links) {
    if (l.targetPort !== 'exec_in' && !l.targetPort.includes('exec')) continue; // a value; the flow alone is cut
    out.set(l.source, [...(out.get(l.source) ?? []), { to: l.target, port: l.sourcePort }]);
    into.set(l.target, [...(into.get(l.target) ?? []), l.source]);
  }
  const inside = bodiesOf(g, out);
  // What lies in a body goes where its node goes, unless it says otherwise.
  for (const [opener, body] of inside) for (const id of body) if (!said.has(id) && where.get(opener)) where.set(id, where.get(opener) ?? '');
  const join = (n: GNode, with_: readonly string[]) => {
    if (where.get(n.id) !== '' || with_.length === 0 || !passes(n)) return;
    const first = where.get(with_[0] ?? '') ?? '';
    if (with_.every((id) => where.get(id) === first)) where.set(n.id, first);
  };
  for (let round = 0; round < 3; round++) {
    for (const n of g.nodes) join(n, into.get(n.id) ?? []);
    for (const n of [...g.nodes].reverse())
      if ((into.get(n.id) ?? []).length === 0 || n.config.get('_disabled') === true)
        join(
          n,
          (out.get(n.id) ?? []).map((l) => l.to),
        );
  }
  return where;
}

/** bodiesOf finds what lies in the body of a node: the outermost body comes last, so that an inner one is asked first. */
function bodiesOf(g: Graph, out: ReadonlyMap<string, readonly { to: string; port: string }[]>): [string, Set<string>][] {
  const list: [string, Set<string>][] = [];
  for (const n of g.nodes) {
    const ways = out.get(n.id) ?? [];
    const starts = ways.filter((l) => bodies.has(l.port)).map((l) => l.to);
    if (starts.length === 0) continue;
    const outside = new Set([n.id, ...ways.filter((l) => !bodies.has(l.port)).map((l) => l.to)]);
    const seen = new Set<string>();
    for (const queue = [...starts]; queue.length > 0; ) {
      const id = queue.pop() as string;
      if (seen.has(id) || outside.has(id)) continue;
      seen.add(id);
      for (const l of out.get(id) ?? []) queue.push(l.to);
    }
    list.push([n.id, seen]);
  }
  return list.sort((a, b) => a[1].size - b[1].size);
}

const tints = ['#7791fb', '#6cb6ff', '#b58cf2', '#e38fb5', '#8fbf6a', '#8a93a3'];

export interface Tint {
  where: string;
  colour: string;
  words: string; // "on bot-0042", "needs GPU"
  nodes: number;
}

/** tintsOf gives each place a colour and its words, in the order in which they come. */
export function tintsOf(g: Graph, where: ReadonlyMap<string, string>, robot: (id: string) => string): Tint[] {
  const out = new Map<string, Tint>();
  for (const n of g.nodes) {
    const w = where.get(n.id);
    if (!w) continue;
    const have = out.get(w);
    if (have) {
      have.nodes++;
      continue;
    }
    const asking = g.nodes.find((x) => whereOf(g, x.id) === w && readPlace(placeOf(g, x.id)).kind !== 'same');
    const p = readPlace(placeOf(g, asking?.id ?? n.id));
    const words = p.kind === 'robot' ? `on ${robot(p.robot)}` : needs(p) ? `needs ${needs(p)}` : 'placed by the document';
    out.set(w, { where: w, colour: tints[out.size % tints.length] as string, words, nodes: 1 });
  }
  return [...out.values()];
}
