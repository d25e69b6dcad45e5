/** What differs between two workflows, node by node. Pure. */
import { type Graph, placeOf } from './model/graph';
import { same } from './model/json';

export interface Difference {
  added: string[];
  removed: string[];
  changed: string[];
  links: number;
  settings: boolean;
}

/** differences of b from a. Where nodes stand does not count. */
export function differences(a: Graph, b: Graph): Difference {
  const before = new Map(a.nodes.map((n) => [n.id, n]));
  const after = new Map(b.nodes.map((n) => [n.id, n]));
  const keys = new Set(a.links.map((l) => l.key));
  const others = new Set(b.links.map((l) => l.key));
  return {
    added: [...after.keys()].filter((id) => !before.has(id)),
    removed: [...before.keys()].filter((id) => !after.has(id)),
    changed: [...after.values()]
      .filter((n) => {
        const was = before.get(n.id);
        return was !== undefined && (was.type !== n.type || was.title !== n.title || !same(was.config, n.config) || !same(placeOf(a, n.id), placeOf(b, n.id)));
      })
      .map((n) => n.id),
    links: [...keys].filter((k) => !others.has(k)).length + [...others].filter((k) => !keys.has(k)).length,
    settings: !same(a.settings, b.settings),
  };
}
