import { Link } from '@tanstack/react-router';
import { call, type Schemas } from '../../api/client';
import { onlyIf, useLive } from '../../parts/live';
import css from '../../parts/parts';
import { Fault, Loading } from '../../parts/States';
import { useMay } from '../../parts/session';
import { Table } from '../../parts/Table';
import { Ago } from '../../parts/Time';
import { label, lasted, span } from '../../parts/words';
import { licences, own as mine } from '../../words/licences';
import own from './settings.module.css';

/** System is which program serves this page, and which others share its database. */
export function System() {
  const meta = useLive<Schemas['Meta']>('meta', { topics: [], ask: (s) => call('GET', '/meta', undefined, s) });
  const may = useMay('system:read');
  const m = meta.data;
  return (
    <section aria-label="System">
      <h2>System</h2>
      {meta.error && <Fault error={meta.error} again={meta.again} />}
      {m && (
        <dl className={css.facts}>
          <dt>Version</dt>
          <dd>{m.version}</dd>
          <dt>Program</dt>
          <dd>fleet {m.mode}</dd>
          <dt>Runs workflows itself</dt>
          <dd>{m.local.enabled ? `Yes, on ${m.local.host ?? 'this machine'}` : `No. ${m.local.reason ?? ''}`}</dd>
        </dl>
      )}
      {may && <Standing />}
      {may && <Queue />}
      {may && <Members />}
      <h2>From a terminal</h2>
      <p>
        <Link to="/cli">The lines that use this server</Link>
      </p>
      <h2>Licences</h2>
      <p className={css.hint}>Casare Fleet is under {mine}. It holds work of others:</p>
      {Object.entries(licences).map(([name, parts]) => (
        <details key={name}>
          <summary className={own.more}>
            {name} <span className={css.hint}>{parts.length === 1 ? '1 part' : `${parts.length} parts`}</span>
          </summary>
          <p className={`${css.mono} ${own.parts}`}>{parts.join(', ')}</p>
        </details>
      ))}
    </section>
  );
}

/** Queue is how far the work is behind: what waits now, how long the last ones waited, and what is not counted yet. */
function Queue() {
  const jobs = useLive<Schemas['JobList']>('jobs that wait', {
    topics: ['jobs'],
    ask: (s) => call('GET', '/jobs?status=pending&limit=1', undefined, s),
    take: onlyIf((f) => f.topic === 'jobs' && (f.from_state === 'pending' || f.to_state === 'pending' || f.type === 'job.submitted')),
  });
  const hour = useLive<Schemas['NumbersOverview']>('waits of the last hour', {
    topics: [],
    ask: (s) => call('GET', '/analytics/overview?range=1h', undefined, s),
  });
  const n = jobs.data?.total ?? 0;
  const of = hour.data?.current;
  const error = jobs.error ?? hour.error;
  return (
    <>
      <h2>Queue</h2>
      {error && (
        <Fault
          error={error}
          again={() => {
            jobs.again();
            hour.again();
          }}
        />
      )}
      <dl className={css.facts}>
        {jobs.data && (
          <>
            <dt>Waiting now</dt>
            <dd>
              <Link to="/fleet/jobs" search={{ status: 'pending', range: 'all' }}>
                {n === 1 ? '1 job' : `${n.toLocaleString('en')} jobs`}
              </Link>
            </dd>
          </>
        )}
        {of && hour.data && (
          <>
            <dt>Waited in the last hour</dt>
            <dd>{of.wait_sample === 0 ? 'No job began' : `Half of the jobs up to ${lasted(of.wait_p50_ms)}, 9 of 10 up to ${lasted(of.wait_p90_ms)}`}</dd>
            <dt>Not counted yet</dt>
            <dd>{hour.data.events_behind === 1 ? '1 event' : `${hour.data.events_behind.toLocaleString('en')} events`}</dd>
          </>
        )}
      </dl>
    </>
  );
}

/** Standing is how the store does, and the systems outside that this program asks. */
function Standing() {
  const health = useLive<Schemas['Health']>('health', { topics: [], ask: (s) => call('GET', '/health', undefined, s) });
  const d = health.data?.details;
  return (
    <>
      <h2>Health</h2>
      {health.error && <Fault error={health.error} again={health.again} />}
      {d && (
        <dl className={css.facts}>
          <dt>Up for</dt>
          <dd>{span(1000 * d.uptime_seconds)}</dd>
          <dt>Store</dt>
          <dd className={d.store === 'ok' ? '' : css.bad}>{d.store === 'ok' ? `${d.store_kind ? `${d.store_kind}: it` : 'It'} answers` : d.store}</dd>
          {d.breakers.map((b) => (
            <Breaker key={b.name} of={b} />
          ))}
        </dl>
      )}
    </>
  );
}

function Breaker({ of: b }: { of: Schemas['HealthBreaker'] }) {
  return (
    <>
      <dt>{label(b.name)}</dt>
      <dd className={b.state === 'closed' ? '' : css.warn}>
        {b.state === 'closed' ? 'Calls are made' : `Calls are held back after ${b.failures} failures, tried again in ${b.retry_in_seconds} s`}
      </dd>
    </>
  );
}

function Members() {
  const list = useLive<Schemas['MemberList']>('members', { topics: [], ask: (s) => call('GET', '/members', undefined, s) });
  return (
    <>
      <h2>Orchestrators that share the database</h2>
      {list.error && <Fault error={list.error} again={list.again} />}
      {!list.data && !list.error && <Loading what="orchestrators" />}
      {list.data?.members.length === 0 && <p className={css.hint}>This one is alone.</p>}
      {(list.data?.members.length ?? 0) > 0 && (
        <Table label="Orchestrators" heads={['Orchestrator', 'Address', 'Version', 'Started', 'Does chores']}>
          {list.data?.members.map((m) => (
            <tr key={m.member_id}>
              <td className={css.mono}>
                …{m.member_id.slice(-8)} {m.self && '(this one)'}
              </td>
              <td>{m.address}</td>
              <td>{m.version}</td>
              <td>
                <Ago at={m.started_at} />
              </td>
              <td>{m.leader ? 'Yes' : 'No'}</td>
            </tr>
          ))}
        </Table>
      )}
    </>
  );
}
