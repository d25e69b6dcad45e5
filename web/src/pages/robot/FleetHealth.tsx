import { Link } from '@tanstack/react-router';
import { type ReactNode, useEffect, useState } from 'react';
import { call, type Schemas } from '../../api/client';
import type { LiveRobot } from '../../live/frames';
import { fleet, useLive } from '../../parts/live';
import parts from '../../parts/parts';
import { isPaused } from '../../parts/paused';
import { capabilities } from '../../parts/RobotPicker/picker';
import { Fault, Loading } from '../../parts/States';
import { useMay } from '../../parts/session';
import { Table } from '../../parts/Table';
import { clock, exact, serverNow } from '../../parts/Time';
import { span } from '../../parts/words';
import css from './fleethealth.module.css';
import { Meter, memory, Silent } from './RobotRow';
import { count } from './rows';
import { type Bar, type Vitals, vitals } from './vitals';

const every = 2000;
const asks = 15_000;
const few = 10;

/** useVitals looks at the fleet now and then, and not while the pointer is over the page: nothing moves under the hand. */
function useVitals(hold: boolean): { v: Vitals; at: number } {
  const look = () => ({ v: vitals(fleet.all(), serverNow()), at: serverNow() });
  const [state, setState] = useState(look);
  useEffect(() => {
    if (hold) return;
    const t = setInterval(() => {
      if (!document.hidden && !isPaused()) setState({ v: vitals(fleet.all(), serverNow()), at: serverNow() });
    }, every);
    return () => clearInterval(t);
  }, [hold]);
  return state;
}

const capability = (w: string): string => capabilities.find((c) => c.word === w)?.name ?? w;

/** FleetHealth is how well the fleet does: who is silent, hot or in trouble, and which capabilities are scarce. */
export default function FleetHealth() {
  const [over, setOver] = useState(false);
  const { v, at } = useVitals(over);
  const numbers = useMay('numbers:read') ?? false;
  const state = useLive<Schemas['FleetHealth']>('fleet state', {
    topics: [],
    ask: (s) => call('GET', '/fleet/health/summary', undefined, s),
    take: () => undefined,
  });
  // It costs the server a look at all robots: by the clock, not with each of their changes.
  const again = state.again;
  useEffect(() => {
    const t = setInterval(() => !isPaused() && again(), asks);
    return () => clearInterval(t);
  }, [again]);
  const failures = useLive<Schemas['FailureTable'] | null>(`fleet failures ${numbers}`, {
    topics: [],
    ask: (s) => (numbers ? call('GET', `/analytics/failures?range=24h&limit=${few}`, undefined, s) : Promise.resolve(null)),
    take: () => undefined,
  });
  return (
    <section className={css.page} aria-label="Health of the fleet" onPointerEnter={() => setOver(true)} onPointerLeave={() => setOver(false)}>
      {state.error && <Fault error={state.error} asOf={state.data ? state.asOf : ''} again={state.again} />}
      <div className={css.columns}>
        <Panel title="Capacity by capability" note="Slots of connected robots: used, free, or held on robots that take no new work for now." wide>
          {!state.data && !state.error && <Loading what="the capacity" />}
          {state.data && <Capacity list={state.data.capacity} />}
        </Panel>
        <Panel title="Since the last heartbeat" note={`${count(v.offline)} offline are left out${v.never ? `; ${count(v.never)} were never heard of` : ''}.`}>
          <Bars bars={v.lag} head="Silence" />
        </Panel>
        <Panel title="In trouble">
          <Trouble
            title="Silent"
            list={v.silent.map((r) => ({ id: r.robot_id, more: r.last_heartbeat ? <Silent at={r.last_heartbeat} /> : null }))}
            none="Every robot that is connected was heard of in time."
          />
          <Trouble
            title="In quarantine"
            list={v.quarantined.map((r) => ({ id: r.robot_id, more: r.quarantine_until ? `until ${exact(r.quarantine_until)}` : '' }))}
            none="No robot is in quarantine."
          />
          <Trouble
            title="Flapping"
            list={state.data?.flapping.map((f) => ({ id: f.robot_id, more: `${f.disconnects} disconnects in an hour` })) ?? []}
            none={state.data ? 'No connection ended three times within an hour.' : ''}
          />
          <Trouble
            title="Two machines with one id"
            list={v.doubled.map((r) => ({
              id: r.robot_id,
              more: `${r.hostname || 'a machine that gave no name'} is connected, ${r.duplicate_of} asks for its id`,
            }))}
            none="No second machine asked for an id in the last two hours."
          />
        </Panel>
        <Panel title="Highest CPU">
          <Hot list={v.cpu} share={(r) => r.cpu_percent} text={(r) => `${Math.round(r.cpu_percent)} %`} />
        </Panel>
        <Panel title="Most memory used">
          <Hot list={v.memory} share={(r) => (100 * r.memory_mb) / (v.memory[0]?.memory_mb || 1)} text={(r) => memory(r.memory_mb)} />
        </Panel>
        <Panel title="Versions">
          <Bars bars={v.versions} head="Version" />
          <p>
            <Link to="/fleet/robots" search={{ view: 'grid', tint: 'version' }}>
              See them in the grid
            </Link>
          </p>
        </Panel>
        <Panel title="Errors by cause">
          <Bars bars={v.causes} head="Robots in error" none="No robot is in error." />
          {failures.data && failures.data.rows.length > 0 && (
            <table className={parts.table}>
              <thead>
                <tr>
                  <th>Failures of jobs in 24 hours</th>
                  <th data-number>Count</th>
                </tr>
              </thead>
              <tbody>
                {failures.data.rows.map((f) => (
                  <tr key={f.fingerprint}>
                    <td>
                      <Link to="/fleet/jobs/$id" params={{ id: f.sample_job_id }} search={{ pane: 'log' }}>
                        {f.message || f.error_type || f.fingerprint}
                      </Link>
                    </td>
                    <td data-number>{count(f.count)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          )}
        </Panel>
      </div>
      <p className={parts.fact}>
        As of {clock(at)}.{over && ' It stands still while the pointer is over it.'}
      </p>
    </section>
  );
}

function Panel({ title, note, wide, children }: { title: string; note?: string; wide?: boolean; children: ReactNode }) {
  return (
    <section className={css.panel} data-wide={wide || undefined} aria-label={title}>
      <h2>{title}</h2>
      {note && <p className={parts.hint}>{note}</p>}
      {children}
    </section>
  );
}

/** Bars is a table whose second column is drawn. */
function Bars({ bars, head, none }: { bars: readonly Bar[]; head: string; none?: string }) {
  const most = Math.max(1, ...bars.map((b) => b.n));
  if (bars.length === 0) return none ? <p className={parts.fact}>{none}</p> : null;
  return (
    <table className={css.bars}>
      <thead>
        <tr>
          <th>{head}</th>
          <th>Robots</th>
        </tr>
      </thead>
      <tbody>
        {bars.map((b) => (
          <tr key={b.name}>
            <th scope="row">{b.name}</th>
            <td>
              <span className={css.bar} style={{ width: `${(70 * b.n) / most}%` }} aria-hidden="true" /> {count(b.n)}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Hot({ list, share, text }: { list: readonly LiveRobot[]; share: (r: LiveRobot) => number; text: (r: LiveRobot) => string }) {
  if (list.length === 0) return <p className={parts.fact}>No robot is connected.</p>;
  return (
    <ol className={css.list}>
      {list.map((r) => (
        <li key={r.robot_id}>
          <Link to="/fleet/robots/$id" params={{ id: r.robot_id }} search={{}} className={parts.mono}>
            {r.name || r.robot_id}
          </Link>
          <Meter share={share(r)} old={r.silent} text={text(r)} />
        </li>
      ))}
    </ol>
  );
}

function Trouble({ title, list, none }: { title: string; list: readonly { id: string; more: ReactNode }[]; none: string }) {
  return (
    <>
      <h3>
        {title} {list.length > 0 && <span className={parts.warn}>{count(list.length)}</span>}
      </h3>
      {list.length === 0 && <p className={parts.fact}>{none}</p>}
      <ul className={css.list}>
        {list.slice(0, few).map((x) => (
          <li key={x.id}>
            <Link to="/fleet/robots/$id" params={{ id: x.id }} search={{}} className={parts.mono}>
              {fleet.row(x.id)?.name || x.id}
            </Link>
            <span className={parts.fact}>{x.more}</span>
          </li>
        ))}
      </ul>
      {list.length > few && <p className={parts.fact}>and {count(list.length - few)} more</p>}
    </>
  );
}

/** Capacity says of each capability what is used, free and held, and what waits for it. */
function Capacity({ list }: { list: readonly Schemas['CapabilityRoom'][] }) {
  return (
    <Table
      label="Capacity by capability, as a table"
      className={css.wide ?? ''}
      heads={['Capability', 'Slots', { number: 'Used' }, { number: 'Free' }, { number: 'Held' }, { number: 'Robots' }, 'Jobs that wait for it']}
    >
      {list.map((c) => (
        <tr key={c.capability}>
          <td>
            <Link to="/fleet/robots" search={{ cap: c.capability }}>
              {capability(c.capability)}
            </Link>
          </td>
          <td>
            <span className={css.room} aria-hidden="true">
              {(['used', 'held', 'free'] as const).map((k) => (
                <i key={k} data-kind={k} style={{ width: `${c.slots > 0 ? (100 * c[k]) / c.slots : 0}%` }} />
              ))}
            </span>{' '}
            {c.slots === 0 ? 'none' : `${count(c.used)} of ${count(c.slots)} used`}
          </td>
          <td data-number>{count(c.used)}</td>
          <td data-number>{count(c.free)}</td>
          <td data-number>{count(c.held)}</td>
          <td data-number>
            {count(c.connected)} of {count(c.robots)}
          </td>
          <td className={c.waiting > 0 && c.free === 0 ? parts.warn : ''}>
            {c.waiting === 0
              ? 'none'
              : `${count(c.waiting)} ${c.waiting === 1 ? 'job' : 'jobs'}${c.sampled > 0 ? `, ${span(Math.round(c.mean_wait_ms / 1000) * 1000).replace('0 ms', '0 s')} on average${c.sampled < c.waiting ? ` of ${count(c.sampled)}` : ''}` : ''}`}
          </td>
        </tr>
      ))}
    </Table>
  );
}
