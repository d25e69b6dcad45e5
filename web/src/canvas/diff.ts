/** What differs between two workflows, node by node. Pure. */
import { type Graph, placeOf } from './model/graph';
import { type Json, printJson, same } from './model/json';

export interface Difference {
  added: string[];
  removed: string[];
  changed: string[];
  links: number;
  settings: boolean;
}

/** Change is one value that is another one in the other workflow, as text; empty: it is not there. */
export interface Change {
  what: string;
  mine: string;
  theirs: string;
}

/** changesOf are the values in which a node differs. */
export function changesOf(a: Graph, b: Graph, id: string): Change[] {
  const [mine, theirs] = [a, b].map((g) => g.nodes.find((n) => n.id === id));
  if (!mine || !theirs) return [];
  const text = (v: Json | undefined): string => (v === undefined ? '' : typeof v === 'string' ? v : printJson(v, 0));
  const out: Change[] = [];
  const put = (what: string, x: Json | undefined, y: Json | undefined) => {
    if (!same(x, y)) out.push({ what, mine: text(x), theirs: text(y) });
  };
  put('type', mine.type, theirs.type);
  put('name', mine.title, theirs.title);
  for (const key of new Set([...mine.config.keys(), ...theirs.config.keys()])) put(key, mine.config.get(key), theirs.config.get(key));
  put('placement', placeOf(a, id), placeOf(b, id));
  return out;
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
