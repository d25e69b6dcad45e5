import { Handle, type Node, type NodeProps, Position } from '@xyflow/react';
import { memo } from 'react';
import { shapes } from '../parts/words';
import css from './canvas.module.css';
import type { Port, Ports } from './catalog';
import type { NodeState } from './passes';
import { inWords } from './run';

export interface BoxData extends Record<string, unknown> {
  title: string;
  type: string;
  family: string;
  ports: Ports;
  chip: string; // where it runs, if it has a place of its own
  off: boolean; // bypassed
  known: boolean;
  problem: '' | 'error' | 'warning';
  comment: string | undefined;
  run: NodeState | undefined;
  tint: string; // of its robot, when placement is shown
}

export type Box = Node<BoxData, 'box'>;

/** NodeBox is a node on the canvas. */
export const NodeBox = memo(function NodeBox({ data: d, selected }: NodeProps<Box>) {
  if (d.comment !== undefined)
    return (
      <div className={css.note} data-selected={selected || undefined}>
        {d.comment || 'Empty comment'}
      </div>
    );
  const problem = d.problem === 'error' ? '✕ error' : d.problem === 'warning' ? '▲ warning' : '';
  return (
    <div
      className={css.box}
      data-selected={selected || undefined}
      data-run={d.run?.status}
      data-problem={d.problem || undefined}
      data-off={d.off || undefined}
      style={d.tint ? { borderLeftColor: d.tint } : undefined}
    >
      <div className={css.boxHead}>
        <span className={css.boxTitle} title={d.title}>
          {d.title}
        </span>
        {problem && <span className={css.boxProblem}>{problem}</span>}
      </div>
      <div className={css.boxType}>
        {d.known ? d.type : `${d.type}: unknown here`}
        {d.off ? ' · bypassed' : ''}
      </div>
      {d.chip && <div className={css.chip}>{d.chip}</div>}
      <div className={css.ports}>
        <PortList ports={d.ports.inputs} side="in" />
        <PortList ports={d.ports.outputs} side="out" />
      </div>
      {d.run && (
        <div className={css.boxRun} data-run={d.run.status}>
          <span aria-hidden>{shapes[d.run.status]}</span> {inWords(d.run)}
          {d.run.error && (
            <span className={css.boxError} title={d.run.error}>
              {d.run.error}
            </span>
          )}
        </div>
      )}
    </div>
  );
});

function PortList({ ports, side }: { ports: readonly Port[]; side: 'in' | 'out' }) {
  return (
    <div className={css.portList} data-side={side}>
      {ports.map((p) => (
        <div
          key={p.name}
          className={css.port}
          data-exec={p.type === 'exec' || undefined}
          title={p.type === 'exec' ? `${p.name}: flow` : `${p.name}: ${p.type}`}
        >
          <Handle
            type={side === 'in' ? 'target' : 'source'}
            position={side === 'in' ? Position.Left : Position.Right}
            id={p.name}
            className={p.type === 'exec' ? css.execHandle : css.dataHandle}
          />
          <span>{p.name === 'exec_in' ? 'in' : p.name === 'exec_out' ? 'out' : p.name}</span>
          {p.required && <span aria-hidden>*</span>}
        </div>
      ))}
    </div>
  );
}
