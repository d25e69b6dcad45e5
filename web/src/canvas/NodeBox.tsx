import { Handle, type Node, type NodeProps, Position, useStore } from '@xyflow/react';
import { memo } from 'react';
import { shapes } from '../parts/words';
import type { Port, Ports } from './catalog';
import css from './nodebox.module.css';
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

/** far is how small the graph is drawn: then a node shows its title and, if there is room, how it stands. */
const far = ({ transform: [, , zoom] }: { transform: readonly [number, number, number] }): 0 | 1 | 2 | 3 =>
  zoom < 0.17 ? 3 : zoom < 0.3 ? 2 : zoom < 0.5 ? 1 : 0;

/** blank keeps the room of what is drawn large instead. */
const blank = '\u00a0';

/** NodeBox is a node on the canvas. */
export const NodeBox = memo(function NodeBox({ data: d, selected }: NodeProps<Box>) {
  const away = useStore(far);
  if (d.comment !== undefined)
    return (
      <div className={css.note} data-selected={selected || undefined} data-far={away || undefined}>
        {d.comment || 'Empty comment'}
      </div>
    );
  const told = away === 1 || away === 2; // there is room for how it stands, drawn large
  const problem = d.problem === 'error' ? '✕ error' : d.problem === 'warning' ? '▲ warning' : '';
  return (
    <div
      className={css.box}
      data-selected={selected || undefined}
      data-run={d.run?.status}
      data-problem={d.problem || undefined}
      data-off={d.off || undefined}
      data-far={away || undefined}
      style={d.tint ? { borderLeftColor: d.tint, background: `color-mix(in srgb, ${d.tint} 18%, var(--panel))` } : undefined}
    >
      {away > 0 && (
        <div className={css.boxFar}>
          <span>
            {d.run ? `${shapes[d.run.status]} ` : d.problem === 'error' ? '✕ ' : d.problem === 'warning' ? '▲ ' : ''}
            {d.title}
          </span>
          {away === 1 && d.chip && <small>{d.chip}</small>}
          {told && d.run && (
            <small>
              {inWords(d.run)}
              {d.run.error && `: ${d.run.error}`}
            </small>
          )}
        </div>
      )}
      <div className={css.boxHead}>
        <span className={css.boxTitle} title={d.title}>
          {away > 0 ? blank : d.title}
        </span>
        {problem && <span className={css.boxProblem}>{problem}</span>}
      </div>
      <div className={css.boxType}>
        {d.known ? d.type : `${d.type}: unknown here`}
        {d.off ? ' · bypassed' : ''}
      </div>
      {d.chip && <div className={css.chip}>{away === 1 ? blank : d.chip}</div>}
      <div className={css.ports}>
        <PortList ports={d.ports.inputs} side="in" />
        <PortList ports={d.ports.outputs} side="out" />
      </div>
      {d.run && (
        <div className={css.boxRun} data-run={d.run.status}>
          <span aria-hidden>{shapes[d.run.status]}</span> {told ? blank : inWords(d.run)}
          {d.run.error && !told && (
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
          title={p.type === 'exec' ? `${p.name}: flow` : `${p.name}: ${p.type}${p.required ? ', needs a value' : ''}`}
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
