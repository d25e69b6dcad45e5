import { useNavigate } from '@tanstack/react-router';
import { useVirtualizer } from '@tanstack/react-virtual';
import { memo, useEffect, useMemo, useRef, useState } from 'react';
import type { LiveRobot } from '../../live/frames';
import { useCursor } from '../../parts/cursor';
import { useHeld } from '../../parts/held';
import { useCommands } from '../../parts/keys';
import { fleet } from '../../parts/live';
import { useNarrow } from '../../parts/narrow';
import { rowHeight } from '../../parts/prefs';
import type { Item } from '../../parts/RowMenu';
import { useMay } from '../../parts/session';
import { useSoon } from '../../parts/soon';
import type { Actions } from './actions';
import { Peeks } from './Peek';
import { RobotRow } from './RobotRow';
import css from './robots.module.css';
import { nextSort, type RobotSearch, type Sort } from './rows';
import { useDetails, useLimits, useListed, useStable } from './use';
import type { Choice } from './useChoice';

const heads: readonly { name: string; sort?: Sort; width: string; tenant?: boolean }[] = [
  { name: 'Status', sort: 'status', width: '138px' },
  { name: 'Name', sort: 'name', width: 'minmax(104px, 1.1fr)' },
  { name: 'Environment', sort: 'environment', width: '88px' },
  { name: 'Tenant', width: '76px', tenant: true },
  { name: 'Jobs', sort: 'jobs', width: '80px' },
  { name: 'CPU', sort: 'cpu', width: '96px' },
  { name: 'Memory', sort: 'memory', width: '64px' },
  { name: 'Capabilities', width: 'minmax(98px, 1fr)' },
  { name: 'Current job', width: 'minmax(120px, 1.2fr)' },
  { name: 'Health', width: 'minmax(104px, 1.4fr)' },
  { name: 'Last heartbeat', sort: 'heartbeat', width: '108px' },
];

/** columnsOf are the columns of the list as a grid has them. */
function columnsOf(narrow: boolean, everywhere: boolean) {
  const shown = heads.filter((h) => !h.tenant || everywhere);
  return { shown, columns: narrow ? '36px minmax(0, 1fr) max-content 40px' : `32px ${shown.map((h) => h.width).join(' ')} 36px` };
}

/** Waiting stands where the list will be, in its columns. */
export function Waiting() {
  const everywhere = useMay('system:read') ?? false;
  const narrow = useNarrow();
  const soon = useSoon();
  const { shown, columns } = columnsOf(narrow, everywhere);
  return (
    <div className={css.grid}>
      <span role="status" className={css.hidden}>
        Loading robots…
      </span>
      {soon && (
        <div aria-hidden="true">
          {!narrow && (
            <div className={`${css.row} ${css.header}`} style={{ gridTemplateColumns: columns }}>
              <span />
              {shown.map((h) => (
                <span key={h.name}>{h.name}</span>
              ))}
            </div>
          )}
          {Array.from({ length: 12 }, (_, i) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: they are all alike
            <div key={i} className={css.row} style={{ gridTemplateColumns: columns }}>
              <span />
              {(narrow ? ['Name', 'Jobs'] : shown.map((h) => h.name)).map((n) => (
                <span key={n}>
                  <i className={css.bone} />
                </span>
              ))}
            </div>
          ))}
        </div>
      )}
    </div>
  );
}

interface Props {
  search: RobotSearch;
  set: (more: { [K in keyof RobotSearch]: RobotSearch[K] | undefined }) => void;
  choice: Choice;
  actions: Actions;
}

/** RobotTable is the list itself. It draws when who is in it changes, never when a robot does: rows see to themselves. */
export const RobotTable = memo(function RobotTable({ search, set, choice, actions }: Props) {
  const { rows } = useListed(search);
  const everywhere = useMay('system:read') ?? false;
  const narrow = useNarrow();
  const limits = useLimits();
  const details = useDetails();
  const box = useRef<HTMLDivElement>(null);
  const first = useRef<HTMLButtonElement>(null);
  const [over, setOver] = useState(false);
  const [menu, setMenu] = useState('');
  const walked = useRef(false); // somebody goes through the rows by key
  const { shown, columns } = columnsOf(narrow, everywhere);
  const ids = useMemo(() => rows.map((r) => r.robot_id), [rows]);
  // Nothing moves under the hand: who is in the list and in which order changes when the pointer has left it.
  const question = [search.q, search.status, search.cap, search.env, search.tag, search.sort].join('\n');
  const held = useHeld(ids, over || walked.current || menu !== '' || choice.count > 0, question);
  const matching = useMemo(() => (held.waiting > 0 ? new Set(ids) : undefined), [held.waiting, ids]);
  const height = narrow ? 56 : rowHeight();
  const virtual = useVirtualizer({ count: held.ids.length, getScrollElement: () => box.current, estimateSize: () => height, overscan: 10 });
  // biome-ignore lint/correctness/useExhaustiveDependencies: the height of rows has changed
  useEffect(() => virtual.measure(), [height]);
  const onToggle = useStable((id: string, range: boolean) => (range ? choice.range(id, held.ids) : choice.toggle(id, held.ids)));
  const onMenu = useStable((id: string, open: boolean) => setMenu(open ? id : ''));
  const itemsOf = useStable((r: LiveRobot): readonly Item[] => actions.items(r));
  const navigate = useNavigate();
  const peek = (id: string) => set({ peek: search.peek === id ? undefined : id });
  const cursor = useCursor({
    ids: held.ids,
    open: (id) => void navigate({ to: '/fleet/robots/$id', params: { id } }),
    toggle: (id) => choice.toggle(id, held.ids),
    range: (id) => choice.range(id, held.ids),
    menu: setMenu,
    show: (i) => virtual.scrollToIndex(i),
    more: (id) => [
      ...actions.commands(id, (one) => fleet.row(one)),
      { name: 'Peek', group: 'In this list', keys: 'Space', run: () => id !== undefined && peek(id) },
      ...(search.peek ? [{ name: 'Close the peek', group: 'In this list', keys: 'Esc', run: () => set({ peek: undefined }) }] : []),
    ],
  });
  walked.current = cursor !== undefined;
  useEffect(() => {
    if (search.peek && cursor && cursor !== search.peek) set({ peek: cursor }); // the peek goes along
  }, [cursor, search.peek, set]);
  useCommands([
    { name: 'Choose all that match', group: 'In this list', keys: 'Ctrl A', run: choice.all },
    { name: 'Sort', group: 'In this list', keys: 's', run: () => first.current?.focus() },
    ...(held.waiting > 0 ? [{ name: 'Show who changed places', group: 'In this list', keys: '.', run: held.apply }] : []),
  ]);
  const items = virtual.getVirtualItems();
  const seen = items.map((v) => held.ids[v.index] ?? '');
  details.look(seen, seen.map((id) => fleet.row(id)?.current_jobs ?? 0).join(','));
  return (
    <>
      {held.waiting > 0 && (
        <p className={css.waiting}>
          <button type="button" onClick={held.apply}>
            {held.waiting} changed places. Show
          </button>
        </p>
      )}
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
        {!narrow && (
          <div role="rowgroup">
            <div className={`${css.row} ${css.header}`} role="row" aria-rowindex={1} style={{ gridTemplateColumns: columns }}>
              <span role="columnheader">
                <input
                  type="checkbox"
                  className={css.tick}
                  aria-label="Select all that match"
                  checked={choice.isAll}
                  onChange={() => (choice.isAll ? choice.clear() : choice.all())}
                />
              </span>
              {shown.map((h, i) => (
                <Head key={h.name} name={h.name} sort={h.sort} now={search.sort} set={set} button={i === 0 ? first : undefined} />
              ))}
              <span role="columnheader">
                <span className={css.hidden}>Actions</span>
              </span>
            </div>
          </div>
        )}
        <div role="rowgroup" className={css.body} style={{ height: virtual.getTotalSize() }}>
          {items.map((v) => {
            const id = held.ids[v.index];
            return (
              id && (
                <RobotRow
                  key={id}
                  id={id}
                  index={v.index}
                  top={v.start}
                  columns={columns}
                  chosen={choice.has(id)}
                  here={id === cursor}
                  gone={matching !== undefined && !matching.has(id)}
                  narrow={narrow}
                  tenant={everywhere}
                  menu={menu === id}
                  details={details}
                  limits={limits}
                  onToggle={onToggle}
                  onMenu={onMenu}
                  itemsOf={itemsOf}
                />
              )
            );
          })}
        </div>
      </div>
      <Peeks box={box} pinned={search.peek} limits={limits} onClose={() => set({ peek: undefined })} onMaintenance={actions.maintenance} />
    </>
  );
});

function Head({
  name,
  sort,
  now,
  set,
  button,
}: {
  name: string;
  sort: Sort | undefined;
  now: string | undefined;
  set: Props['set'];
  button: React.RefObject<HTMLButtonElement | null> | undefined;
}) {
  if (!sort) return <span role="columnheader">{name}</span>;
  const on = now === undefined ? (sort === 'name' ? 'ascending' : undefined) : now === sort ? 'ascending' : now === `-${sort}` ? 'descending' : undefined;
  return (
    <span role="columnheader" aria-sort={on}>
      <button ref={button} type="button" data-on={on} onClick={() => set({ sort: nextSort(now, sort) })}>
        {name}
        {on && <span aria-hidden="true">{on === 'ascending' ? ' ↑' : ' ↓'}</span>}
      </button>
    </span>
  );
}
