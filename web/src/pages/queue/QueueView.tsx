import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { call, type Schemas } from '../../api/client';
import { useAct } from '../../parts/act';
import { Confirm } from '../../parts/Confirm';
import { useLive } from '../../parts/live';
import { Pager } from '../../parts/Pager';
import css from '../../parts/parts';
import { useRows } from '../../parts/rows';
import { Said } from '../../parts/Said';
import { Old, Skeleton } from '../../parts/Skeleton';
import { Empty, Fault, Loading } from '../../parts/States';
import { Status } from '../../parts/Status';
import { useMay } from '../../parts/session';
import { Table } from '../../parts/Table';
import { Ago, In } from '../../parts/Time';
import { label, priority, span } from '../../parts/words';
import { AddItem, ImportItems } from './AddItems';
import { Depth } from './Depth';
import { ItemBulk } from './ItemBulk';
import { ItemPanel } from './ItemPanel';
import { forecast, itemStatuses, type QueueSearch, statesOf, turned } from './items';

const orders: Record<string, string> = {
  default: 'items with a deadline, by priority (0 goes first) and then by the earliest; after them the rest by priority, first in, first out',
  fifo: 'first in, first out',
  earliest_deadline_first: 'the earliest deadline; after them the rest by priority (0 goes first)',
};

const heads = ['', 'Reference', 'State', 'Priority', 'Created', 'Deadline', { number: 'Attempts' }, 'Robot or job', 'Updated'] as const;

interface Props {
  id: string;
  others: readonly Schemas['QueueAnswer'][];
  search: QueueSearch;
  onSearch: (s: QueueSearch, typing?: boolean) => void;
  onGone: () => void;
}

/** QueueView is one queue: what is in it, whether its deadlines will be met, and its items. */
export function QueueView({ id, others, search, onSearch, onGone }: Props) {
  const at = `/queues/${encodeURIComponent(id)}`;
  const topics = ['queues'];
  const queue = useLive<Schemas['QueueAnswer']>(at, { topics, ask: (s) => call('GET', at, undefined, s) });
  const stats = useLive<Schemas['QueueStatsAnswer']>(`${at}/stats`, { topics, ask: (s) => call('GET', `${at}/stats`, undefined, s) });
  const [cursors, setCursors] = useState<{ of: string; list: string[] }>({ of: '', list: [] });
  const filter = `${search.status ?? ''} ${search.q ?? ''}`;
  const trail = cursors.of === filter ? cursors.list : [];
  const q = new URLSearchParams({ limit: '100', order: 'line' });
  const states = statesOf(search);
  for (const w of states) q.append('status', w);
  if (search.q) q.set('q', search.q);
  const cursor = trail.at(-1);
  if (cursor) q.set('cursor', cursor);
  const items = useLive<Schemas['ItemList']>(`${at}/items?${q}`, { topics, ask: (s) => call('GET', `${at}/items?${q}`, undefined, s) });
  const mayRun = useMay('queues:run');
  const mayWrite = useMay('queues:write');
  const [open, setOpen] = useState<'add' | 'import' | 'delete'>();
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const act = useAct();
  const all = () => {
    queue.again();
    stats.again();
    items.again();
  };
  const d = queue.data;
  const s = stats.data;
  const set = (more: { [K in keyof QueueSearch]: QueueSearch[K] | undefined }, typing?: boolean) =>
    onSearch(Object.fromEntries(Object.entries({ ...search, ...more }).filter(([, v]) => v)) as QueueSearch, typing);
  const rows = items.data?.items ?? [];
  const look = (sel: string) => set({ sel: sel === search.sel ? undefined : sel });
  const turn = (one: string) => setChosen((was) => new Set(was.has(one) ? [...was].filter((x) => x !== one) : [...was, one]));
  const row = useRows({ ids: rows.map((i) => i.id), open: (sel) => set({ sel }), peek: look, toggle: turn });
  if (!d) return queue.error ? <Fault error={queue.error} again={queue.again} /> : <Loading what="the queue" />;
  const sla = s ? forecast(s.sla) : undefined;
  const filtered = Boolean(search.q) || states.length > 0;
  return (
    <section aria-label={d.name}>
      <div className={css.bar}>
        <h2>{d.name}</h2>
        {d.paused && <Status word="paused" {...(d.note ? { more: `· ${d.note}` } : {})} />}
        <span className={css.grow} />
        <button type="button" disabled={!mayRun} onClick={() => setOpen('add')}>
          Add an item…
        </button>
        <button type="button" disabled={!mayRun} onClick={() => setOpen('import')}>
          Import…
        </button>
        <button
          type="button"
          disabled={!mayRun || act.busy}
          onClick={() => {
            const what = d.paused ? 'resume' : 'pause';
            void act
              .run(
                d.paused ? 'Resuming…' : 'Pausing…',
                () => call('POST', `${at}/${what}`, {}),
                () => (what === 'pause' ? 'Paused: nothing more is taken; what is held goes on.' : 'Resumed.'),
              )
              .then(all);
          }}
        >
          {d.paused ? 'Resume' : 'Pause'}
        </button>
        <button type="button" disabled={!mayWrite} onClick={() => setOpen('delete')}>
          Delete…
        </button>
      </div>
      {d.description && <p className={css.fact}>{d.description}</p>}
      <Said act={act} />
      {s && (
        <>
          <dl className={css.cards}>
            {(
              [
                ['Total', s.total],
                ['New', s.new, s.postponed > 0 ? `${s.postponed} postponed` : ''],
                ['In progress', s.in_progress],
                ['Successful', s.successful],
                ['Failed', s.failed],
                ['Abandoned', s.abandoned],
                ['Retried', s.retried],
              ] as [string, number, string?][]
            ).map(([name, n, more]) => (
              <div key={name}>
                <dt>{name}</dt>
                <dd>
                  {n} {more && <small>{more}</small>}
                </dd>
              </div>
            ))}
          </dl>
          {sla && (
            <p className={css[sla.tone as 'bad' | 'warn'] ?? ''}>
              {sla.text}
              {s.oldest_age_seconds > 0 && s.new > 0 && ` The oldest new item is ${span(1000 * s.oldest_age_seconds)} old.`}
            </p>
          )}
        </>
      )}
      <Depth at={at} range={search.range ?? ''} onRange={(range) => set({ range: range || undefined })} />
      <div className={css.bar} data-filters>
        <input
          type="search"
          aria-label="Search items"
          placeholder="Reference begins with"
          value={search.q ?? ''}
          onChange={(e) => set({ q: e.target.value || undefined }, true)}
        />
        <button type="button" aria-pressed={states.length === 0} onClick={() => set({ status: undefined })}>
          All
        </button>
        {itemStatuses.map((w) => (
          <button key={w} type="button" aria-pressed={states.includes(w)} onClick={() => set({ status: turned(search, w) })}>
            {label(w)}
          </button>
        ))}
      </div>
      <ItemBulk at={at} others={others} chosen={rows.filter((i) => chosen.has(i.id))} act={act} onClear={() => setChosen(new Set())} onDone={all} />
      <p className={css.hint}>
        {search.q
          ? 'In the order of references.'
          : `In the order in which they are taken: ${orders[d.order] ?? d.order}. What has ended follows, the newest first.`}
      </p>
      {items.error && <Fault error={items.error} asOf={items.data ? items.asOf : ''} again={items.again} />}
      {!items.data && !items.error && <Skeleton what="items" heads={heads} />}
      {items.data && rows.length === 0 && !filtered && (
        <Empty command={`fleet item add ${d.name} --reference 4711 --data '{"amount": 12}'`}>
          No items yet. An item is one piece of work, such as an invoice. Add one, import many, or let a workflow add them.
        </Empty>
      )}
      {items.data && rows.length === 0 && filtered && (
        <div className={css.empty}>
          <p>No item matches {[...(search.q ? [search.q] : []), ...states.map(label)].map((w) => `“${w}”`).join(' + ')}.</p>
          <button type="button" onClick={() => set({ q: undefined, status: undefined })}>
            Clear filters
          </button>
        </div>
      )}
      <Old when={items.error !== undefined && items.data !== undefined}>
        {rows.length > 0 && (
          <Table
            label="Items"
            heads={[
              <input
                key="all"
                type="checkbox"
                aria-label="All items of this page"
                checked={rows.every((i) => chosen.has(i.id))}
                onChange={(e) => setChosen(new Set(e.target.checked ? rows.map((i) => i.id) : []))}
              />,
              ...heads.slice(1),
            ]}
          >
            {rows.map((i) => (
              <tr key={i.id} {...row(i.id)} data-chosen={i.id === search.sel || undefined}>
                <td>
                  <input type="checkbox" aria-label={`Choose ${i.reference ?? i.id}`} checked={chosen.has(i.id)} onChange={() => turn(i.id)} />
                </td>
                <td>
                  <button type="button" className={css.link} onClick={() => look(i.id)}>
                    {i.reference ?? `…${i.id.slice(-8)}`}
                  </button>
                </td>
                <td>
                  <Status word={i.status} {...(i.overdue ? { more: '· overdue' } : i.postponed ? { more: '· postponed' } : {})} />
                </td>
                <td>{priority(i.priority)}</td>
                <td>
                  <Ago at={i.created_at} />
                </td>
                <td>{i.deadline ? i.overdue ? <Ago at={i.deadline} /> : <In at={i.deadline} /> : '–'}</td>
                <td data-number>{i.retry_no + 1}</td>
                <td>
                  {i.job_id ? (
                    <Link to="/fleet/jobs/$id" params={{ id: i.job_id }} search={{}}>
                      {i.robot_name ?? i.robot_id ?? `…${i.job_id.slice(-8)}`}
                    </Link>
                  ) : (
                    (i.holder ?? '–')
                  )}
                </td>
                <td>
                  <Ago at={i.updated_at} />
                </td>
              </tr>
            ))}
          </Table>
        )}
      </Old>
      <Pager trail={trail} next={items.data?.next_cursor} onTrail={(list) => setCursors({ of: filter, list })} />
      {search.sel && (
        <ItemPanel key={search.sel} id={search.sel} mayRun={mayRun} onOpen={(sel) => set({ sel })} onClose={() => set({ sel: undefined })} onDone={all} />
      )}
      {open === 'add' && <AddItem queue={d} onClose={() => setOpen(undefined)} onDone={all} />}
      {open === 'import' && <ImportItems queue={d} onClose={() => setOpen(undefined)} onDone={all} />}
      {open === 'delete' && (
        <Confirm
          title={`Delete the queue ${d.name}?`}
          action="Delete the queue"
          busy={act.busy}
          onClose={() => setOpen(undefined)}
          onConfirm={() => {
            setOpen(undefined);
            void act
              .run(
                'Deleting…',
                () => call('DELETE', at).then(() => true),
                () => 'Deleted.',
              )
              .then((ok) => ok && onGone());
          }}
        >
          <p>Its {d.item_count} items go with it. A queue with open items is not deleted.</p>
        </Confirm>
      )}
    </section>
  );
}
