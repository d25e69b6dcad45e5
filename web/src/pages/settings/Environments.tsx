import { call, type Schemas } from '../../api/client';
import type { Field, Values } from '../../parts/FormDialog';
import { onlyIf, useLive } from '../../parts/live';
import { ProductionMark } from '../../parts/Production';
import css from '../../parts/parts';
import { Empty } from '../../parts/States';
import { useMay } from '../../parts/session';
import { Things } from './Things';

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

const fields: readonly Field[] = [
  { key: 'heartbeat_seconds', label: 'Heartbeat, seconds', kind: 'number', min: 0 },
  { key: 'suspect_seconds', label: 'Silent after, seconds', kind: 'number', min: 0 },
  { key: 'lost_after_seconds', label: 'Lost after, seconds', kind: 'number', min: 0 },
  { key: 'lease_seconds', label: 'Lease, seconds', kind: 'number', min: 0 },
  { key: 'age_step_seconds', label: 'A job that waits becomes more urgent every so many seconds', kind: 'number', min: 0 },
  { key: 'strict', label: 'Its robots take only jobs of this environment', kind: 'check' },
  { key: 'production', label: 'It is production: what cannot be undone there asks for its name', kind: 'check' },
  { key: 'note', label: 'Note' },
];

const valuesOf = (e: Environment): Values => Object.fromEntries(Object.entries(e).map(([k, v]) => [k, String(v)]));

function bodyOf(v: Values): Schemas['EnvironmentBody'] {
  const n = (k: string) => Number(v[k] || 0);
  return {
    heartbeat_seconds: n('heartbeat_seconds'),
    suspect_seconds: n('suspect_seconds'),
    lost_after_seconds: n('lost_after_seconds'),
    lease_seconds: n('lease_seconds'),
    age_step_seconds: n('age_step_seconds'),
    strict: v.strict === 'true',
    production: v.production === 'true',
    ...(v.note ? { note: v.note } : {}),
  };
}

/** Environments shows when a robot counts as silent or lost, in each of them. */
export function Environments() {
  const list = useLive<Schemas['EnvironmentList']>('environments', {
    topics: ['events'],
    ask: (s) => call('GET', '/environments', undefined, s),
    take: onlyIf((f) => f.type.startsWith('environment.')),
  });
  const may = useMay('robots:manage');
  return (
    <Things
      title="Environments"
      hint="An environment keeps robots and jobs apart, such as test and production, and says how soon a robot that is not heard of is silent or lost."
      list={list}
      rows={list.data?.environments ?? []}
      may={may === true}
      add="Set one"
      edit="Edit"
      empty={<Empty command="fleet environment edit production --lost-after 90s --production">Nothing is set: what the server says holds everywhere.</Empty>}
      heads={['Environment', 'Heartbeat', 'Silent after', 'Lost after', 'Lease', 'Only its own jobs']}
      nameOf={(e) => e.name}
      cells={(e) => (
        <>
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
        </>
      )}
      form={(e) => ({
        title: e ? `Edit ${e.name}` : 'Set an environment',
        action: 'Save',
        note: '0 is what the server says.',
        fields: e ? fields : [{ key: 'name', label: 'Name', required: true }, ...fields],
        initial: e ? valuesOf(e) : {},
        send: (v) => call('PUT', `/environments/${encodeURIComponent(e?.name ?? v.name ?? '')}`, bodyOf(v)),
      })}
    />
  );
}
