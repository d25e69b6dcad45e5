import { useVirtualizer } from '@tanstack/react-virtual';
import { type KeyboardEvent, useEffect, useMemo, useRef, useState } from 'react';
import type { Schemas } from '../../api/client';
import { useNow } from '../../parts/Time';
import { lasted } from '../../parts/words';
import css from './job.module.css';
import { final } from './rows';
import { TimeAxis } from './TimeAxis';
import { TimeRow } from './TimeRow';
import { bars, scaleOf, type View } from './timeline';
import own from './timeline.module.css';
import { criticalOf, drawAbove, openAtFirst, rowsOf, sizeOf, type Tree, treeOf } from './timelinerows';
import { usePasses } from './usePasses';

const rowHeight = 27;

interface Props {
  told: Schemas['JobTimeline'];
  title: (id: string) => string;
  node: string;
  view: View | undefined; // the part that is looked at
  onNode: (id: string) => void;
  onView: (v: View | undefined) => void;
}

/** Timeline draws when what happened. A row is a node, under the attempt that ran it; a robot has a lane where there were several. */
export function Timeline({ told, title, node, view, onNode, onView }: Props) {
  const now = useNow();
  const runs = told.attempts.some((a) => a.ended_at === undefined) || ['pending', 'assigned'].includes(told.job.status);
  const until = runs ? Math.max(now, Date.parse(told.now)) : Date.parse(told.now);
  const list = useMemo(() => bars(told, until), [told, until]);
  const [anyway, setAnyway] = useState(false);
  const many = list.length + told.nodes.reduce((n, x) => n + (x.passes > 1 ? x.passes : 0), 0);
  const steps = usePasses(told, many <= drawAbove || anyway);
  const tree = useMemo(() => treeOf(list, steps, told.job.job_id), [list, steps, told.job.job_id]);
  const critical = useMemo(() => criticalOf(list), [list]);
  const scale = useMemo(() => scaleOf(list, view), [list, view]);
  if (list.length === 0) return <p className={css.hint}>{final(told.job.status) ? 'Nothing of it ran.' : 'Nothing has begun yet.'}</p>;
  const nodes = list.filter((b) => b.kind === 'node');
  const path = nodes.filter((b) => critical.has(b.key));
  const one = path.length === nodes.length; // all follow each other: a mark at each would say nothing
  return (
    <div className={css.timeline}>
      <div className={own.bar}>
        {view && (
          <button type="button" onClick={() => onView(undefined)}>
            Whole run
          </button>
        )}
        {nodes.length > 1 && (
          <p className={css.hint}>
            {one ? 'Its nodes ran one after another: all are on the critical path.' : '◆ Critical path: '}
            {!one && `${path.length} of ${nodes.length} nodes, ${lasted(path.reduce((sum, b) => sum + b.to - b.from, 0))}`}
          </p>
        )}
      </div>
      <TimeAxis top scale={scale} zoomed={view !== undefined} onZoom={onView} />
      {many > drawAbove && !anyway ? (
        <Summary list={list} rows={many} onDraw={() => setAnyway(true)} />
      ) : (
        <Rows tree={tree} critical={one ? new Set() : critical} scale={scale} now={runs ? until : undefined} title={title} node={node} onNode={onNode} />
      )}
      {told.cut && <p className={css.hint}>Only the first {told.steps} steps were counted. The tab Nodes lists all of them.</p>}
      <TimeAxis top={false} scale={scale} zoomed={view !== undefined} onZoom={onView} />
    </div>
  );
}

/** Summary stands for more rows than a browser should draw unasked. */
function Summary({ list, rows, onDraw }: { list: ReturnType<typeof bars>; rows: number; onDraw: () => void }) {
  const nodes = list.filter((b) => b.kind === 'node').sort((a, b) => b.to - b.from - (a.to - a.from));
  return (
    <section className={own.summary} aria-label="Summary of the timeline">
      <p>
        {rows} rows are too many to draw at once: {list.filter((b) => b.kind === 'attempt').length} attempts and {nodes.length} nodes with all their passes. The
        longest:
      </p>
      <ol>
        {nodes.slice(0, 5).map((b) => (
          <li key={b.key}>
            {b.title}: {b.words}
          </li>
        ))}
      </ol>
      <button type="button" onClick={onDraw}>
        Draw anyway
      </button>
    </section>
  );
}

interface RowsProps {
  tree: readonly Tree[];
  critical: ReadonlySet<string>;
  scale: ReturnType<typeof scaleOf>;
  now: number | undefined;
  title: (id: string) => string;
  node: string;
  onNode: (id: string) => void;
}

function Rows({ tree, critical, scale, now, title, node, onNode }: RowsProps) {
  const [turned, setTurned] = useState<Readonly<Record<string, boolean>>>({});
  const [active, setActive] = useState<number>();
  const box = useRef<HTMLOListElement>(null);
  const size = useMemo(() => sizeOf(tree), [tree]);
  const rows = useMemo(() => {
    const attempts = tree.reduce((n, t) => n + (t.bar.kind === 'lane' ? t.spans.length : t.bar.kind === 'attempt' ? 1 : 0), 0);
    return rowsOf(tree, (t) => turned[t.bar.key] ?? openAtFirst(t, size, attempts));
  }, [tree, size, turned]);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => box.current?.closest('section') ?? null,
    estimateSize: () => rowHeight,
    getItemKey: (i) => rows[i]?.bar.key ?? i,
    scrollMargin: box.current?.offsetTop ?? 0,
    overscan: 30,
  });
  useEffect(() => {
    if (active === undefined) return;
    virtual.scrollToIndex(active);
    const frame = requestAnimationFrame(() => box.current?.querySelector<HTMLElement>(`[data-row="${active}"]`)?.focus());
    return () => cancelAnimationFrame(frame);
  }, [active, virtual]);
  const turn = (key: string, open: boolean) => setTurned((was) => ({ ...was, [key]: open }));
  const press = (e: KeyboardEvent) => {
    const i = Number((e.target as HTMLElement).closest<HTMLElement>('[data-row]')?.dataset.row ?? -1);
    const row = rows[i];
    if (row === undefined || e.ctrlKey || e.metaKey || e.altKey) return;
    if (e.key === 'ArrowRight' && row.holds > 0 && !row.open) turn(row.bar.key, true);
    else if (e.key === 'ArrowLeft' && row.open) turn(row.bar.key, false);
    else {
      const to = { ArrowDown: i + 1, ArrowUp: i - 1, Home: 0, End: rows.length - 1, ArrowLeft: over(rows, i) }[e.key];
      if (to === undefined) return;
      setActive(Math.max(0, Math.min(rows.length - 1, to)));
    }
    e.preventDefault();
    e.stopPropagation();
  };
  return (
    <div className={own.body}>
      <ol ref={box} className={`${css.bars} ${own.rows}`} aria-label="Timeline" style={{ height: rows.length * rowHeight }} onKeyDown={press}>
        {virtual.getVirtualItems().map((v) => {
          const row = rows[v.index];
          if (row === undefined) return null;
          return (
            <TimeRow
              key={row.bar.key}
              row={row}
              index={v.index}
              top={v.index * rowHeight}
              scale={scale}
              title={row.bar.kind === 'node' ? title(row.bar.node) : row.bar.title}
              critical={critical.has(row.bar.key)}
              chosen={row.bar.node !== '' && row.bar.node === node}
              onNode={onNode}
              onTurn={turn}
            />
          );
        })}
      </ol>
      {now !== undefined && now >= scale.from && now <= scale.to && (
        <div className={own.over}>
          <div className={own.now} style={{ left: `${scale.at(now)}%` }}>
            <span>now</span>
          </div>
        </div>
      )}
    </div>
  );
}

/** over is the row of the group that a row is in. */
function over(rows: readonly { level: number }[], i: number): number {
  const level = rows[i]?.level ?? 0;
  for (let k = i - 1; k >= 0; k--) if ((rows[k]?.level ?? 0) < level) return k;
  return i;
}
