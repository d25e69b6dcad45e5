import { Link } from '@tanstack/react-router';
import { useMemo } from 'react';
import css from '../../parts/parts';
import { Status } from '../../parts/Status';
import { useMe } from '../../parts/session';
import { exact, zoneAt } from '../../parts/Time';
import { label } from '../../parts/words';
import { changesOf, type Row } from './audit';
import changes from './entry.module.css';

/** Entry is a row, and all that is kept of it when it is open. */
export function Entry({ row: r, open, onOpen }: { row: Row; open: boolean; onOpen: () => void }) {
  const own = useMe()?.tenant_id;
  return (
    <>
      <tr data-chosen={open || undefined}>
        <td>
          <time dateTime={r.at}>
            {exact(r.at)} <span className={css.hint}>{zoneAt(r.at)}</span>
          </time>
        </td>
        <td className={css.keep}>
          {r.actor.name || r.actor.id || '–'}
          <div className={css.hint}>{[label(r.actor.kind), r.address, r.tenant_id === own ? '' : `tenant ${r.tenant_id}`].filter(Boolean).join(' · ')}</div>
        </td>
        <td className={css.mono}>{r.action}</td>
        <td>
          {r.object.name || r.object.id || '–'}
          <div className={css.hint}>{label(r.object.kind)}</div>
        </td>
        <td>
          <Status word={r.outcome} />
        </td>
        <td className={css.mono} title={r.request_id}>
          {r.request_id ? `…${r.request_id.slice(-8)}` : '–'}
        </td>
        <td>
          <button type="button" className={css.link} aria-expanded={open} onClick={onOpen}>
            {r.seq}
          </button>
        </td>
      </tr>
      {open && (
        <tr data-chosen>
          <td colSpan={7}>
            <dl className={css.facts}>
              {r.reason && (
                <>
                  <dt>Reason</dt>
                  <dd>{r.reason}</dd>
                </>
              )}
              {r.request_id && (
                <>
                  <dt>Request</dt>
                  <dd className={css.mono}>{r.request_id}</dd>
                </>
              )}
              <dt>Tenant</dt>
              <dd>{r.tenant_id || 'The installation'}</dd>
              <dt>Object</dt>
              <dd>
                <Thing of={r.object} /> {r.object.id && r.object.id !== r.object.name && <span className={css.mono}>{r.object.id}</span>}
              </dd>
              <dt>Changed</dt>
              <dd>
                <Diff before={r.before} after={r.after} />
              </dd>
              <dt>Hash</dt>
              <dd className={css.mono} style={{ overflowWrap: 'anywhere' }}>
                {r.hash}
              </dd>
            </dl>
          </td>
        </tr>
      )}
    </>
  );
}

/** Diff is what changed, value by value. */
function Diff({ before, after }: { before: unknown; after: unknown }) {
  const { changed, same } = useMemo(() => changesOf(before, after), [before, after]);
  if (changed.length === 0) return same > 0 ? <>Nothing: {same} values are the same.</> : <>Nothing is kept of it.</>;
  return (
    <>
      <table className={css.table} aria-label="What changed">
        <thead>
          <tr>
            <th>Value</th>
            <th>Before</th>
            <th>After</th>
          </tr>
        </thead>
        <tbody>
          {changed.map((c) => (
            <tr key={c.path}>
              <td className={css.mono}>{c.path}</td>
              <td>{c.before === undefined ? '–' : <del className={changes.was}>{c.before}</del>}</td>
              <td>{c.after === undefined ? '–' : <ins className={changes.now}>{c.after}</ins>}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {same > 0 && <p className={css.hint}>{same === 1 ? '1 value is' : `${same} values are`} the same.</p>}
    </>
  );
}

/** Thing leads to what was acted on, where it has a page. */
function Thing({ of: o }: { of: Row['object'] }) {
  const name = o.name || o.id || '–';
  const params = { id: o.id ?? '' };
  if (o.id && o.kind === 'job')
    return (
      <Link to="/fleet/jobs/$id" params={params} search={{}}>
        {name}
      </Link>
    );
  if (o.id && o.kind === 'robot')
    return (
      <Link to="/fleet/robots/$id" params={params} search={{}}>
        {name}
      </Link>
    );
  return <>{name}</>;
}
