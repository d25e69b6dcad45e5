import { Link, useNavigate } from '@tanstack/react-router';
import { useVirtualizer } from '@tanstack/react-virtual';
import { memo, useMemo, useRef, useState } from 'react';
import { useCursor } from '../../parts/cursor';
import { FleetTabs } from '../../parts/FleetTabs';
import { useHeld } from '../../parts/held';
import { useCommands } from '../../parts/keys';
import { stream, useFleetList, useRobot } from '../../parts/live';
import css from '../../parts/parts.module.css';
import { capabilities } from '../../parts/RobotPicker/picker';
import { Empty, Fault, Loading } from '../../parts/States';
import { Status } from '../../parts/Status';
import { useMay } from '../../parts/session';
import { Ago } from '../../parts/Time';
import { Views } from '../../parts/Views';
import { label } from '../../parts/words';
import { BulkBar, type BulkKind } from './BulkBar';
import { counts, type RobotSearch, robotSearch, shown, statuses } from './rows';

const columns = '40px 150px minmax(160px, 1.4fr) 120px 70px 70px 90px minmax(160px, 1fr) 130px';
const heads = ['', 'Status', 'Name', 'Environment', 'Jobs', 'CPU', 'Memory', 'Capabilities', 'Last heartbeat'];

/** RobotsPage lists the robots of the fleet; its address carries the filters. */
export function RobotsPage({ search, onSearch }: { search: RobotSearch; onSearch: (s: RobotSearch) => void }) {
  const fleet = useFleetList();
  const may = useMay('robots:operate') ?? false;
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const box = useRef<HTMLDivElement>(null);
  const [over, setOver] = useState(false);
  const walked = useRef(false); // somebody goes through the rows by key
  const filters = useRef<HTMLSelectElement>(null);
  const all = fleet.robots;
  const rows = useMemo(() => shown(all, search), [all, search]);
  const count = useMemo(() => counts(all), [all]);
  const ids = useMemo(() => rows.map((r) => r.robot_id), [rows]);
  // Nothing moves under the hand: who is in the list and in which order changes when the pointer has left it.
  const held = useHeld(ids, over || walked.current || chosen.size > 0, JSON.stringify(search));
  const virtual = useVirtualizer({ count: held.ids.length, getScrollElement: () => box.current, estimateSize: () => 34, overscan: 10 });
  const toggle = (id: string) =>
    setChosen((was) => {
      const next = new Set(was);
      if (!next.delete(id)) next.add(id);
      return next;
    });
  const [kind, setKind] = useState<BulkKind>();
  const navigate = useNavigate();
  const cursor = useCursor({
    ids: held.ids,
    open: (id) => void navigate({ to: '/fleet/robots/$id', params: { id } }),
    toggle,
    show: (i) => virtual.scrollToIndex(i),
    more: (id) => {
      const why = may ? {} : { why: 'Your role can see robots but not operate them.' };
      const ask = (k: BulkKind) => () => {
        if (chosen.size === 0 && id === undefined) return;
        if (chosen.size === 0 && id !== undefined) setChosen(new Set([id]));
        setKind(k);
      };
      const paused = id !== undefined && all.find((r) => r.robot_id === id)?.status === 'paused';
      const group = 'The row, or those that are chosen';
      return [
        { name: 'Maintenance…', group, keys: 'm', run: ask('maintenance'), ...why },
        { name: paused ? 'Resume…' : 'Pause…', group, keys: 'p', run: ask(paused ? 'resume' : 'pause'), ...why },
        { name: 'Restart…', group, keys: 'Shift R', run: ask('restart'), ...why },
        { name: 'Stop…', group, keys: 'Shift S', run: ask('stop'), ...why },
      ];
    },
  });
  walked.current = cursor !== undefined;
  useCommands([
    { name: 'Choose all that match', group: 'In this list', keys: 'Ctrl A', run: () => setChosen(new Set(held.ids)) },
    { name: 'Filter', group: 'In this list', keys: 'f', run: () => filters.current?.focus() },
    ...(held.waiting > 0 ? [{ name: 'Show who changed places', group: 'In this list', keys: '.', run: held.apply }] : []),
  ]);
  const selected = all.filter((r) => chosen.has(r.robot_id));
  const set = (more: { [K in keyof RobotSearch]: RobotSearch[K] | undefined }) =>
    onSearch(Object.fromEntries(Object.entries({ ...search, ...more }).filter(([, v]) => v)) as RobotSearch);
  const filtered = search.q || search.status || search.cap;
  return (
    <div className={`${css.page} ${css.fixed}`}>
      <div className={css.head}>
        <h1>Robots</h1>
        {fleet.loaded && (
          <span className={css.fact}>
            {rows.length} of {all.length} robots
          </span>
        )}
        {held.waiting > 0 && (
          <button type="button" onClick={held.apply}>
            {held.waiting} changed places. Show
          </button>
        )}
      </div>
      <FleetTabs />
      <div className={css.bar}>
        <Views page="robots" query={{ ...search } as Record<string, string>} onQuery={(q) => onSearch(robotSearch(q))} />
        <input type="search" aria-label="Search robots" placeholder="Search" value={search.q ?? ''} onChange={(e) => set({ q: e.target.value || undefined })} />
        <select ref={filters} aria-label="Capability" value={search.cap ?? ''} onChange={(e) => set({ cap: e.target.value || undefined })}>
          <option value="">Any capability</option>
          {capabilities.map((c) => (
            <option key={c.word} value={c.word}>
              {c.name}
            </option>
          ))}
        </select>
        {statuses.map((w) => (
          <button key={w} type="button" aria-pressed={search.status === w} onClick={() => set({ status: search.status === w ? undefined : w })}>
            {label(w)} {count.get(w) ?? 0}
          </button>
        ))}
      </div>
      {fleet.error && <Fault error={fleet.error} asOf={fleet.loaded ? fleet.asOf : ''} again={() => stream.retry()} />}
      {selected.length > 0 && <BulkBar robots={selected} may={may} kind={kind} setKind={setKind} onClear={() => setChosen(new Set())} />}
      {!fleet.loaded && !fleet.error && <Loading what="robots" />}
      {fleet.loaded && all.length === 0 && (
        <Empty command="fleet robot enrol --help">
          No robots yet. A robot is a machine that runs your workflows. Make an enrolment token, then enrol the machine with it.
        </Empty>
      )}
      {all.length > 0 && rows.length === 0 && filtered && (
        <div className={css.empty}>
          <p>No robot matches these filters.</p>
          <button type="button" onClick={() => onSearch({})}>
            Clear filters
          </button>
        </div>
      )}
      {held.ids.length > 0 && (
        <div
          ref={box}
          className={css.grid}
          role="table"
          aria-label="Robots"
          aria-rowcount={held.ids.length + 1}
          tabIndex={0}
          onPointerEnter={() => setOver(true)}
          onPointerLeave={() => setOver(false)}
        >
          <div role="rowgroup">
            <div className={`${css.row} ${css.header}`} role="row" aria-rowindex={1} style={{ gridTemplateColumns: columns }}>
              {heads.map((h) => (
                <span key={h} role="columnheader">
                  {h || <span style={{ position: 'absolute', clipPath: 'inset(50%)' }}>Select</span>}
                </span>
              ))}
            </div>
          </div>
          <div role="rowgroup" style={{ position: 'relative', height: virtual.getTotalSize(), minWidth: 1000 }}>
            {virtual.getVirtualItems().map((v) => {
              const id = held.ids[v.index];
              return id && <Row key={id} id={id} index={v.index} top={v.start} chosen={chosen.has(id)} here={id === cursor} onToggle={toggle} />;
            })}
          </div>
        </div>
      )}
    </div>
  );
}

/** Row reads its own robot, so that an update draws this row and nothing else. */
const Row = memo(function Row({
  id,
  index,
  top,
  chosen,
  here: cursor,
  onToggle,
}: {
  id: string;
  index: number;
  top: number;
  chosen: boolean;
  here: boolean; // the keys are on it
  onToggle: (id: string) => void;
}) {
  const r = useRobot(id);
  const style = { gridTemplateColumns: columns, position: 'absolute', left: 0, right: 0, transform: `translateY(${top}px)` } as const;
  if (!r)
    return (
      <div className={css.row} role="row" aria-rowindex={index + 2} style={style}>
        <span role="cell" />
        <span role="cell">Deleted</span>
        <span role="cell" className={css.mono}>
          {id}
        </span>
      </div>
    );
  const name = r.name || r.robot_id;
  const caps = r.capabilities.map((w) => capabilities.find((c) => c.word === w)?.name ?? w).join(', ');
  const here = r.status !== 'offline';
  return (
    <div className={css.row} role="row" aria-rowindex={index + 2} data-here={cursor || undefined} style={style}>
      <span role="cell">
        <input type="checkbox" aria-label={`Select ${name}`} checked={chosen} onChange={() => onToggle(id)} style={{ width: 24, height: 24, margin: 0 }} />
      </span>
      <span role="cell">
        <Status word={r.status} {...(r.reason ? { title: r.reason } : {})} {...(r.silent && here ? { more: '· silent' } : {})} />
      </span>
      <span role="cell" className={css.mono}>
        <Link to="/fleet/robots/$id" params={{ id }} title={r.hostname}>
          {name}
        </Link>
      </span>
      <span role="cell">{r.environment}</span>
      <span role="cell">
        {r.current_jobs}/{r.max_concurrent_jobs}
      </span>
      <span role="cell">{here ? `${Math.round(r.cpu_percent)} %` : '–'}</span>
      <span role="cell">{here ? `${Math.round(r.memory_mb)} MB` : '–'}</span>
      <span role="cell" title={caps}>
        {caps || '–'}
      </span>
      <span role="cell">
        <Ago at={r.last_heartbeat} />
      </span>
    </div>
  );
});
