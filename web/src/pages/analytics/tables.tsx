/** The tables of the page of numbers. */
import { Link } from '@tanstack/react-router';
import type { Schemas } from '../../api/client';
import chart from '../../parts/chart.module.css';
import css from '../../parts/parts';
import { Table } from '../../parts/Table';
import { label, lasted } from '../../parts/words';
import { jobSearch } from '../job/rows';
import own from './analytics.module.css';
import { percent } from './numbers';

function Section({ title, heads, children, empty }: { title: string; heads: readonly string[]; children: React.ReactNode; empty: string }) {
  return (
    <section className={chart.chart} aria-label={title}>
      <h2 className={own.title}>{title}</h2>
      {empty ? (
        <p className={css.hint}>{empty}</p>
      ) : (
        <Table label={`${title}, table`} heads={heads} className={own.scroll ?? ''}>
          {children}
        </Table>
      )}
    </section>
  );
}

function Share({ of }: { of: number }) {
  return (
    <>
      {percent(of)}
      <span className={chart.share} style={{ width: `${Math.max(1, Math.min(100, of))}%` }} aria-hidden="true" />
    </>
  );
}

export function Waiting({ rows }: { rows: readonly Schemas['WaitRow'][] }) {
  return (
    <Section
      title="What jobs waited for"
      heads={['For', 'Share', 'Waits', 'Mean', '90 % within']}
      empty={rows.length === 0 ? 'No job that ended had waited.' : ''}
    >
      {rows.map((r) => (
        <tr key={r.waiting_on}>
          <td>{label(r.waiting_on)}</td>
          <td>
            <Share of={r.share} />
          </td>
          <td>{r.waits}</td>
          <td>{lasted(r.average_ms)}</td>
          <td>{lasted(r.p90_ms)}</td>
        </tr>
      ))}
    </Section>
  );
}

interface Window {
  from: string;
  to: string;
}

/** Counted is a number that leads to the jobs that were counted. */
function Counted({ n, at, of }: { n: number; at: Window; of: { workflow?: string; robot?: string; status: string } }) {
  return n === 0 ? (
    <>0</>
  ) : (
    <Link to="/fleet/jobs" search={jobSearch({ from: at.from, to: at.to, ...of })}>
      {n}
    </Link>
  );
}

const ended = 'completed,failed,cancelled,timeout';

export function Workflows({
  title,
  rows,
  at,
  none = 'No job ended.',
  onWorkflow,
}: {
  title: string;
  rows: readonly Schemas['NumbersRow'][];
  at: Window;
  none?: string;
  onWorkflow: (id: string) => void;
}) {
  return (
    <Section title={title} heads={['Workflow', 'Jobs', 'Success', 'Half within', '90 % within', 'Before']} empty={rows.length === 0 ? none : ''}>
      {rows.map((r) => (
        <tr key={r.key}>
          <td>
            <button type="button" className={css.link} onClick={() => onWorkflow(r.key)}>
              {r.name || r.key}
            </button>
          </td>
          <td>
            <Counted n={r.ended} at={at} of={{ workflow: r.key, status: ended }} />
          </td>
          <td>{r.sample > 0 ? percent(r.success_rate) : '–'}</td>
          <td>{r.completed > 0 ? lasted(r.p50_duration_ms) : '–'}</td>
          <td>{r.completed > 0 ? lasted(r.p90_duration_ms) : '–'}</td>
          <td>{r.previous && r.previous.completed > 0 ? lasted(r.previous.p50_duration_ms) : '–'}</td>
        </tr>
      ))}
    </Section>
  );
}

export function Failures({ table, at }: { table: Schemas['FailureTable']; at: Window }) {
  return (
    <Section title="Failures by reason" heads={['What', 'Workflow', 'Count', 'Share', 'Before']} empty={table.rows.length === 0 ? 'No job failed.' : ''}>
      {table.rows.map((r) => (
        <tr key={r.fingerprint}>
          <td>
            <Link to="/fleet/jobs/$id" params={{ id: r.sample_job_id }} search={{}}>
              {r.error_type || label(r.error_class)}
            </Link>
            <div className={css.hint}>
              {r.message} {r.node && `at ${r.node}`}
            </div>
          </td>
          <td>{r.workflow_name}</td>
          <td>
            <Counted n={r.count} at={at} of={{ workflow: r.workflow_id, status: 'failed,timeout' }} />
          </td>
          <td>
            <Share of={r.share} />
          </td>
          <td>{r.count_before}</td>
        </tr>
      ))}
    </Section>
  );
}

export function Robots({ rows, at, onRobot }: { rows: readonly Schemas['NumbersRow'][]; at: Window; onRobot: (id: string) => void }) {
  return (
    <Section title="Robots" heads={['Robot', 'Busy', 'Jobs', 'Failed']} empty={rows.length === 0 ? 'No robot did anything.' : ''}>
      {rows.map((r) => (
        <tr key={r.key}>
          <td>
            <Link to="/fleet/robots/$id" params={{ id: r.key }} search={{}} className={css.mono}>
              {r.name || r.key}
            </Link>{' '}
            <button type="button" className={css.link} aria-label={`Numbers of ${r.name || r.key} alone`} onClick={() => onRobot(r.key)}>
              only
            </button>
          </td>
          <td>{r.available_slot_seconds > 0 ? <Share of={r.utilization} /> : '–'}</td>
          <td>
            <Counted n={r.ended} at={at} of={{ robot: r.key, status: ended }} />
          </td>
          <td>{r.sample > 0 ? percent(r.failure_rate) : '–'}</td>
        </tr>
      ))}
    </Section>
  );
}
