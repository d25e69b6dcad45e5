import { blank, fromDoc, type Graph, moveNodes, open } from './model/graph';
import * as net from './net';

/** Origin is where the workflow comes from and goes back to, and what the author began with there. */
export type Origin = { kind: 'new' } | { kind: 'file'; path: string; etag: string } | { kind: 'workflow'; id: string; version: number };

/** Source is what the address asks for. */
export interface Source {
  file?: string | undefined;
  workflow?: string | undefined;
  version?: number | undefined;
}

/** keyOf names the draft of what is open; a version that was asked for by its number has one of its own. */
export const keyOf = (o: Origin, source: Source): string =>
  o.kind === 'file' ? `file:${o.path}` : o.kind === 'new' ? 'new' : source.version === undefined ? `workflow:${o.id}` : `workflow:${o.id}@${source.version}`;

/** baseOf is what a change of it is a change of: the file's etag, or the version. */
export const baseOf = (o: Origin): string => (o.kind === 'file' ? o.etag : o.kind === 'workflow' ? String(o.version) : '');

/** rebased is an origin with another base: what others stored since then is a conflict. */
export const rebased = (o: Origin, base: string | undefined): Origin => {
  if (base === undefined || o.kind === 'new') return o;
  return o.kind === 'file' ? { ...o, etag: base } : { ...o, version: Number(base) };
};

/** laidOut gives places to the nodes of a graph that was written by a program: they have none, or all stand on one spot. */
async function laidOut(g: Graph): Promise<Graph> {
  const [first] = g.nodes;
  const stacked = g.nodes.every((n) => !n.placed || (n.x === first?.x && n.y === first.y));
  if (g.nodes.length < 2 || !stacked) return g;
  const { arranged } = await import('./layout');
  return moveNodes(g, arranged(g, new Map()));
}

/** stored reads what is stored now. */
export async function stored(source: Source): Promise<{ graph: Graph; origin: Origin }> {
  const got = await fetched(source);
  return { ...got, graph: await laidOut(got.graph) };
}

async function fetched(source: Source): Promise<{ graph: Graph; origin: Origin }> {
  if (source.file !== undefined) {
    const f = await net.openFile(source.file);
    return { graph: open(f.text ?? ''), origin: { kind: 'file', path: f.path, etag: f.etag ?? '' } };
  }
  if (source.workflow !== undefined) {
    const w = await net.workflow(source.workflow, source.version);
    const g = fromDoc(w.doc);
    return { graph: g.name ? g : { ...g, name: w.name }, origin: { kind: 'workflow', id: w.id, version: w.version } };
  }
  return { graph: blank('New workflow'), origin: { kind: 'new' } };
}

/** savedWords say how it is kept. */
export function savedWords(o: Origin, dirty: boolean): string {
  if (o.kind === 'new') return dirty ? 'Not saved yet, kept as a draft' : 'Not saved yet';
  return dirty ? 'Unsaved, kept as a draft' : 'Saved';
}
