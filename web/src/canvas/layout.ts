/** Auto layout with dagre: the flow from left to right. Pure. */
import { Graph as Dagre, layout } from '@dagrejs/dagre';
import type { Graph } from './model/graph';

export interface Size {
  width: number;
  height: number;
}

export function arranged(g: Graph, sizes: ReadonlyMap<string, Size>): Map<string, { x: number; y: number }> {
  const d = new Dagre({ multigraph: true });
  d.setGraph({ rankdir: 'LR', nodesep: 36, ranksep: 72, marginx: 20, marginy: 20 });
  d.setDefaultEdgeLabel(() => ({}));
  const size = (id: string): Size => sizes.get(id) ?? { width: 200, height: 90 };
  for (const n of g.nodes) d.setNode(n.id, { ...size(n.id) });
  for (const l of g.links) if (d.hasNode(l.source) && d.hasNode(l.target)) d.setEdge(l.source, l.target, {}, l.key);
  layout(d);
  const out = new Map<string, { x: number; y: number }>();
  for (const n of g.nodes) {
    const at = d.node(n.id) as { x: number; y: number };
    const s = size(n.id);
    out.set(n.id, { x: Math.round(at.x - s.width / 2), y: Math.round(at.y - s.height / 2) });
  }
  return out;
}
