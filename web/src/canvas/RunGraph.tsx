import type { Edge, ReactFlowInstance } from '@xyflow/react';
import { useEffect, useMemo, useRef, useState } from 'react';
import type { Schemas } from '../api/client';
import { type Catalog, catalogOf } from './catalog';
import { Flow, wholeGraph } from './Flow';
import css from './flow.module.css';
import { fromDoc, type Graph, moveNodes } from './model/graph';
import type { Box } from './NodeBox';
import * as net from './net';
import type { NodeState } from './passes';
import { final, type RunView } from './run';

/** readable is the zoom below which a node shows no more than how it stands. */
const readable = 0.5;

const none: ReadonlySet<string> = new Set();
const noProblems: ReadonlyMap<string, 'error' | 'warning'> = new Map();

/** RunGraph is the graph of the version that a job ran, with the states of its nodes. Nothing can be changed in it. */
export function RunGraph({ job, told, node, onNode }: { job: Schemas['JobDetail']; told: Schemas['JobTimeline']; node: string; onNode: (id: string) => void }) {
  const [graph, setGraph] = useState<Graph>();
  const [catalog, setCatalog] = useState<Catalog>();
  const [why, setWhy] = useState('');
  const flow = useRef<ReactFlowInstance<Box, Edge>>(undefined);
  const { workflow_id: id, version } = job.workflow;
  useEffect(() => {
    let gone = false;
    const load = async () => {
      const [w, types] = await Promise.all([net.workflow(id, version), net.nodeTypes()]);
      let g = fromDoc(w.doc);
      if (g.nodes.some((n) => !n.placed)) g = moveNodes(g, (await import('./layout')).arranged(g, new Map()));
      if (gone) return;
      setGraph(g);
      setCatalog(catalogOf(types));
    };
    load().catch((e: unknown) => !gone && setWhy(e instanceof Error ? e.message : String(e)));
    return () => {
      gone = true;
    };
  }, [id, version]);
  const run = useMemo(() => viewOf(job, told), [job, told]);
  const selected = useMemo(() => (node ? new Set([node]) : none), [node]);
  if (why) return <p role="alert">{why}</p>;
  if (!graph || !catalog) return <p role="status">Loading the graph…</p>;
  return (
    <div className={css.runGraph}>
      <Flow
        graph={graph}
        catalog={catalog}
        selected={selected}
        selectedLinks={none}
        problems={noProblems}
        run={run}
        robotName={(r) => r}
        showPlaces={false}
        readOnly
        onChange={() => undefined}
        onSelect={(nodes) => {
          const one = [...nodes].find((n) => n !== node);
          if (one) onNode(one);
        }}
        onOpen={onNode}
        onDropType={() => undefined}
        onMenu={() => undefined}
        onReady={(i) => {
          flow.current = i;
          void i.fitView(wholeGraph).then(() => {
            const at = graph.nodes.find((n) => n.id === (node || job.error?.node || job.current_node));
            // Of a graph that is too long to be read, the node in question.
            if (at && i.getZoom() < readable) void i.setCenter(at.x + 100, at.y + 50, { zoom: 0.75 });
          });
        }}
      />
    </div>
  );
}

/** viewOf makes the states of nodes of what the timeline told: the newest attempt that had them. */
export function viewOf(job: Schemas['JobDetail'], told: Schemas['JobTimeline']): RunView {
  const nodes = new Map<string, NodeState>();
  const epochs = new Map<string, number>();
  for (const n of told.nodes) {
    if ((epochs.get(n.node_id) ?? 0) > n.epoch) continue;
    epochs.set(n.node_id, n.epoch);
    const status = (['running', 'completed', 'failed', 'skipped', 'cancelled'] as const).find((s) => s === n.status) ?? 'completed';
    nodes.set(n.node_id, { status, runs: n.passes, ms: n.total_ms, ...(n.error ? { error: n.error } : {}) });
  }
  for (const id of job.resumed_from?.done_before ?? []) if (!nodes.has(id)) nodes.set(id, { status: 'completed', runs: 1, ms: 0, before: true });
  if (job.status === 'running' && job.current_node && nodes.get(job.current_node)?.status !== 'running')
    nodes.set(job.current_node, { status: 'running', runs: 1, ms: 0 });
  return {
    kind: 'job',
    id: job.job_id,
    status: job.status,
    where: job.robot_id ?? '',
    progress: job.progress,
    current: final(job.status) ? '' : (job.current_node ?? ''),
    nodes,
    error: job.error?.message ?? '',
    failedNode: job.error?.node ?? '',
    waiting: job.waiting_summary ?? '',
    exact: true,
  };
}
