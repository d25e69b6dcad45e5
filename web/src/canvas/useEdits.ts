import { useRef, useState } from 'react';
import { type Catalog, freeWay } from './catalog';
import { addNode, between, connect, copy, moveNodes, paste, remove, setProperty } from './model/graph';
import type { Editor } from './useEditor';
import type { Selection } from './useSelection';
import type { Stage } from './useStage';

/** Adding is where the node goes that is being chosen: a spot of the window, or into a connection. */
export interface Adding {
  x?: number;
  y?: number;
  link?: string;
}

/** Edits are what an author does with the selection or the whole graph. Each is one step of undo. */
export interface Edits {
  adding: Adding | undefined;
  setAdding: (at: Adding | undefined) => void;
  add: (type: string, x?: number, y?: number) => void;
  remove: () => void;
  paste: (text: string) => void;
  arrange: () => Promise<void>;
  copied: () => string | undefined; // the selection as JSON
  cut: () => string | undefined;
  toClipboard: (text: string | undefined) => void;
  fromClipboard: () => Promise<void>;
  duplicate: () => void;
  bypass: () => void;
  move: (dx: number, dy: number) => boolean;
  all: () => void;
}

interface From {
  ed: Editor;
  sel: Selection;
  stage: Stage;
  catalog: Catalog;
  readOnly: boolean;
  title: (id: string) => string;
  onAdded: () => void; // its settings are shown
}

/** useEdits changes the graph. */
export function useEdits({ ed, sel, stage, catalog, readOnly, title, onAdded }: From): Edits {
  const { graph } = ed;
  const [adding, setAdding] = useState<Adding>();
  const kept = useRef(''); // where the clipboard cannot be read

  const added = (id: string) => {
    sel.select(new Set([id]));
    stage.focus.current = id;
    setAdding(undefined);
    onAdded();
  };
  const add = (type: string, x?: number, y?: number) => {
    const t = catalog.byName.get(type);
    const link = graph.links.find((l) => l.key === adding?.link);
    if (link) {
      const [next, id] = between(graph, link.key, type, t?.exec_in === false ? 'in' : 'exec_in', t?.exec_out[0]);
      ed.change(next, `Insert ${t?.title ?? type}`);
      return added(id);
    }
    const at =
      x !== undefined && y !== undefined
        ? { x, y }
        : ((adding?.x !== undefined && adding.y !== undefined ? stage.at(adding.x, adding.y) : undefined) ??
          (sel.node ? { x: sel.node.x + 280, y: sel.node.y } : stage.middle()));
    while (graph.nodes.some((n) => Math.abs(n.x - at.x) < 180 && Math.abs(n.y - at.y) < 90)) at.y += 110; // not on top of another
    let [next, id] = addNode(graph, type, at.x, at.y);
    // What is added by key goes on from what is selected.
    const from = adding && adding.x === undefined && x === undefined ? sel.node : undefined;
    const out = from && freeWay(from, catalog, graph.links);
    if (from && out && t?.exec_in && t.node_type !== 'StartNode')
      next = connect(next, { source: from.id, sourcePort: out, target: id, targetPort: 'exec_in' }, false);
    ed.change(next, `Add ${t?.title ?? type}`);
    added(id);
  };
  const removeIt = () => {
    const { nodes, links } = sel;
    if (nodes.size + links.size === 0) return;
    const what = nodes.size === 0 ? 'a connection' : nodes.size === 1 ? title([...nodes][0] ?? '') : `${nodes.size} nodes`;
    ed.change(remove(graph, nodes, links), `Delete ${what}`);
    sel.clear();
  };
  const insert = (text: string) => {
    try {
      const [next, ids] = paste(graph, text);
      ed.change(next, 'Paste');
      sel.select(new Set(ids));
    } catch {
      // what is in the clipboard is no workflow
    }
  };
  const copied = (): string | undefined => {
    if (sel.nodes.size === 0) return undefined;
    kept.current = copy(graph, sel.nodes);
    return kept.current;
  };
  return {
    adding,
    setAdding,
    add,
    remove: removeIt,
    paste: insert,
    arrange: async () => {
      const { arranged } = await import('./layout'); // its library is large, and not everybody arranges
      ed.change(moveNodes(graph, arranged(graph, stage.sizes())), 'Arrange the graph');
      stage.refit();
    },
    copied,
    cut: () => {
      const text = copied();
      if (text !== undefined && !readOnly) removeIt();
      return text;
    },
    toClipboard: (text) => {
      if (text !== undefined) navigator.clipboard?.writeText(text).catch(() => undefined); // what was copied is kept here, too
    },
    fromClipboard: async () => {
      const text = await (navigator.clipboard?.readText?.() ?? Promise.reject(new Error('no clipboard'))).catch(() => '');
      insert(text || kept.current);
    },
    duplicate: () => {
      if (!readOnly && sel.nodes.size > 0) insert(copy(graph, sel.nodes));
    },
    bypass: () => {
      const n = sel.node;
      if (n) ed.change(setProperty(graph, n.id, '_disabled', n.config.get('_disabled') === true ? undefined : true), 'Bypass');
    },
    move: (dx, dy) => {
      if (readOnly || sel.nodes.size === 0) return false;
      const to = new Map(graph.nodes.filter((n) => sel.nodes.has(n.id)).map((n) => [n.id, { x: n.x + dx, y: n.y + dy }]));
      ed.change(moveNodes(graph, to), to.size === 1 ? 'Move a node' : `Move ${to.size} nodes`, 'move by key');
      return true;
    },
    all: () => sel.select(new Set(graph.nodes.map((n) => n.id))),
  };
}
