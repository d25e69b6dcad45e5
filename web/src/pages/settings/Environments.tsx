import { useState } from 'react';
import { call, type Schemas } from '../../api/client';
import { FormDialog } from '../../parts/FormDialog';
import { onlyIf, useLive } from '../../parts/live';
import { ProductionMark } from '../../parts/Production';
import css from '../../parts/parts';
import { Scroll } from '../../parts/Scroll';
import { Fault, Loading } from '../../parts/States';
import { useMay } from '../../parts/session';

type Environment = Schemas['Environment'];

const seconds = (n: number) => `${Math.round(10 * n) / 10} s`;

/** Span is a time of an environment: its own, what follows from its own time of loss, or the server's. */
function Span({ own, used, lost }: { own: number; used: number | undefined; lost: number }) {
  if (own > 0) return <>{seconds(own)}</>;
  if (used === undefined) return <>–</>;
  return (
    <>
      {seconds(used)} <span className={css.hint}>{lost > 0 ? 'follows' : 'of the server'}</span>
    </>
  );
}

/** Environments shows when a robot counts as silent or lost, in each of them. */
export function Environments() {
  const list = useLive<Schemas['EnvironmentList']>('environments', {
    topics: ['events'],
    ask: (s) => call('GET', '/environments', undefined, s),
    take: onlyIf((f) => f.type.startsWith('environment.')),
  });
  const may = useMay('robots:manage');
  const [open, setOpen] = useState<Environment | 'new'>();
  return (
    <section aria-label="Environments">
      <div className={css.bar}>
        <h2>Environments</h2>
        <span className={css.grow} />
        <button type="button" disabled={!may} onClick={() => setOpen('new')}>
          Set one…
        </button>
      </div>
      <p className={css.hint}>
        An environment keeps robots and jobs apart, such as test and production, and says how soon a robot that is not heard of is silent or lost.
      </p>
      {list.error && <Fault error={list.error} asOf={list.data ? list.asOf : ''} again={list.again} />}
      {!list.data && !list.error && <Loading what="environments" />}
      {list.data?.environments.length === 0 && <p className={css.hint}>Nothing is set: what the server says holds everywhere.</p>}
      {(list.data?.environments.length ?? 0) > 0 && (
        <Scroll label="Environments, table" className={css.tableBox}>
          <table className={css.table}>
            <thead>
              <tr>
                <th>Environment</th>
                <th>Heartbeat</th>
                <th>Silent after</th>
                <th>Lost after</th>
                <th>Lease</th>
                <th>Only its own jobs</th>
                <th>Actions</th>
              </tr>
            </thead>
            <tbody>
              {list.data?.environments.map((e) => (
                <tr key={e.name}>
                  <td>
                    {e.name} {e.production && <ProductionMark />}
                    {e.note && <div className={css.hint}>{e.note}</div>}
                  </td>
                  <td>
                    <Span own={e.heartbeat_seconds} used={e.timing?.heartbeat_seconds} lost={e.lost_after_seconds} />
                  </td>
                  <td>
                    <Span own={e.suspect_seconds} used={e.timing?.suspect_seconds} lost={e.lost_after_seconds} />
                  </td>
                  <td>
                    <Span own={e.lost_after_seconds} used={e.timing?.lost_after_seconds} lost={e.lost_after_seconds} />
                  </td>
                  <td>
                    <Span own={e.lease_seconds} used={e.timing?.lease_seconds} lost={e.lost_after_seconds} />
                  </td>
                  <td>{e.strict ? 'Yes' : 'No'}</td>
                  <td>
                    <button type="button" disabled={!may} aria-label={`Edit ${e.name}`} onClick={() => setOpen(e)}>
                      Edit…
                    </button>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
      {open && (
        <FormDialog
          title={open === 'new' ? 'Set an environment' : `Edit ${open.name}`}
          action="Save"
          note="0 is what the server says."
          fields={[
            ...(open === 'new' ? [{ key: 'name', label: 'Name', required: true }] : []),
            { key: 'heartbeat_seconds', label: 'Heartbeat, seconds', kind: 'number' as const, min: 0 },
            { key: 'suspect_seconds', label: 'Silent after, seconds', kind: 'number' as const, min: 0 },
            { key: 'lost_after_seconds', label: 'Lost after, seconds', kind: 'number' as const, min: 0 },
            { key: 'lease_seconds', label: 'Lease, seconds', kind: 'number' as const, min: 0 },
            { key: 'age_step_seconds', label: 'A job that waits becomes more urgent every so many seconds', kind: 'number' as const, min: 0 },
            { key: 'strict', label: 'Its robots take only jobs of this environment', kind: 'check' as const },
            { key: 'production', label: 'It is production: what cannot be undone there asks for its name', kind: 'check' as const },
            { key: 'note', label: 'Note' },
          ]}
          initial={open === 'new' ? {} : (Object.fromEntries(Object.entries(open).map(([k, v]) => [k, String(v)])) as Record<string, string>)}
          send={(v) => {
            const n = (k: string) => Number(v[k] || 0);
            const body: Schemas['EnvironmentBody'] = {
              heartbeat_seconds: n('heartbeat_seconds'),
              suspect_seconds: n('suspect_seconds'),
              lost_after_seconds: n('lost_after_seconds'),
              lease_seconds: n('lease_seconds'),
              age_step_seconds: n('age_step_seconds'),
              strict: v.strict === 'true',
              production: v.production === 'true',
              ...(v.note ? { note: v.note } : {}),
            };
            return call('PUT', `/environments/${encodeURIComponent(open === 'new' ? (v.name ?? '') : open.name)}`, body);
          }}
          onClose={() => setOpen(undefined)}
          onDone={list.again}
        />
      )}
    </section>
  );
}
