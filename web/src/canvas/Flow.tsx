import '@xyflow/react/dist/style.css';
import {
  Background,
  type Connection,
  Controls,
  type Edge,
  type EdgeChange,
  MiniMap,
  type NodeChange,
  Panel,
  ReactFlow,
  type ReactFlowInstance,
  useEdgesState,
  useNodesState,
} from '@xyflow/react';
import { useCallback, useEffect, useMemo, useRef } from 'react';
import { type Catalog, mayConnect, portsOf, titleOf } from './catalog';
import css from './flow.module.css';
import { connect, type Graph, moveNodes } from './model/graph';
import { asText } from './model/json';
import { type Box, NodeBox } from './NodeBox';
import type { Segment } from './net';
import { chip } from './place';
import { type RunView, standOf } from './run';
import { cutWords, handsOver, nowhere, placesOf, type Tint, tintsOf } from './segments';

const nodeTypes = { box: NodeBox };

/** drawsAll is up to how many nodes all of them are drawn, also those that nobody sees. */
const drawsAll = 200;

/** unseen is the size of a node that was never drawn: the overview and the fit need one. */
const unseen = { initialWidth: 208, initialHeight: 90 };

/** wholeGraph shows all of it, as small as that has to be. */
export const wholeGraph = { maxZoom: 1, minZoom: 0.05, padding: 0.12 };

export interface FlowProps {
  graph: Graph;
  catalog: Catalog;
  selected: ReadonlySet<string>;
  selectedLinks: ReadonlySet<string>;
  problems: ReadonlyMap<string, 'error' | 'warning'>;
  run: RunView | undefined;
  robotName: (id: string) => string;
  showPlaces: boolean;
  segments?: readonly Segment[] | undefined; // as the server cuts it; undefined: it did not say
  readOnly: boolean;
  onChange: (next: Graph, what: string) => void;
  onSelect: (nodes: ReadonlySet<string>, links: ReadonlySet<string>) => void;
  onOpen: (id: string) => void;
  onDropType: (type: string, x: number, y: number) => void;
  onMenu: (x: number, y: number, on: { node?: string; link?: string }) => void;
  fitted?: React.RefObject<boolean>; // the whole graph is shown, and stays so when there is more or less room
  focus?: React.RefObject<string>; // the node that gets the focus once it is drawn
  fits?: number; // whenever it changes, the whole graph is shown as it stands then
  onReady: (i: ReactFlowInstance<Box, Edge>) => void;
}

/** Flow draws the graph, and turns what the hand does into changes of it. */
export function Flow(p: FlowProps) {
  const { graph, catalog } = p;
  const [nodes, setNodes, onNodesChange] = useNodesState<Box>([]);
  const [edges, setEdges, onEdgesChange] = useEdgesState<Edge>([]);
  const instance = useRef<ReactFlowInstance<Box, Edge>>(undefined);
  const outer = useRef<HTMLDivElement>(null);
  const byId = useMemo(() => new Map(graph.nodes.map((n) => [n.id, n])), [graph.nodes]);
  const title = useCallback(
    (id: string) => {
      const n = byId.get(id);
      return n ? titleOf(n, catalog.byName.get(n.type)) : id;
    },
    [byId, catalog],
  );
  const places = useMemo(() => (p.showPlaces ? placesOf(graph, p.segments, p.robotName) : nowhere), [graph, p.showPlaces, p.segments, p.robotName]);
  const legend = useMemo(() => tintsOf(graph, places), [graph, places]);
  const tints = useMemo(() => new Map(legend.map((t) => [t.where, t.colour])), [legend]);

  useEffect(() => {
    setNodes((was) => {
      const before = new Map(was.map((n) => [n.id, n]));
      const many = graph.nodes.length > drawsAll;
      return graph.nodes.map((n): Box => {
        const t = catalog.byName.get(n.type);
        const old = before.get(n.id);
        return {
          ...(old ?? (many ? unseen : {})), // measured sizes survive
          id: n.id,
          type: 'box',
          position: { x: n.x, y: n.y },
          selected: p.selected.has(n.id),
          draggable: !p.readOnly,
          connectable: !p.readOnly,
          ariaLabel: `${titleOf(n, t)}, ${t?.title ?? n.type}`,
          data: {
            title: titleOf(n, t),
            type: t?.title ?? n.type,
            family: t?.family ?? '',
            ports: portsOf(t, n, graph.links),
            chip: chip(graph, n.id, title, p.robotName),
            off: n.config.get('_disabled') === true,
            known: t !== undefined,
            problem: p.problems.get(n.id) ?? '',
            comment: n.type === 'CommentNode' ? (asText(n.config.get('comment')) ?? '') : undefined,
            run: n.type === 'CommentNode' ? undefined : standOf(p.run, n.id),
            tint: tints.get(places.place.get(n.id) ?? '') ?? '',
          },
        };
      });
    });
  }, [graph, catalog, p.selected, p.problems, p.run, p.robotName, p.readOnly, places, tints, title, setNodes]);

  useEffect(() => {
    setEdges(
      graph.links.map((l): Edge => {
        const handOver = handsOver(places, l.source, l.target);
        const source = byId.get(l.source);
        const exec = source
          ? portsOf(catalog.byName.get(source.type), source, graph.links).outputs.find((o) => o.name === l.sourcePort)?.type === 'exec'
          : true;
        return {
          id: l.key,
          source: l.source,
          sourceHandle: l.sourcePort,
          target: l.target,
          targetHandle: l.targetPort,
          selected: p.selectedLinks.has(l.key),
          className: `${exec ? css.execEdge : css.dataEdge} ${handOver ? css.handOver : ''}`,
          ariaLabel: `From ${title(l.source)}, ${l.sourcePort}, to ${title(l.target)}, ${l.targetPort}${handOver ? ', hand-over to another robot' : ''}`,
          ...(handOver ? { label: 'hand-over', zIndex: 1 } : {}), // its word is not hidden by a box
          animated: p.run?.current === l.target && p.run.status === 'running',
        };
      }),
    );
  }, [graph, byId, catalog, p.selectedLinks, places, p.run, title, setEdges]);

  // What the hand selects goes up, and comes down again with the next drawing.
  const chosen = useRef({ nodes: p.selected, links: p.selectedLinks });
  chosen.current = { nodes: p.selected, links: p.selectedLinks };
  const choose = (changes: readonly (NodeChange<Box> | EdgeChange)[], of: 'nodes' | 'links') => {
    const next = new Set(chosen.current[of]);
    for (const c of changes) {
      if (c.type !== 'select') continue;
      if (c.selected) next.add(c.id);
      else next.delete(c.id);
    }
    if (sameSet(next, chosen.current[of])) return;
    chosen.current = { ...chosen.current, [of]: next };
    p.onSelect(chosen.current.nodes, chosen.current.links);
  };

  const portOf = (id: string | null, name: string | null | undefined, side: 'inputs' | 'outputs') => {
    const n = byId.get(id ?? '');
    return n ? portsOf(catalog.byName.get(n.type), n, graph.links)[side].find((x) => x.name === name) : undefined;
  };
  const valid = (c: Connection | Edge) =>
    c.source !== c.target && mayConnect(portOf(c.source, c.sourceHandle, 'outputs'), portOf(c.target, c.targetHandle, 'inputs')) === undefined;

  // Asked for together with a change of the graph: the nodes are drawn where they are now before the view follows.
  const toFit = useRef(false);
  useEffect(() => {
    toFit.current = (p.fits ?? 0) > 0;
  }, [p.fits]);
  useEffect(() => {
    const id = p.focus?.current;
    if (id && p.focus && nodes.some((n) => n.id === id && n.measured)) {
      p.focus.current = '';
      requestAnimationFrame(() => nodeElement(outer.current, id)?.focus({ preventScroll: true })); // what is not measured is not visible yet
    }
    if (!toFit.current) return;
    toFit.current = false;
    void instance.current?.fitView(wholeGraph);
  }, [nodes, p.focus]);

  const { fitted } = p;
  useEffect(() => {
    const el = outer.current;
    if (!el || !fitted || typeof ResizeObserver === 'undefined') return;
    let frame = 0;
    const o = new ResizeObserver(() => {
      cancelAnimationFrame(frame);
      frame = requestAnimationFrame(() => fitted.current && void instance.current?.fitView(wholeGraph));
    });
    o.observe(el);
    return () => {
      o.disconnect();
      cancelAnimationFrame(frame);
    };
  }, [fitted]);

  return (
    <ReactFlow<Box, Edge>
      ref={outer}
      onMove={(_, v) => outer.current?.style.setProperty('--zoom', String(v.zoom))}
      onMoveStart={(byHand) => {
        if (byHand && fitted) fitted.current = false;
      }}
      nodes={nodes}
      edges={edges}
      nodeTypes={nodeTypes}
      onInit={(i) => {
        instance.current = i;
        p.onReady(i);
      }}
      onNodesChange={(changes) => {
        onNodesChange(changes);
        choose(changes, 'nodes');
      }}
      onEdgesChange={(changes) => {
        onEdgesChange(changes);
        choose(changes, 'links');
      }}
      onNodeDragStop={(_, _n, moved) => {
        p.onChange(moveNodes(graph, new Map(moved.map((n) => [n.id, n.position]))), moved.length === 1 ? 'Move a node' : `Move ${moved.length} nodes`);
      }}
      onConnect={(c) => {
        if (!c.sourceHandle || !c.targetHandle) return;
        const oneIn = portOf(c.target, c.targetHandle, 'inputs')?.type !== 'exec';
        p.onChange(connect(graph, { source: c.source, sourcePort: c.sourceHandle, target: c.target, targetPort: c.targetHandle }, oneIn), 'Connect');
      }}
      isValidConnection={valid}
      onNodeDoubleClick={(_, n) => p.onOpen(n.id)}
      onNodeContextMenu={(e, n) => {
        e.preventDefault();
        p.onMenu(e.clientX, e.clientY, { node: n.id });
      }}
      onEdgeContextMenu={(e, l) => {
        e.preventDefault();
        p.onMenu(e.clientX, e.clientY, { link: l.id });
      }}
      onPaneContextMenu={(e) => {
        e.preventDefault();
        p.onMenu(e.clientX, e.clientY, {});
      }}
      onDragOver={(e) => {
        e.preventDefault();
        e.dataTransfer.dropEffect = 'copy';
      }}
      onDrop={(e) => {
        const type = e.dataTransfer.getData('application/x-fleet-node');
        if (!type || !instance.current) return;
        e.preventDefault();
        const at = instance.current.screenToFlowPosition({ x: e.clientX, y: e.clientY });
        p.onDropType(type, at.x, at.y);
      }}
      deleteKeyCode={null}
      selectionKeyCode="Shift"
      multiSelectionKeyCode={['Control', 'Meta']}
      nodesDraggable={!p.readOnly}
      nodesConnectable={!p.readOnly}
      disableKeyboardA11y // arrows walk the edges; Shift and an arrow move
      nodesFocusable
      edgesFocusable
      onlyRenderVisibleElements={graph.nodes.length > drawsAll}
      minZoom={0.05}
      maxZoom={2}
      fitView
      fitViewOptions={wholeGraph}
      proOptions={{ hideAttribution: true }}
      aria-label="Workflow graph"
    >
      {p.showPlaces && <Legend tints={legend} cuts={cutWords(places, p.segments?.length ?? 0)} />}
      <Background gap={24} />
      <Controls showInteractive={false} aria-label="Zoom" />
      <MiniMap
        pannable
        zoomable
        ariaLabel="Overview of the graph"
        nodeColor={(n) => miniColour(n as Box)}
        nodeStrokeWidth={0}
        style={{ width: 150, height: 100 }}
        bgColor="var(--panel)"
        maskColor="rgb(128 128 128 / 25%)"
      />
    </ReactFlow>
  );
}

/** nodeElement is a node as it is drawn. */
export const nodeElement = (root: Element | null, id: string): HTMLElement | null =>
  root?.querySelector<HTMLElement>(`.react-flow__node[data-id="${CSS.escape(id)}"]`) ?? null;

/** Legend says which colour is which place. */
function Legend({ tints, cuts }: { tints: readonly Tint[]; cuts: string }) {
  return (
    <Panel position="top-right">
      <ul className={css.legend} aria-label="Places">
        {tints.map((t) => (
          <li key={t.where}>
            <span aria-hidden className={css.swatch} style={{ background: t.colour }} /> {t.words}, {t.nodes} node{t.nodes === 1 ? '' : 's'}
          </li>
        ))}
        <li>
          <span aria-hidden className={css.swatch} /> {tints.length > 0 ? 'the rest, as the workflow does' : 'No node has a place of its own'}
        </li>
        {cuts && <li>{cuts}</li>}
      </ul>
    </Panel>
  );
}

function miniColour(n: Box): string {
  switch (n.data.run?.status) {
    case 'failed':
      return '#ff4444';
    case 'running':
      return '#ffaa44';
    case 'completed':
      return '#55aa99';
    default:
      return n.data.tint || '#8a93a3';
  }
}

function sameSet(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  return a.size === b.size && [...a].every((x) => b.has(x));
}
