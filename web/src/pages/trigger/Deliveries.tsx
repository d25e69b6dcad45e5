import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { call, type Schemas } from '../../api/client';
import { onlyIf, useLive } from '../../parts/live';
import { Pager } from '../../parts/Pager';
import css from '../../parts/parts';
import { Fault, Loading } from '../../parts/States';
import { Status } from '../../parts/Status';
import { Table } from '../../parts/Table';
import { Ago } from '../../parts/Time';
import { label } from '../../parts/words';
import own from './trigger.module.css';
import { about, concerns, type Outcome, outcomes, type TriggerSearch } from './triggers';

/** Deliveries is the log of a trigger: one row for each occasion, the newest first, with what became of it. */
export function Deliveries({ at, search, onSearch }: { at: string; search: TriggerSearch; onSearch: (s: TriggerSearch) => void }) {
  const [trail, setTrail] = useState<string[]>([]);
  const q = new URLSearchParams({
    limit: '50',
    ...(search.outcome ? { outcome: search.outcome } : {}),
    ...(trail.length > 0 ? { cursor: trail.at(-1) ?? '' } : {}),
  });
  const list = useLive<Schemas['FiringList']>(`${at}/fires?${q}`, {
    topics: ['schedules', 'jobs'],
    ask: (s) => call('GET', `${at}/fires?${q}`, undefined, s),
    take: onlyIf(concerns),
  });
  const rows = list.data?.firings ?? [];
  return (
    <>
      <div className={css.bar}>
        <h2>What became of it</h2>
        <span className={css.grow} />
        <label>
          Outcome{' '}
          <select
            value={search.outcome ?? ''}
            onChange={(e) => {
              setTrail([]);
              onSearch(e.target.value ? { outcome: e.target.value as Outcome } : {});
            }}
          >
            <option value="">All</option>
            {Object.keys(outcomes).map((o) => (
              <option key={o} value={o}>
                {label(o)}
              </option>
            ))}
          </select>
        </label>
      </div>
      {list.error && <Fault error={list.error} asOf={list.data ? list.asOf : ''} again={list.again} />}
      {!list.data && !list.error && <Loading what="what became of it" />}
      {list.data && rows.length === 0 && trail.length === 0 && (
        <p className={css.hint}>{search.outcome ? `Nothing was ${search.outcome}.` : 'Nothing has come yet.'}</p>
      )}
      {rows.length > 0 && (
        <Table label="What became of it" heads={['When', 'Outcome', 'Job', 'Told']}>
          {rows.map((f) => (
            <tr key={f.firing_id}>
              <td>
                <Ago at={f.at} />
              </td>
              <td>
                <Status word={f.outcome} />
                <div className={css.hint}>{f.reason || outcomes[f.outcome as Outcome]}</div>
              </td>
              <td>
                {f.job_id && (
                  <Link to="/fleet/jobs/$id" params={{ id: f.job_id }} search={{}}>
                    …{f.job_id.slice(-8)}
                  </Link>
                )}{' '}
                {f.job_status && <Status word={f.job_status} />}
              </td>
              <td className={own.told}>
                {f.key && <div title={f.key}>{f.key}</div>}
                {about(f.about)}
              </td>
            </tr>
          ))}
        </Table>
      )}
      <Pager trail={trail} next={list.data?.next_cursor} onTrail={setTrail} />
    </>
  );
}
