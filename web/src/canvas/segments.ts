/** Where the nodes of a workflow run, and where the flow is handed over. The cuts are the server's: it makes the same ones when the workflow runs. Pure. */
import { type Graph, placeOf } from './model/graph';
import { isObj, of } from './model/json';
import type { Segment } from './net';
import { entryOf, needs, readPlace, whereOf } from './place';

/** Places say of each node in which place it runs; nodes in one place have one word, those that run anywhere have none. */
export interface Places {
  readonly place: ReadonlyMap<string, string>;
  readonly words: ReadonlyMap<string, string>; // of a place: "on bot-0042", "needs GPU"
  readonly segment: ReadonlyMap<string, number> | undefined; // of a node; undefined: nobody knows how it is cut
}

export const nowhere: Places = { place: new Map(), words: new Map(), segment: undefined };

/** placesOf reads the segments that the server told; where it told none, since something is wrong with the workflow, a node runs where it asks to. */
export function placesOf(g: Graph, segments: readonly Segment[] | undefined, robot: (id: string) => string): Places {
  const place = new Map<string, string>();
  const words = new Map<string, string>();
  if (segments === undefined) {
    for (const n of g.nodes) {
      const where = whereOf(g, n.id);
      if (where === '') continue;
      place.set(n.id, where);
      const p = readPlace(placeOf(g, n.id));
      if (p.kind !== 'same') words.set(where, said(p, robot));
    }
    return { place, words, segment: undefined };
  }
  const segment = new Map<string, number>();
  for (const [i, s] of segments.entries()) {
    const asked = of(s.placement);
    const where = isObj(asked) && asked.size > 0 ? JSON.stringify(s.placement) : '';
    if (where !== '') words.set(where, said(readPlace(entryOf(isObj(asked) ? asked : undefined)), robot));
    for (const id of s.node_ids) {
      segment.set(id, i);
      if (where !== '') place.set(id, where);
    }
  }
  return { place, words, segment };
}

const said = (p: ReturnType<typeof readPlace>, robot: (id: string) => string): string =>
  p.kind === 'robot' ? `on ${robot(p.robot)}` : needs(p) ? `needs ${needs(p)}` : 'placed by the document';

/** handsOver says whether a connection leads into another segment. */
export const handsOver = (p: Places, source: string, target: string): boolean => {
  const [a, b] = [p.segment?.get(source), p.segment?.get(target)];
  return a !== undefined && b !== undefined && a !== b;
};

const tints = ['#7791fb', '#6cb6ff', '#b58cf2', '#e38fb5', '#8fbf6a', '#8a93a3'];

export interface Tint {
  where: string;
  colour: string;
  words: string;
  nodes: number;
}

/** tintsOf gives each place a colour and its words, in the order in which they come. */
export function tintsOf(g: Graph, p: Places): Tint[] {
  const out = new Map<string, Tint>();
  for (const n of g.nodes) {
    const where = n.type === 'CommentNode' ? undefined : p.place.get(n.id);
    if (!where) continue;
    const have = out.get(where);
    if (have) have.nodes++;
    else out.set(where, { where, colour: tints[out.size % tints.length] as string, words: p.words.get(where) ?? 'placed by the document', nodes: 1 });
  }
  return [...out.values()];
}

/** cutWords say how the workflow is cut, for the legend. */
export function cutWords(p: Places, segments: number): string {
  if (p.segment === undefined) return p.place.size === 0 ? '' : 'Hand-overs are marked once its problems are solved';
  return segments > 1 ? `${segments} segments, ${segments - 1} hand-over${segments === 2 ? '' : 's'}` : '';
}
