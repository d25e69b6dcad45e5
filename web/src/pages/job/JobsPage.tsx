import { Link } from '@tanstack/react-router';
import { lazy, Suspense, useEffect, useMemo, useRef, useState } from 'react';
import { call, type Schemas } from '../../api/client';
import { useCursor } from '../../parts/cursor';
import { FleetTabs } from '../../parts/FleetTabs';
import { useHeld } from '../../parts/held';
import { useCommands } from '../../parts/keys';
import { onlyIf, takeJob, touchJob, useLive } from '../../parts/live';
import { useNarrow } from '../../parts/narrow';
import css from '../../parts/parts';
import { Empty, Fault } from '../../parts/States';
import { useSelection } from '../../parts/selection';
import { useMay } from '../../parts/session';
import { exact, serverNow } from '../../parts/Time';
import { Views } from '../../parts/Views';
import { cliOf, exportCommand, exportJobs, listQuery } from './actions';
import { BulkJobs } from './BulkJobs';
import { type Exporting, ExportMenu } from './ExportMenu';
import { Histogram } from './Histogram';
import { JobFilters } from './JobFilters';
import { columns, heads, JobRow, type Line, width } from './JobRow';
import { JobSkeleton } from './JobSkeleton';
import own from './jobs.module.css';
import { asked, filters, type JobSearch, jobSearch, many, spanOf, spanWords } from './rows';
import { useJobActs } from './useJobActs';

const RunDialog = lazy(() => import('../../parts/RunDialog').then((m) => ({ default: m.RunDialog })));
const JobPeek = lazy(() => import('./JobPeek').then((m) => ({ default: m.JobPeek }))); // with what a job's own page says of it

/** Read is a page with when it was read, by the server's clock. */
type Read = Schemas['JobList'] & { readAt: number };

interface Props {
  search: JobSearch;
  onSearch: (s: JobSearch, typed?: boolean) => void;
}

/** JobsPage lists jobs, newest first, and what they did over time. A row that waits says why. */
export function JobsPage({ search: address, onSearch: toAddress }: Props) {
  const key = JSON.stringify(asked(address));
  // biome-ignore lint/correctness/useExhaustiveDependencies: key says all of it
  const search = useMemo(() => asked(address), [key]);
  const latestAddress = useRef(address); // two changes may come between two drawings
  latestAddress.current = address;
  const put = (s: JobSearch, quiet: boolean) => {
    const next = jobSearch({ ...s });
    latestAddress.current = next;
    toAddress(next, quiet);
  };
  // Another question is another visit, and begins with nothing chosen. Choosing and looking change the address of this one.
  const onSearch = (s: JobSearch, typed?: boolean) => put(asked(s), typed ?? false);
  const beside = (more: { sel?: string | undefined; peek?: string | undefined }) => put({ ...latestAddress.current, ...more } as JobSearch, true);
  const peek = (id: string | undefined) => beside({ peek: latestAddress.current.peek === id ? undefined : id });
  const [pages, setPages] = useState<{ key: string; list: string[] }>({ key, list: [] });
  const trail = pages.key === key ? pages.list : [];
  const cursor = trail.at(-1) ?? '';
  const wanted = many(search.status);
  const plain = filters(search) === (search.status ? 1 : 0) && !search.to;
  const belongs = takeJob((j) => wanted.length === 0 || wanted.includes(j.status));
  const page = useLive<Read>(`${key} ${cursor}`, {
    topics: ['jobs'],
    ask: async (s) => ({ ...(await call<Schemas['JobList']>('GET', `/jobs?${listQuery(search, serverNow(), cursor)}`, undefined, s)), readAt: serverNow() }),
    // An older page stays as it was read: its rows are kept up to date, and nothing enters it. Whether a job belongs to a
    // filter that a fact does not tell of, the server says.
    take: (data, f) => {
      const next = belongs(data, f);
      if (next === 'again') return cursor || (!plain && f.op !== 'put') ? undefined : 'again';
      return next === undefined ? undefined : { ...next, readAt: data.readAt };
    },
    touch: (data, s) => {
      const next = touchJob(data, s);
      return next === undefined ? undefined : { ...next, readAt: data.readAt };
    },
  });
  const span = spanOf(search, serverNow());
  const over = useLive<Schemas['JobHistogram']>(`histogram ${key}`, {
    topics: ['jobs'],
    ask: (s) => {
      const q = new URLSearchParams(listQuery(search, serverNow(), ''));
      q.delete('limit');
      q.delete('sort');
      q.set('buckets', '60');
      return call('GET', `/jobs/histogram?${q}`, undefined, s);
    },
    take: onlyIf((f) => f.to_state !== undefined),
  });
  const narrow = useNarrow();
  const may = useMay('jobs:run') ?? false;
  const [menu, setMenu] = useState('');
  const [asking, setAsking] = useState(false);
  const [started, setStarted] = useState('');
  const box = useRef<HTMLDivElement>(null);
  const [inside, setInside] = useState(false);
  const jobs = page.data?.jobs ?? [];
  const acts = useJobActs(
    may,
    search,
    onSearch,
    page.again,
    jobs.find((j) => j.job_id === menu),
  );
  const latest = useMemo(() => jobs.map((j) => j.job_id), [jobs]);
  const known = useRef(new Map<string, Line>());
  for (const j of jobs) known.current.set(j.job_id, j);
  const [some, setSome] = useState(false);
  const held = useHeld(latest, inside || some || menu !== '' || address.peek !== undefined, `${key} ${cursor}`);
  const ids = held.ids.filter((id) => known.current.has(id));
  if (known.current.size > 1000) for (const id of known.current.keys()) if (!latest.includes(id) && !ids.includes(id)) known.current.delete(id);

  const matching = held.waiting > 0 ? new Set(latest) : undefined;
  const exporting: Exporting = {
    save: (ids, format) => acts.say('Exporting…', () => exportJobs(search, serverNow(), ids, format)),
    // A chosen time has no word on the command line.
    ...(search.from || search.to ? {} : { copy: (format) => acts.copy('The command', exportCommand(search, format)) }),
  };
  useCommands([
    { name: 'Filter', group: 'In this list', keys: 'f', run: () => document.querySelector<HTMLSelectElement>('main select[aria-label=Reason]')?.focus() },
    { name: 'Sort', group: 'In this list', keys: 's', run: () => document.querySelector<HTMLSelectElement>('main select[aria-label=Order]')?.focus() },
    { name: 'Copy this list as a command', group: 'In this list', keys: 'Shift C', run: () => acts.copy('The command', cliOf(search)) },
  ]);
  const here = useCursor({
    ids,
    open: acts.open,
    show: (i) => box.current?.children[narrow ? i : i + 1]?.scrollIntoView({ block: 'nearest' }),
    toggle: (id) => chosen.toggle(id),
    range: (id) => chosen.range(id),
    menu: (id) => setMenu(id),
    more: (id) => {
      const j = id === undefined ? undefined : known.current.get(id);
      return [
        ...(j
          ? acts
              .items(j)
              .filter((i) => i.keys && i.keys !== 'Enter')
              .map((i) => ({ name: i.name, group: 'The row', keys: i.keys ?? '', run: i.run, ...(i.why ? { why: i.why } : {}) }))
          : []),
        { name: 'Peek', group: 'In this list', keys: 'Space', run: () => id !== undefined && peek(id) },
        ...(address.peek ? [{ name: 'Close the peek', group: 'In this list', keys: 'Esc', run: () => peek(undefined) }] : []),
      ];
    },
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: the peek goes along with the cursor
  useEffect(() => {
    if (address.peek && here && here !== address.peek) beside({ peek: here });
  }, [here]);
  const kept = { text: address.sel, put: (sel: string | undefined) => beside({ sel }) };
  const chosen = useSelection(ids, `${key} ${cursor}`, kept, [{ name: 'Show what is new', group: 'In this list', keys: '.', run: held.apply }]);
  const choosing = chosen.all || chosen.count > 0;
  if (choosing !== some) setSome(choosing);

  const count = search.range === 'all' && plain ? page.data?.total : over.data?.whole && over.data.counted_by === 'created' ? over.data.counted : undefined;
  const empty = page.data && jobs.length === 0 && !page.data.next_cursor;
  return (
    <div className={`${css.page} ${css.fixed} ${own.page}`}>
      <div className={css.head}>
        <h1>Jobs</h1>
        {page.data && (
          <span className={css.fact}>
            {count === undefined || count < 0 ? 'Jobs' : `${count} ${count === 1 ? 'job' : 'jobs'}`} {spanWords(search)},{' '}
            {search.sort ? 'the longest first' : 'newest first'}. Priority: 0 goes first.
          </span>
        )}
        <span className={`${css.grow} ${own.wideOnly}`} />
        {acts.said}
        {page.data && !search.sort && <ExportMenu items={exporting} />}
        <button
          type="button"
          className={css.primary}
          disabled={!may}
          title={may ? undefined : 'This needs the permission jobs:run.'}
          onClick={() => setAsking(true)}
        >
          Run a workflow…
        </button>
      </div>
      <FleetTabs />
      <JobFilters search={search} onSearch={onSearch}>
        <Views page="jobs" query={{ ...search } as Record<string, string>} onQuery={(q) => onSearch(jobSearch(q))} />
      </JobFilters>
      {over.data && (
        <Histogram
          data={over.data}
          brushed={Boolean(search.from || search.to)}
          onSpan={(s) => {
            const { range: _, ...rest } = search;
            onSearch({ ...rest, ...s });
          }}
          onClear={() => {
            const { from: _, to: __, ...rest } = search;
            onSearch(rest);
          }}
        />
      )}
      {(choosing || started) && (
        <BulkJobs
          search={search}
          span={span}
          all={chosen.all}
          more={trail.length > 0 || Boolean(page.data?.next_cursor)}
          jobs={ids.flatMap((id) => (chosen.has(id) ? (known.current.get(id) ?? []) : []))}
          may={may}
          started={started}
          onExport={exporting}
          onStart={setStarted}
          onAll={chosen.chooseAll}
          onClear={chosen.clear}
          onDone={page.again}
        />
      )}
      {page.error && <Fault error={page.error} asOf={page.data ? page.asOf : ''} again={page.again} />}
      {!page.data && !page.error && <JobSkeleton narrow={narrow} />}
      {empty && filters(search) === 0 && search.range === 'all' && (
        <Empty command="fleet job submit examples/hello.json">
          No jobs yet. A job is one run of a workflow.{' '}
          <Link to="/workflows" search={{ q: '' }}>
            Open a workflow
          </Link>{' '}
          and press Run, or submit one from a terminal.
        </Empty>
      )}
      {empty && (filters(search) > 0 || search.range !== 'all') && (
        <div className={css.empty}>
          <p>
            {filters(search) > 0
              ? `No job matches ${filters(search) === 1 ? 'this filter' : `these ${filters(search)} filters`} ${spanWords(search)}.`
              : `No job was made ${spanWords(search)}.`}
          </p>
          <button type="button" onClick={() => onSearch(filters(search) > 0 ? { ...(search.range ? { range: search.range } : {}) } : { range: 'all' })}>
            {filters(search) > 0 ? 'Clear filters' : 'Look at all time'}
          </button>
          <pre>{filters(search) > 0 ? cliOf(search) : 'fleet job submit examples/hello.json'}</pre>
        </div>
      )}
      {held.waiting > 0 && (
        <div className={css.bar}>
          <button type="button" title="." onClick={held.apply}>
            {held.waiting} new
          </button>
        </div>
      )}
      {ids.length > 0 && (
        <div
          ref={box}
          className={css.grid}
          data-old={page.error ? true : undefined}
          role="table"
          aria-label="Jobs"
          tabIndex={0}
          onPointerEnter={() => setInside(true)}
          onPointerLeave={() => setInside(false)}
        >
          {!narrow && (
            <div className={`${css.row} ${css.header}`} role="row" style={{ gridTemplateColumns: columns, minWidth: width }}>
              <span role="columnheader" className={own.tick}>
                <input
                  type="checkbox"
                  aria-label="Choose all on this page"
                  checked={chosen.count === ids.length}
                  onChange={(e) => chosen.page(e.target.checked)}
                />
              </span>
              {heads.map((h) => {
                const sorted = h === (search.sort ? 'Duration' : 'Created');
                return (
                  <span key={h} role="columnheader" aria-sort={sorted ? 'descending' : undefined}>
                    {h}
                    {sorted && <span aria-hidden="true"> ↓</span>}
                  </span>
                );
              })}
              <span role="columnheader" aria-label="Actions" />
            </div>
          )}
          {ids.map((id) => {
            const j = known.current.get(id) as Line;
            return (
              <JobRow
                key={id}
                job={j}
                here={id === here}
                gone={matching !== undefined && !matching.has(id)}
                narrow={narrow}
                chosen={chosen.has(id)}
                readAt={page.data?.readAt ?? 0}
                items={menu === id ? acts.items(j) : []}
                menu={menu === id}
                onMenu={(on) => setMenu(on ? id : '')}
                onChoose={(range) => (range ? chosen.range(id) : chosen.toggle(id))}
                onForce={acts.force && (() => acts.force?.(j))}
                peek={id === address.peek}
                onPeek={() => peek(id)}
                onCopy={() => acts.copy('The id', id)}
              />
            );
          })}
        </div>
      )}
      {page.data?.looked_back_to && <p className={css.hint}>Looked at jobs back to {exact(page.data.looked_back_to)} so far. Older shows those before.</p>}
      {(trail.length > 0 || page.data?.next_cursor) && (
        <div className={css.actions}>
          <button type="button" disabled={trail.length === 0} onClick={() => setPages({ key, list: trail.slice(0, -1) })}>
            Newer
          </button>
          <button
            type="button"
            disabled={!page.data?.next_cursor}
            onClick={() => page.data?.next_cursor && setPages({ key, list: [...trail, page.data.next_cursor] })}
          >
            Older
          </button>
        </div>
      )}
      {acts.dialogs}
      <Suspense fallback={null}>{asking && <RunDialog onClose={() => setAsking(false)} onDone={acts.open} />}</Suspense>
      <Suspense fallback={null}>
        {address.peek && <JobPeek key={address.peek} id={address.peek} box={box} onClose={() => peek(undefined)} onDone={page.again} />}
      </Suspense>
    </div>
  );
}
