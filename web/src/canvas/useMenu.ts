import { useState } from 'react';
import type { MenuActs, Spot } from './CanvasMenu';
import { type Catalog, portsOf } from './catalog';
import type { Panel } from './search';
import type { Editor } from './useEditor';
import type { Edits } from './useEdits';
import type { Selection } from './useSelection';
import type { Stage } from './useStage';

interface From {
  ed: Editor;
  sel: Selection;
  stage: Stage;
  edits: Edits;
  catalog: Catalog;
  show: (p: Panel) => void;
  rename: () => void;
  onConnect: () => void;
  onPlaces: () => void;
}

/** useMenu keeps where the context menu is open, and says what its items do. */
export function useMenu({ ed, sel, stage, edits, catalog, show, rename, onConnect, onPlaces }: From) {
  const [spot, setSpot] = useState<Spot>();
  const { graph } = ed;
  const open = (x: number, y: number, on: { node?: string; link?: string }) => {
    if (on.node && !sel.nodes.has(on.node)) sel.select(new Set([on.node]));
    if (on.link) sel.select(new Set(), new Set([on.link]));
    setSpot({ x, y, ...on });
  };
  const link = spot?.link === undefined ? undefined : graph.links.find((l) => l.key === spot.link);
  const from = graph.nodes.find((n) => n.id === link?.source);
  const flows =
    from !== undefined && portsOf(catalog.byName.get(from.type), from, graph.links).outputs.find((o) => o.name === link?.sourcePort)?.type === 'exec';
  const acts: MenuActs = {
    settings: () => show('node'),
    placement: () => show('placement'),
    rename,
    connect: onConnect,
    cut: () => edits.toClipboard(edits.cut()),
    copy: () => edits.toClipboard(edits.copied()),
    paste: () => void edits.fromClipboard(),
    duplicate: edits.duplicate,
    bypass: edits.bypass,
    remove: edits.remove,
    insert: (l) => edits.setAdding({ link: l.key }),
    go: stage.reveal,
    add: () => spot && edits.setAdding({ x: spot.x, y: spot.y }),
    comment: () => {
      const at = spot && stage.at(spot.x, spot.y);
      edits.add('CommentNode', at?.x, at?.y);
    },
    all: edits.all,
    undo: ed.undoWhat ? ed.undo : undefined,
    redo: ed.redoWhat ? ed.redo : undefined,
    arrange: () => void edits.arrange(),
    fit: stage.fit,
    places: onPlaces,
  };
  return {
    spot,
    link,
    flows,
    acts,
    open,
    /** openByKey opens it on what is selected, else on the ground. */
    openByKey: (x: number, y: number) => {
      const key = sel.links.size === 1 && sel.nodes.size === 0 ? [...sel.links][0] : undefined;
      const first = [...sel.nodes][0];
      open(x, y, first ? { node: first } : key ? { link: key } : {});
    },
    close: () => setSpot(undefined),
  };
}
