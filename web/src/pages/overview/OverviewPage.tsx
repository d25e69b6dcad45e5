import { Link } from '@tanstack/react-router';
import { stream, useFleetList } from '../../parts/live';
import css from '../../parts/parts.module.css';
import { Empty, Fault, Loading } from '../../parts/States';
import { Status } from '../../parts/Status';
import { Ago } from '../../parts/Time';
import { waits } from '../../words/waiting';
import { OpenIncidents } from '../alert/OpenIncidents';
import { useMay } from '../../parts/session';
import { FirstStart } from './FirstStart';
import { Needs } from './Needs';
import own from './overview.module.css';
import { Depth, Happened, Next, Running, Throughput } from './panels';
import { Strip } from './Strip';

/** OverviewPage answers: is anything wrong now, and what runs? Each panel asks for itself, so that one that fails leaves the others. */
export function OverviewPage() {
  const fleet = useFleetList();
  const may = { numbers: useMay('numbers:read'), schedules: useMay('schedules:read'), events: useMay('events:read') };
  return (
    <div className={own.page}>
      <div className={own.head}>
        <h1>Overview</h1>
      </div>
      <Strip again={() => stream.retry()} />
      <div>
        <FirstStart />
        {fleet.loaded && fleet.robots.length === 0 && <FirstSteps />}
        </div>
      <div className={own.panels}>
        <Needs />
        <Running />
        {may.events !== false && <Happened />}
        {may.numbers !== false && <Depth />}
        {may.numbers !== false && <Throughput />}
        {may.schedules !== false && <Next />}
      </div>
    </div>
  );
}

function FirstSteps() {
  return (
        <section className={css.panel} aria-label="First steps">
          <h2>First steps</h2>
          <p>No robot is here yet. A robot is a machine that runs your workflows.</p>
          <ol>
            <li>
              Make an enrolment token under{' '}
              <Link to="/fleet/api-keys" search={{}}>
                API Keys
              </Link>
              .
            </li>
            <li>
          On the machine: <code>fleet robot enrol --url {location.origin} --token - &lt; token</code>, then <code>fleet robot run --url {location.origin}</code>
          .
            </li>
            <li>
              Draw a workflow under{' '}
              <Link to="/workflows" search={{ q: '' }}>
                Workflows
              </Link>
              , or submit one: <code>fleet job submit report.json --follow</code>.
            </li>
          </ol>
        </section>
      )}
      <h2>Needs attention</h2>
      <OpenIncidents />
      {checked && wrong.length + open.length === 0 && <p className={css.fact}>Nothing needs you. Checked {decide.asOf}.</p>}
      <ul className={css.list}>
        {open.map((j) => (
          <li key={j.job_id}>
            <Status word={j.status} /> {j.workflow.workflow_name} waits for a decision.
            <Link to="/fleet/jobs/$id" params={{ id: j.job_id }}>
              Open the job
            </Link>
          </li>
        ))}
        {wrong.slice(0, 5).map((r) => (
          <li key={r.robot_id}>
            <Status word={r.status} /> {r.name || r.robot_id} {r.silent ? 'is silent' : 'reports an error'}.
            <Link to="/fleet/robots/$id" params={{ id: r.robot_id }}>
              Open the robot
            </Link>
          </li>
        ))}
        {wrong.length > 5 && (
          <li>
            {wrong.length - 5} more robots are silent or in error.
            <Link to="/fleet/robots" search={{ status: 'error' }}>
              Those in error
            </Link>
          </li>
        )}
      </ul>
      <h2>Running now{running.data && running.data.total >= 0 ? ` (${running.data.total})` : ''}</h2>
      {running.data?.jobs.length === 0 && (
        <Empty command="fleet job submit examples/hello.json">No job is running. Open a workflow and press Run, or submit one from a terminal.</Empty>
      )}
      <ul className={css.list}>
        {running.data?.jobs.map((j) => (
          <li key={j.job_id}>
            <Link to="/fleet/jobs/$id" params={{ id: j.job_id }}>
              {j.workflow.workflow_name}
            </Link>
            <span>{j.progress} %</span>
            {j.current_node && <span className={css.mono}>{j.current_node}</span>}
            <span className={css.fact}>
              on {j.robot_id ?? '–'}, <Ago at={j.started_at} />
            </span>
          </li>
        ))}
      </ul>
      <h2>Waiting{pending.data && pending.data.total >= 0 ? ` (${pending.data.total})` : ''}</h2>
      <ul className={css.list}>
        {pending.data?.jobs.map((j) => (
          <li key={j.job_id}>
            <Link to="/fleet/jobs/$id" params={{ id: j.job_id }}>
              {j.workflow.workflow_name}
            </Link>
            <span>{waits(j.waiting_on, j.waiting_code)}</span>
            <span className={css.fact}>
              <Ago at={j.waiting_since ?? j.created_at} />
            </span>
          </li>
        ))}
      </ul>
    </div>
  );
}
