import { useEffect, useState } from 'react';
import { call, Refusal, type Schemas, tenantQuery } from '../../api/client';
import { useAct } from '../../parts/act';
import { Fold } from '../../parts/Fold';
import { PageHead } from '../../parts/PageHead';
import css from '../../parts/parts';
import { Said } from '../../parts/Said';
import { Scroll } from '../../parts/Scroll';
import { Old, Skeleton } from '../../parts/Skeleton';
import { Fault } from '../../parts/States';
import { Table } from '../../parts/Table';
import { clock, serverNow } from '../../parts/Time';
import { label } from '../../parts/words';
import { type AuditSearch, backwards, exportOf, outcomes, queryOf, type Row } from './audit';
import { Entry } from './Entry';

interface Broken {
  seq: number;
  text: string;
  row: Row | undefined;
}

/** Read is what was read with a filter; next is where to go on, 0 at the begin of the audit. */
interface Read {
  of: string;
  rows: Row[];
  next: number;
  at: string; // when, by the server's clock
}

const heads = ['Time', 'Actor', 'Action', 'Object', 'Outcome', 'Request', 'Row'];

/** AuditPage shows who did what, newest first. It is never re-ordered while somebody reads. */
export function AuditPage({ search, onSearch }: { search: AuditSearch; onSearch: (s: AuditSearch) => void }) {
  const [read, setRead] = useState<Read>();
  const [failed, setFailed] = useState<{ of: string; error: Refusal }>();
  const [busy, setBusy] = useState(false);
  const [again, setAgain] = useState(0);
  const [open, setOpen] = useState(0);
  const [fault, setFault] = useState<Broken>();
  const act = useAct();
  const filter = queryOf(search);
  // What was read with another filter is no answer to this one.
  const here = read?.of === filter ? read : undefined;
  const rows = here?.rows;
  const error = failed?.of === filter ? failed.error : undefined;
  const ask = (after: number, limit: number) => call<Schemas['AuditPage']>('GET', `/audit?after=${after}&limit=${limit}${filter ? `&${filter}` : ''}`);
  // biome-ignore lint/correctness/useExhaustiveDependencies: filter says all of ask; again reads anew
  useEffect(() => {
    let gone = false;
    const load = async () => {
      const head = (await call<Schemas['AuditPage']>('GET', '/audit?limit=1')).head.seq;
      const got = await backwards(head + 1, ask);
      if (gone) return;
      setRead({ of: filter, ...got, at: clock(serverNow()) });
      setFailed(undefined);
    };
    load().catch((e) => !gone && setFailed({ of: filter, error: e instanceof Refusal ? e : new Refusal(String(e), 0, '', '') }));
    return () => {
      gone = true;
    };
  }, [filter, again]);
  const older = async () => {
    if (!here) return;
    setBusy(true);
    try {
      const got = await backwards(here.next, ask);
      setRead((was) => (was === here ? { ...was, rows: [...was.rows, ...got.rows], next: got.next } : was)); // else it was read anew meanwhile
    } catch (e) {
      act.say(e instanceof Error ? e.message : String(e));
    } finally {
      setBusy(false);
    }
  };
  const verify = async () => {
    setFault(undefined);
    const r = await act.run(
      'Verifying…',
      () => call<Schemas['Report']>('POST', '/audit/verify'),
      (r) =>
        r.fault
          ? ''
          : `All ${r.rows} rows are as they were written, up to row ${r.last.seq}, against ${r.checkpoints} ${r.checkpoints === 1 ? 'checkpoint' : 'checkpoints'}.`,
    );
    if (!r?.fault) return;
    const { seq, text } = r.fault;
    const page = await call<Schemas['AuditPage']>('GET', `/audit?after=${Math.max(0, seq - 1)}&limit=1`).catch(() => undefined);
    setFault({ seq, text, row: page?.entries.find((e) => e.seq === seq) });
  };
  const set = (more: { [K in keyof AuditSearch]: AuditSearch[K] | undefined }) =>
    onSearch(Object.fromEntries(Object.entries({ ...search, ...more }).filter(([, v]) => v)) as AuditSearch);
  return (
    <div className={css.page}>
      <PageHead title="Audit">
        <button type="button" onClick={() => setAgain((n) => n + 1)}>
          Read again
        </button>
        <button type="button" className={css.primary} disabled={act.busy} onClick={() => void verify()}>
          Verify the chain
        </button>
        <a href={exportOf(filter, tenantQuery('&'))} download="audit.jsonl">
          {filter ? 'Export what matches' : 'Export'}
        </a>
      </PageHead>
      <Said act={act} />
      {fault && (
        <section className={css.panel} aria-label="The chain is broken" role="alert">
          <h2 className={css.bad}>The chain is broken at row {fault.seq}</h2>
          <p>{fault.text}</p>
          {fault.row ? (
            <Scroll label="The first bad row" className={css.tableBox}>
              <table className={css.table}>
                <tbody>
                  <Entry row={fault.row} open onOpen={() => setFault(undefined)} />
                </tbody>
              </table>
            </Scroll>
          ) : (
            <p className={css.hint}>The row itself is not there, or you may not see it.</p>
          )}
          <p>Rows before it are as they were written. Keep a copy of the database, and look at who could write to it.</p>
        </section>
      )}
      <Fold name={filter ? `Filters: ${new URLSearchParams(filter).size}` : 'Filters'}>
        {() => (
          <div className={css.bar}>
            <Field name="Action" hint="robot.update" value={search.action} onValue={(action) => set({ action })} />
            <Field name="Actor (id)" hint="" value={search.actor} onValue={(actor) => set({ actor })} />
            <Field name="Kind of object" hint="robot" value={search.object} onValue={(object) => set({ object })} />
            <Field name="Object (id)" hint="" value={search.id} onValue={(id) => set({ id })} />
            <label>
              Outcome{' '}
              <select value={search.outcome ?? ''} onChange={(e) => set({ outcome: e.target.value || undefined })}>
                <option value="">Any</option>
                {outcomes.map((o) => (
                  <option key={o} value={o}>
                    {label(o)}
                  </option>
                ))}
              </select>
            </label>
            <label>
              From <input type="date" value={search.from ?? ''} onChange={(e) => set({ from: e.target.value || undefined })} />
            </label>
            <label>
              To <input type="date" value={search.to ?? ''} onChange={(e) => set({ to: e.target.value || undefined })} />
            </label>
            {filter && (
              <button type="button" onClick={() => onSearch({})}>
                Clear filters
              </button>
            )}
          </div>
        )}
      </Fold>
      {error && <Fault error={error} asOf={here?.at ?? ''} again={() => setAgain((n) => n + 1)} />}
      {!rows && !error && <Skeleton what="the audit" heads={heads} />}
      {rows?.length === 0 && (
        <p className={css.hint}>
          {filter
            ? (here?.next ?? 0) > 0
              ? 'No row matches among those that were read.'
              : 'No row matches these filters.'
            : 'Nothing was done yet. Every change that somebody makes is kept here.'}
        </p>
      )}
      {rows && rows.length > 0 && (
        <Old when={error !== undefined}>
          <Table label="Rows" heads={heads}>
            {rows.map((r) => (
              <Entry key={r.seq} row={r} open={open === r.seq} onOpen={() => setOpen(open === r.seq ? 0 : r.seq)} />
            ))}
          </Table>
        </Old>
      )}
      {here && here.next > 0 && (
        <p>
          <button type="button" disabled={busy} onClick={() => void older()}>
            {busy ? 'Reading…' : 'Older'}
          </button>
        </p>
      )}
    </div>
  );
}

/** Field asks when somebody has finished typing, not with each letter. */
function Field({ name, hint, value, onValue }: { name: string; hint: string; value: string | undefined; onValue: (v: string | undefined) => void }) {
  const [text, setText] = useState(value ?? '');
  useEffect(() => setText(value ?? ''), [value]);
  return (
    <label>
      {name}{' '}
      <input
        size={12}
        placeholder={hint}
        value={text}
        onChange={(e) => setText(e.target.value)}
        onBlur={() => onValue(text.trim() || undefined)}
        onKeyDown={(e) => e.key === 'Enter' && onValue(text.trim() || undefined)}
      />
    </label>
  );
}
