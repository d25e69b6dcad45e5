import { useMemo } from 'react';
import type { Schemas } from '../../api/client';
import { clock, useNow } from '../../parts/Time';
import { lasted, shapes } from '../../parts/words';
import css from './job.module.css';
import { type Bar, bars, scaleOf } from './timeline';

const most = 500;

/** Timeline draws when what happened. A row is a node, under the attempt that ran it. */
export function Timeline({
  told,
  title,
  node,
  onNode,
}: {
  told: Schemas['JobTimeline'];
  title: (id: string) => string;
  node: string;
  onNode: (id: string) => void;
}) {
  const now = useNow();
  const runs = told.attempts.some((a) => a.ended_at === undefined) || ['pending', 'assigned'].includes(told.job.status);
  const until = runs ? Math.max(now, Date.parse(told.now)) : Date.parse(told.now);
  const list = useMemo(() => bars(told, until), [told, until]);
  if (list.length === 0) return <p className={css.hint}>Nothing has begun yet.</p>;
  const shown = list.slice(0, most);
  const scale = scaleOf(list);
  const fine = Math.max(...list.map((b) => b.to)) - Math.min(...list.map((b) => b.from)) < 10_000;
  const axis = (
    <div className={css.axis} data-fine={fine || undefined} aria-hidden="true">
      {scale.ticks.map((t) => (
        <span key={t.at} style={{ left: `${t.at}%` }}>
          {clock(t.t)}
          {fine && `.${String(Math.floor(t.t) % 1000).padStart(3, '0')}`}
        </span>
      ))}
    </div>
  );
  return (
    <div className={css.timeline}>
      {axis}
      <ol className={css.bars} aria-label="Timeline">
        {shown.map((b) => (
          <Row key={b.key} b={b} scale={scale} title={b.kind === 'node' ? title(b.node) : b.title} chosen={b.node !== '' && b.node === node} onNode={onNode} />
        ))}
      </ol>
      {list.length > most && <p className={css.hint}>{list.length - most} more rows are not drawn. The tab Steps lists all of them.</p>}
      {told.cut && <p className={css.hint}>Only the first {told.steps} steps were counted.</p>}
      {scale.gaps.length > 0 && (
        <p className={css.hint}>{scale.gaps.map((g) => `${lasted(g.ms)} of waiting are folded`).join(', ')}: the axis is not even there.</p>
      )}
      {axis}
    </div>
  );
}

function Row({ b, scale, title, chosen, onNode }: { b: Bar; scale: ReturnType<typeof scaleOf>; title: string; chosen: boolean; onNode: (id: string) => void }) {
  const left = scale.at(b.from);
  const width = scale.at(b.to) - left;
  const name = (
    <>
      <span aria-hidden="true">{shapes[b.status] ?? '·'}</span> {title}
    </>
  );
  return (
    <li className={css.barRow} data-kind={b.kind} data-chosen={chosen || undefined}>
      {b.kind === 'node' ? (
        <button type="button" className={css.barName} onClick={() => onNode(b.node)} title={title}>
          {name}
        </button>
      ) : (
        <span className={css.barName} title={title}>
          {name}
        </span>
      )}
      <span className={css.track}>
        {scale.gaps.map((g) => (
          <span key={g.from} className={css.gap} style={{ left: `${g.from}%`, width: `${g.to - g.from}%` }} />
        ))}
        <span
          className={css.bar}
          data-kind={b.kind}
          data-status={b.status}
          data-open={b.open || undefined}
          style={{ left: `min(${left}%, calc(100% - 3px))`, width: `max(3px, ${width}%)` }}
        />
      </span>
      <span className={css.took}>{b.words}</span>
    </li>
  );
}
