import type { Edge, ReactFlowInstance } from '@xyflow/react';
import { useEffect, useRef, useState } from 'react';
import { nodeElement, wholeGraph } from './Flow';
import type { Graph } from './model/graph';
import type { Box } from './NodeBox';
import type { Selection } from './useSelection';

/** least is the zoom below which not even the title of a node can be made out. */
const least = 0.12;

/** Stage is what is seen of the graph. */
export interface Stage {
  root: React.RefObject<HTMLDivElement | null>;
  fitted: React.RefObject<boolean>; // the whole graph is shown, and stays so when there is more or less room
  focus: React.RefObject<string>; // the node that gets the focus once it is drawn
  back: () => void; // the focus goes to what is selected
  narrow: boolean;
  ready: (i: ReactFlowInstance<Box, Edge>) => void;
  reveal: (id: string) => void;
  fit: () => void;
  refit: () => void; // once the nodes stand where they were moved to
  fits: number; // how often that was asked for
  zoom: (by: 1 | -1) => void;
  at: (x: number, y: number) => { x: number; y: number } | undefined; // a spot of the window, on the graph
  middle: () => { x: number; y: number };
  sizes: () => Map<string, { width: number; height: number }>;
  walk: (key: string) => void;
}

/** useStage moves the view over the graph. */
export function useStage(graph: Graph, sel: Selection): Stage {
  const flow = useRef<ReactFlowInstance<Box, Edge>>(undefined);
  const root = useRef<HTMLDivElement>(null);
  const fitted = useRef(true);
  const focus = useRef('');
  const [fits, setFits] = useState(0);
  const [narrow, setNarrow] = useState(() => window.innerWidth < 900);
  useEffect(() => {
    const look = () => setNarrow(window.innerWidth < 900);
    window.addEventListener('resize', look);
    return () => window.removeEventListener('resize', look);
  }, []);
  const reveal = (id: string) => {
    sel.select(new Set([id]));
    const n = graph.nodes.find((x) => x.id === id);
    fitted.current = false;
    if (n) void flow.current?.setCenter(n.x + 100, n.y + 50, { zoom: flow.current.getZoom() });
    nodeElement(root.current, id)?.focus({ preventScroll: true });
  };
  const sibling = (step: number): string | undefined => {
    const from = graph.links.find((l) => l.target === sel.node?.id)?.source;
    const list = from ? graph.links.filter((l) => l.source === from).map((l) => l.target) : graph.nodes.map((n) => n.id);
    const i = list.indexOf(sel.node?.id ?? '');
    return list[(i + step + list.length) % list.length];
  };
  return {
    root,
    fitted,
    focus,
    back: () => {
      const [id] = [...sel.nodes];
      (id === undefined ? root.current?.querySelector<HTMLElement>('.react-flow__node') : nodeElement(root.current, id))?.focus({ preventScroll: true });
    },
    fits,
    refit: () => {
      fitted.current = true;
      setFits((n) => n + 1);
    },
    narrow,
    ready: (i) => {
      flow.current = i;
      void i.fitView(wholeGraph).then(() => {
        const first = graph.nodes[0];
        if (!first || narrow || i.getZoom() >= least) return;
        fitted.current = false; // of a graph that is too long to be seen whole, its beginning
        void i.setCenter(first.x + 300, first.y + 50, { zoom: 0.75 });
      });
    },
    reveal,
    fit: () => {
      fitted.current = true;
      void flow.current?.fitView(wholeGraph);
    },
    zoom: (by) => {
      fitted.current = false;
      void (by > 0 ? flow.current?.zoomIn() : flow.current?.zoomOut());
    },
    at: (x, y) => flow.current?.screenToFlowPosition({ x, y }),
    middle: () => {
      const box = root.current?.querySelector('.react-flow')?.getBoundingClientRect();
      return box && flow.current ? flow.current.screenToFlowPosition({ x: box.x + box.width / 2 - 100, y: box.y + box.height / 2 - 40 }) : { x: 0, y: 0 };
    },
    sizes: () => new Map((flow.current?.getNodes() ?? []).map((n) => [n.id, { width: n.measured?.width ?? 200, height: n.measured?.height ?? 90 }])),
    walk: (key) => {
      const { node } = sel;
      if (!node) {
        if (graph.nodes[0]) reveal(graph.nodes[0].id);
        return;
      }
      const next =
        key === 'ArrowRight'
          ? graph.links.find((l) => l.source === node.id)?.target
          : key === 'ArrowLeft'
            ? graph.links.find((l) => l.target === node.id)?.source
            : sibling(key === 'ArrowDown' ? 1 : -1);
      if (next) reveal(next);
    },
  };
}
