import { useNavigate } from '@tanstack/react-router';
import { type KeyboardEvent, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react';
import { call, type Schemas } from '../../api/client';
import { useLive, useRobots } from '../../parts/live';
import parts from '../../parts/parts';
import { lightWanted } from '../../parts/prefs';
import { label } from '../../parts/words';
import type { Actions } from './actions';
import { heading, indexAt, layout, paint, placeOf, step } from './cells';
import { frame, shape, silent } from './draw';
import css from './grid.module.css';
import { Card, type Place } from './Peek';
import { count, type Grouping, groupings, listOf, type RobotSearch, statuses, type Tint, tints } from './rows';
import { useLimits } from './use';

const patience = 350;
const tintNames: Record<Tint, string> = { status: 'Status', cpu: 'CPU', memory: 'Memory', success: 'Success in 24 h', version: 'Version' };

interface Props {
  search: RobotSearch;
  set: (more: { [K in keyof RobotSearch]: RobotSearch[K] | undefined }) => void;
  actions: Actions;
}

/** colours are those of the page, by what a cell says. They are read anew when the theme changes. */
function useColours(): (key: string) => string {
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const m = window.matchMedia(lightWanted);
    const again = () => setTurn((n) => n + 1);
    m.addEventListener('change', again);
    return () => m.removeEventListener('change', again);
  }, []);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the theme has changed
  return useMemo(() => {
    const style = getComputedStyle(document.documentElement);
    const of = (name: string) => style.getPropertyValue(name).trim();
    const known: Record<string, string> = {
      online: of('--status-online'),
      busy: of('--status-busy'),
      offline: of('--status-offline'),
      error: of('--status-offline'),
      maintenance: of('--status-off'),
      paused: of('--status-off'),
      draining: of('--status-off'),
      '': of('--ink-3'),
      ink: of('--ink-2'),
      focus: of('--focus'),
      warn: of('--warn'),
    };
    for (let i = 0; i < 6; i++) {
      known[`step-${i}`] = of(`--heat-${i}`);
      known[`category-${i}`] = of(`--category-${i}`);
    }
    return (key: string) => known[key] ?? known[''] ?? '#888';
  }, [turn]);
}

/** RobotGrid is the whole fleet at once: a cell for each robot, on one canvas that is as large as what is seen of it. */
export default function RobotGrid({ search, set, actions }: Props) {
  const robots = useRobots();
  const { rows } = listOf(robots, search);
  const by = (search.group ?? 'environment') as Grouping;
  const tint = (search.tint ?? 'status') as Tint;
  const limits = useLimits();
  const navigate = useNavigate();
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const [size, setSize] = useState({ width: 800, height: 400 });
  const [top, setTop] = useState(0);
  const [on, setOn] = useState(''); // the robot on which the keys are
  const [hover, setHover] = useState<Place>();
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const fleetState = useLive<Schemas['FleetHealth'] | null>(`success ${tint === 'success'}`, {
    topics: [],
    ask: (s) => (tint === 'success' ? call('GET', '/fleet/health/summary?success=true', undefined, s) : Promise.resolve(null)),
    take: () => undefined,
  });
  const success = fleetState.data?.success;
  const map = useMemo(() => layout(rows, by, size.width), [rows, by, size.width]);
  const brush = useMemo(() => paint(tint, rows, success), [tint, rows, success]);
  const colour = useColours();
  const index = on === '' ? -1 : map.order.findIndex((r) => r.robot_id === on);
  useLayoutEffect(() => {
    const el = box.current;
    if (!el) return;
    const measure = () => setSize({ width: el.clientWidth - 16, height: el.clientHeight });
    measure();
    const o = new ResizeObserver(measure);
    o.observe(el);
    return () => o.disconnect();
  }, []);
  useLayoutEffect(() => {
    const el = canvas.current;
    const pen = el?.getContext('2d');
    if (!el || !pen) return;
    const sharp = window.devicePixelRatio || 1;
    el.width = size.width * sharp;
    el.height = size.height * sharp;
    pen.setTransform(sharp, 0, 0, sharp, 0, -top * sharp);
    pen.clearRect(0, top, size.width, size.height);
    pen.font = '500 12.5px "Inter Variable", sans-serif';
    pen.textBaseline = 'middle';
    for (const g of map.groups) {
      if (g.top > top + size.height) break;
      pen.fillStyle = colour('ink');
      pen.fillText(`${g.name} · ${count(g.robots.length)}`, 1, g.top + heading / 2);
      for (let i = 0; i < g.robots.length; i++) {
        const r = g.robots[i];
        const at = placeOf(map, g.from + i);
        if (!r || !at || at.y + 20 < top) continue;
        if (at.y > top + size.height) break;
        shape(pen, r.status, colour(brush.of(r)), at.x, at.y);
        if (r.silent && r.status !== 'offline') silent(pen, colour('warn'), at.x, at.y);
      }
    }
    const here = index < 0 ? undefined : placeOf(map, index);
    if (here) frame(pen, colour('focus'), here.x, here.y);
  }, [map, brush, colour, size, top, index]);
  const show = (i: number) => {
    const at = placeOf(map, i);
    const el = box.current;
    if (!at || !el) return;
    if (at.y < el.scrollTop + heading) el.scrollTop = Math.max(0, at.y - heading);
    else if (at.y + 24 > el.scrollTop + el.clientHeight) el.scrollTop = at.y + 24 - el.clientHeight;
  };
  const key = (e: KeyboardEvent) => {
    if (['ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown', 'Home', 'End'].includes(e.key)) {
      const next = step(map, index, e.key);
      const id = map.order[next]?.robot_id ?? '';
      setOn(id);
      show(next);
      if (search.peek) set({ peek: id });
    } else if (e.key === 'Enter' && on) void navigate({ to: '/fleet/robots/$id', params: { id: on } });
    else if (e.key === ' ' && on) set({ peek: search.peek === on ? undefined : on });
    else if (e.key === 'Escape' && (search.peek || hover)) {
      setHover(undefined);
      set({ peek: undefined });
    } else return;
    e.preventDefault();
    e.stopPropagation();
  };
  const at = (e: { clientX: number; clientY: number }) => {
    const r = canvas.current?.getBoundingClientRect();
    return r ? indexAt(map, e.clientX - r.left, e.clientY - r.top + top) : -1;
  };
  const move = (e: React.PointerEvent) => {
    const r = map.order[at(e)];
    clearTimeout(timer.current);
    if (!r) timer.current = setTimeout(() => setHover(undefined), 200);
    else if (r.robot_id !== hover?.id) {
      const [left, y] = [e.clientX + 8, e.clientY];
      timer.current = setTimeout(() => setHover({ id: r.robot_id, left, top: y - 8, bottom: y + 8 }), patience);
    }
  };
  const here = map.order[index];
  const counts = useMemo(() => {
    const out = new Map<string, number>();
    for (const r of rows) out.set(r.status, (out.get(r.status) ?? 0) + 1);
    return out;
  }, [rows]);
  const say = `${count(rows.length)} robots: ${statuses.flatMap((w) => (counts.get(w) ? [`${count(counts.get(w) ?? 0)} ${w}`] : [])).join(', ')}`;
  return (
    <>
      <div className={css.bar}>
        <label>
          Group by{' '}
          <select value={by} onChange={(e) => set({ group: e.target.value })}>
            {groupings.map((g) => (
              <option key={g} value={g}>
                {label(g)}
              </option>
            ))}
          </select>
        </label>
        <label>
          Colour by{' '}
          <select value={tint} onChange={(e) => set({ tint: e.target.value })}>
            {tints.map((t) => (
              <option key={t} value={t}>
                {tintNames[t]}
              </option>
            ))}
          </select>
        </label>
        <ul className={css.legend} aria-label="Legend">
          {statuses.map((w) => (
            <li key={w}>
              <Shape status={w} colour={colour(tint === 'status' ? w : 'ink')} /> {label(w)}
            </li>
          ))}
          {brush.legend.map((l) => (
            <li key={l.key}>
              <span className={css.key} style={{ background: colour(l.key) }} aria-hidden="true" /> {l.name}
            </li>
          ))}
          {tint !== 'status' && (
            <li>
              <span className={css.key} style={{ background: colour('') }} aria-hidden="true" /> not known
            </li>
          )}
        </ul>
        <button type="button" onClick={() => set({ view: undefined })}>
          View as table
        </button>
      </div>
      <div
        ref={box}
        className={css.box}
        role="application"
        aria-label={`Grid of ${say}. Arrows go from robot to robot, Enter opens one.`}
        tabIndex={0}
        onScroll={(e) => {
          setTop(e.currentTarget.scrollTop);
          setHover(undefined);
        }}
        onKeyDown={key}
        onFocus={() => on === '' && setOn(map.order[0]?.robot_id ?? '')}
      >
        <canvas
          ref={canvas}
          className={css.canvas}
          style={{ width: size.width, height: size.height }}
          onPointerMove={move}
          onPointerLeave={() => {
            clearTimeout(timer.current);
            timer.current = setTimeout(() => setHover(undefined), 200);
          }}
          onClick={(e) => {
            const r = map.order[at(e)];
            if (r) {
              setOn(r.robot_id);
              set({ peek: r.robot_id });
            }
          }}
          onDoubleClick={(e) => {
            const r = map.order[at(e)];
            if (r) void navigate({ to: '/fleet/robots/$id', params: { id: r.robot_id } });
          }}
        />
        <div style={{ height: Math.max(0, map.height - size.height) }} />
      </div>
      <p className={parts.fact} role="status">
        {here
          ? `${here.name || here.robot_id}: ${label(here.status)}${here.silent && here.status !== 'offline' ? ', silent' : ''}, ${here.current_jobs}/${here.max_concurrent_jobs} jobs${here.status === 'offline' ? '' : `, CPU ${Math.round(here.cpu_percent)} %`}${success?.[here.robot_id] === undefined ? '' : `, ${Math.round(success[here.robot_id] ?? 0)} % of its jobs succeeded`}`
          : say}
      </p>
      {search.peek ? (
        <Card key={search.peek} id={search.peek} limits={limits} onClose={() => set({ peek: undefined })} onMaintenance={actions.maintenance} />
      ) : (
        hover && (
          <Card
            key={hover.id}
            id={hover.id}
            place={hover}
            limits={limits}
            onClose={() => setHover(undefined)}
            onMaintenance={actions.maintenance}
            onEnter={() => clearTimeout(timer.current)}
            onLeave={() => setHover(undefined)}
          />
        )
      )}
    </>
  );
}

/** Shape is the shape of a status as the cells have it. */
function Shape({ status, colour }: { status: string; colour: string }) {
  const ref = useRef<HTMLCanvasElement>(null);
  useLayoutEffect(() => {
    const pen = ref.current?.getContext('2d');
    if (!pen) return;
    pen.setTransform(2, 0, 0, 2, 0, 0);
    pen.clearRect(0, 0, 14, 14);
    shape(pen, status, colour, 0, 0);
  }, [status, colour]);
  return <canvas ref={ref} width={28} height={28} className={css.shape} />;
}
