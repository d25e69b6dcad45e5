import { Menu } from './dialogs';
import type { GLink, GNode } from './model/graph';

/** Spot is what a menu was opened on, and where. */
export interface Spot {
  x: number;
  y: number;
  node?: string | undefined;
  link?: string | undefined;
}

export interface MenuActs {
  settings: () => void;
  placement: () => void;
  rename: () => void;
  connect: () => void;
  cut: () => void;
  copy: () => void;
  paste: () => void;
  duplicate: () => void;
  bypass: () => void;
  remove: () => void;
  insert: (link: GLink) => void;
  go: (node: string) => void;
  add: () => void;
  comment: () => void;
  all: () => void;
  undo: (() => void) | undefined;
  redo: (() => void) | undefined;
  arrange: () => void;
  fit: () => void;
  places: () => void;
}

/** CanvasMenu is what can be done with a node, a connection or the ground. */
export function CanvasMenu(p: {
  spot: Spot;
  node: GNode | undefined;
  link: GLink | undefined;
  flows: boolean; // the connection is one of the flow
  many: number; // nodes that are selected
  places: boolean; // placement is shown
  readOnly: boolean;
  title: (id: string) => string;
  acts: MenuActs;
  onClose: () => void;
}) {
  const { acts, link, node, many } = p;
  const edit = (f: () => void) => (p.readOnly ? undefined : f);
  const items: [string, string, (() => void) | undefined][] =
    p.spot.node !== undefined
      ? [
          ...(many > 1
            ? []
            : ([
                ['Settings', 'Enter', acts.settings],
                ['Placement', 'R', acts.placement],
                ['Rename', 'F2', edit(acts.rename)],
                ['Connect to…', '', edit(acts.connect)],
              ] as [string, string, (() => void) | undefined][])),
          ['Cut', 'Ctrl X', edit(acts.cut)],
          ['Copy as JSON', 'Ctrl C', acts.copy],
          ['Duplicate', 'Ctrl D', edit(acts.duplicate)],
          ...(many > 1
            ? []
            : ([[node?.config.get('_disabled') === true ? 'Run it again' : 'Bypass', '', edit(acts.bypass)]] as [string, string, (() => void) | undefined][])),
          [many > 1 ? `Delete ${many} nodes` : 'Delete', 'Del', edit(acts.remove)],
        ]
      : link
        ? [
            ...(p.flows ? ([['Insert a node…', '', edit(() => acts.insert(link))]] as [string, string, (() => void) | undefined][]) : []),
            [`Go to ${p.title(link.source)}`, '', () => acts.go(link.source)],
            [`Go to ${p.title(link.target)}`, '', () => acts.go(link.target)],
            ['Delete', 'Del', edit(acts.remove)],
          ]
        : [
            ['Add a node', 'Tab', edit(acts.add)],
            ['Add a comment', '', edit(acts.comment)],
            ['Paste', 'Ctrl V', edit(acts.paste)],
            ['Select all', 'Ctrl A', acts.all],
            ['Undo', 'Ctrl Z', p.readOnly ? undefined : acts.undo],
            ['Redo', 'Ctrl Shift Z', p.readOnly ? undefined : acts.redo],
            ['Arrange', '', edit(acts.arrange)],
            ['Show all', '0', acts.fit],
            [p.places ? 'Hide placement' : 'Show placement', '', acts.places],
          ];
  return <Menu x={p.spot.x} y={p.spot.y} items={items} onClose={p.onClose} />;
}
