import { Link } from '@tanstack/react-router';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useMemo, useRef, useState } from 'react';
import { allRobots, call, type Me, type Robot } from '../../api/client';
import { useAsk } from '../../parts/ask';
import { FleetTabs } from '../../parts/FleetTabs';
import css from '../../parts/parts.module.css';
import { capabilities } from '../../parts/RobotPicker/picker';
import { Empty, Fault, Loading } from '../../parts/States';
import { Status } from '../../parts/Status';
import { Ago } from '../../parts/Time';
import { label } from '../../parts/words';
import { BulkBar } from './BulkBar';
import { counts, type RobotSearch, shown, slots, statuses } from './rows';

const columns = '40px 150px minmax(160px, 1.4fr) 120px 80px 90px minmax(160px, 1fr) 130px';
const heads = ['', 'Status', 'Name', 'Environment', 'Jobs', 'CPU', 'Capabilities', 'Last heartbeat'];

/** RobotsPage lists the robots of the fleet; its address carries the filters. */
export function RobotsPage({ search, onSearch }: { search: RobotSearch; onSearch: (s: RobotSearch) => void }) {
  const fleet = useAsk('robots', allRobots, 3000);
  const me = useAsk('me', (s) => call<Me>('GET', '/me', undefined, s));
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const box = useRef<HTMLDivElement>(null);
  const all = useMemo(() => fleet.data?.robots ?? [], [fleet.data]);
  const rows = useMemo(() => shown(all, search), [all, search]);
  const count = useMemo(() => counts(all), [all]);
  const virtual = useVirtualizer({ count: rows.length, getScrollElement: () => box.current, estimateSize: () => 34, overscan: 10 });
  const toggle = (id: string) =>
    setChosen((was) => {
      const next = new Set(was);
      if (!next.delete(id)) next.add(id);
      return next;
    });
  const selected = all.filter((r) => chosen.has(r.robot_id));
  const set = (more: { [K in keyof RobotSearch]: RobotSearch[K] | undefined }) =>
    onSearch(Object.fromEntries(Object.entries({ ...search, ...more }).filter(([, v]) => v)) as RobotSearch);
  const filtered = search.q || search.status || search.cap;
  const may = me.data?.permissions.some((p) => p === 'robots:operate') ?? false;
  return (
    <div className={`${css.page} ${css.fixed}`}>
      <div className={css.head}>
        <h1>Robots</h1>
        {fleet.data && (
          <span className={css.fact} role="status">
            {rows.length} of {fleet.data.total} robots
          </span>
        )}
      </div>
      <FleetTabs />
      <div className={css.bar}>
        <input type="search" aria-label="Search robots" placeholder="Search" value={search.q ?? ''} onChange={(e) => set({ q: e.target.value || undefined })} />
        <select aria-label="Capability" value={search.cap ?? ''} onChange={(e) => set({ cap: e.target.value || undefined })}>
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
      {fleet.error && <Fault error={fleet.error} asOf={fleet.data ? fleet.asOf : ''} again={fleet.again} />}
      {selected.length > 0 && <BulkBar robots={selected} may={may} onClear={() => setChosen(new Set())} onDone={fleet.again} />}
      {!fleet.data && !fleet.error && <Loading what="robots" />}
      {fleet.data && all.length === 0 && (
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
      {rows.length > 0 && (
        <div ref={box} className={css.grid} role="table" aria-label="Robots" aria-rowcount={rows.length + 1} tabIndex={0}>
          <div role="rowgroup">
            <div className={`${css.row} ${css.header}`} role="row" aria-rowindex={1} style={{ gridTemplateColumns: columns }}>
              {heads.map((h) => (
                <span key={h} role="columnheader">
                  {h || <span style={{ position: 'absolute', clipPath: 'inset(50%)' }}>Select</span>}
                </span>
              ))}
            </div>
          </div>
          <div role="rowgroup" style={{ position: 'relative', height: virtual.getTotalSize(), minWidth: 900 }}>
            {virtual.getVirtualItems().map((v) => {
              const r = rows[v.index];
              return r && <Row key={r.robot_id} robot={r} index={v.index} top={v.start} chosen={chosen.has(r.robot_id)} onToggle={toggle} />;
            })}
          </div>
        </div>
      )}
    </div>
  );
}

function Row({ robot: r, index, top, chosen, onToggle }: { robot: Robot; index: number; top: number; chosen: boolean; onToggle: (id: string) => void }) {
  const name = r.name || r.robot_id;
  const caps = r.capabilities.map((w) => capabilities.find((c) => c.word === w)?.name ?? w).join(', ');
  return (
    <div
      className={css.row}
      role="row"
      aria-rowindex={index + 2}
      style={{ gridTemplateColumns: columns, position: 'absolute', left: 0, right: 0, transform: `translateY(${top}px)` }}
    >
      <span role="cell">
        <input
          type="checkbox"
          aria-label={`Select ${name}`}
          checked={chosen}
          onChange={() => onToggle(r.robot_id)}
          style={{ width: 24, height: 24, margin: 0 }}
        />
      </span>
      <span role="cell">
        <Status word={r.status} {...(r.mode_note ? { title: r.mode_note } : {})} {...(r.suspect && r.status !== 'offline' ? { more: '· silent' } : {})} />
      </span>
      <span role="cell" className={css.mono}>
        <Link to="/fleet/robots/$id" params={{ id: r.robot_id }} title={r.hostname}>
          {name}
        </Link>
      </span>
      <span role="cell">{r.environment}</span>
      <span role="cell">
        {r.current_jobs}/{slots(r)}
      </span>
      <span role="cell">{r.connected ? `${Math.round(r.metrics.cpu_percent)} %` : '–'}</span>
      <span role="cell" title={caps}>
        {caps || '–'}
      </span>
      <span role="cell">
        <Ago at={r.last_seen} />
      </span>
    </div>
  );
}
