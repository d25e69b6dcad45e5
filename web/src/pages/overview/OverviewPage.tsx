import { Link } from '@tanstack/react-router';
import { stream, useFleetList } from '../../parts/live';
import css from '../../parts/parts';
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
  );
}
