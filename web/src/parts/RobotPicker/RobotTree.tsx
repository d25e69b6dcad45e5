import { useVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useId, useMemo, useRef, useState } from 'react';
import { label, shapes } from '../words';
import { Any, further, type Group, known, type PickerRobot } from './picker';
import css from './RobotPicker.module.css';

type Row = { kind: 'group'; name: string; size: number; open: boolean } | { kind: 'any' } | { kind: 'robot'; robot: PickerRobot; level: number };

export interface RobotTreeProps {
  groups: readonly Group[];
  any: boolean;
  disabled: boolean;
  dimmed: boolean;
  selected: string | null;
  empty: string;
  onSelect: (id: string) => void;
  onQuick: (id: string) => void;
  onPeek: (id: string) => void;
}

const height = 28;
const many = 200; // rows from which only those in sight are drawn

/** RobotTree is the list: a tree of one level with single selection. */
export function RobotTree(p: RobotTreeProps) {
  const [closed, setClosed] = useState<ReadonlySet<string>>(new Set());
  const [at, setAt] = useState(0);
  const typed = useRef({ text: '', when: 0 });
  const box = useRef<HTMLDivElement>(null);
  const id = useId();

  const rows = useMemo<Row[]>(() => {
    const out: Row[] = p.any ? [{ kind: 'any' }] : [];
    for (const g of p.groups) {
      const open = !closed.has(g.name);
      if (g.name) out.push({ kind: 'group', name: g.name, size: g.robots.length, open });
      if (open) for (const robot of g.robots) out.push({ kind: 'robot', robot, level: g.name ? 2 : 1 });
    }
    return out;
  }, [p.groups, p.any, closed]);

  const virtual = rows.length > many;
  const v = useVirtualizer({ count: virtual ? rows.length : 0, getScrollElement: () => box.current, estimateSize: () => height, overscan: 8 });
  useEffect(() => {
    if (at >= rows.length) setAt(Math.max(0, rows.length - 1));
  }, [at, rows.length]);

  const toggle = (name: string) =>
    setClosed((c) => {
      const next = new Set(c);
      if (!next.delete(name)) next.add(name);
      return next;
    });
  const choose = (row: Row | undefined) => {
    if (row?.kind === 'any') p.onSelect(Any);
    else if (row?.kind === 'robot') p.onSelect(row.robot.id);
  };
  const go = (to: number) => {
    const i = Math.max(0, Math.min(rows.length - 1, to));
    setAt(i);
    choose(rows[i]);
    if (virtual) v.scrollToIndex(i);
    else box.current?.querySelector(`[data-row="${i}"]`)?.scrollIntoView?.({ block: 'nearest' });
  };
  const keys = (e: React.KeyboardEvent) => {
    if (p.disabled || e.ctrlKey || e.metaKey || e.altKey) return;
    const row = rows[at];
    if (e.key === 'ArrowDown') go(at + 1);
    else if (e.key === 'ArrowUp') go(at - 1);
    else if (e.key === 'Home') go(0);
    else if (e.key === 'End') go(rows.length - 1);
    else if (e.key === 'ArrowLeft' && row?.kind === 'group' && row.open) toggle(row.name);
    else if (e.key === 'ArrowRight' && row?.kind === 'group' && !row.open) toggle(row.name);
    else if (e.key === ' ' && row?.kind === 'robot') p.onPeek(row.robot.id);
    else if (e.key === 'Enter' || e.key === ' ') row?.kind === 'group' ? toggle(row.name) : choose(row);
    else if (e.key.length === 1) jump(e);
    else return;
    e.preventDefault();
    e.stopPropagation();
  };
  const jump = (e: React.KeyboardEvent) => {
    const now = e.timeStamp;
    typed.current = { text: now - typed.current.when < 800 ? typed.current.text + e.key.toLowerCase() : e.key.toLowerCase(), when: now };
    const i = rows.findIndex((r) => r.kind === 'robot' && r.robot.name.toLowerCase().startsWith(typed.current.text));
    if (i >= 0) go(i);
  };

  const draw = (i: number, top?: number) => {
    const row = rows[i];
    if (!row) return null;
    const style = top === undefined ? undefined : { position: 'absolute' as const, top, left: 0, right: 0 };
    const common = {
      id: `${id}-${i}`,
      'data-row': i,
      'data-odd': i % 2 === 1 || undefined,
      'data-at': i === at || undefined,
      style,
      role: 'row',
      'aria-rowindex': i + 2,
    };
    if (row.kind === 'group')
      return (
        <div key={`g ${row.name}`} {...common} className={css.group} aria-level={1} aria-expanded={row.open} onClick={() => !p.disabled && toggle(row.name)}>
          <span role="gridcell" aria-colspan={4}>
            <span aria-hidden>{row.open ? '▾' : '▸'}</span> {row.name} ({row.size})
          </span>
        </div>
      );
    const key = row.kind === 'any' ? Any : row.robot.id;
    const on = p.selected === key;
    return (
      <div
        key={key}
        {...common}
        className={css.row}
        aria-level={row.kind === 'any' ? 1 : row.level}
        aria-selected={on}
        onClick={() => {
          if (p.disabled) return;
          setAt(i);
          p.onSelect(key);
        }}
        onDoubleClick={() => !p.disabled && p.onQuick(key)}
      >
        {row.kind === 'any' ? <AnyCells /> : <RobotCells robot={row.robot} inset={row.level === 2} />}
      </div>
    );
  };

  return (
    <div
      ref={box}
      className={css.tree}
      role="treegrid"
      aria-label="Robots"
      aria-disabled={p.disabled}
      aria-rowcount={rows.length + 1}
      aria-activedescendant={rows.length > 0 ? `${id}-${at}` : undefined}
      tabIndex={0}
      data-dimmed={p.dimmed || undefined}
      onKeyDown={keys}
    >
      <div role="row" className={css.columns} aria-rowindex={1}>
        <span role="columnheader">Name</span>
        <span role="columnheader">Status</span>
        <span role="columnheader">Jobs</span>
        <span role="columnheader">Capabilities</span>
      </div>
      {virtual ? (
        <div role="rowgroup" style={{ height: v.getTotalSize(), position: 'relative' }}>
          {v.getVirtualItems().map((it) => draw(it.index, it.start))}
        </div>
      ) : (
        <div role="rowgroup">{rows.map((_, i) => draw(i))}</div>
      )}
      {p.groups.length === 0 && <p className={css.empty}>{p.empty}</p>}
    </div>
  );
}

function AnyCells() {
  return (
    <>
      <span role="gridcell" className={css.any} aria-colspan={2} title="The least busy robot that fits">
        Any suitable robot
      </span>
      <span role="gridcell">–</span>
      <span role="gridcell">–</span>
    </>
  );
}

function RobotCells({ robot: r, inset }: { robot: PickerRobot; inset: boolean }) {
  const caps = known(r);
  const full = [...caps.map((c) => c.name), ...further(r)].join(', ') || 'none';
  return (
    <>
      <span role="gridcell" className={css.name} data-inset={inset || undefined} title={r.hostname ? `${r.name} on ${r.hostname}` : r.name}>
        {r.name}
      </span>
      <span role="gridcell" className={css.word} data-status={r.status} title={r.reason}>
        <span aria-hidden className={css.glyph}>
          {shapes[r.status]}
        </span>{' '}
        {label(r.status)}
      </span>
      <span role="gridcell" className={css.jobs}>
        {r.currentJobs}/{r.maxJobs}
      </span>
      <span role="gridcell" className={css.caps} title={full} aria-label={full}>
        {caps.map((c) => c.letter).join(' ')}
        {further(r).length > 0 ? ` +${further(r).length}` : ''}
      </span>
    </>
  );
}
