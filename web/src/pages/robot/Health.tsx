import { useState } from 'react';
import { call, type Schemas } from '../../api/client';
import { Lines } from '../../parts/Chart';
import { useLive } from '../../parts/live';
import css from '../../parts/parts.module.css';
import { Scroll } from '../../parts/Scroll';
import { Fault, Loading } from '../../parts/States';
import { Status } from '../../parts/Status';
import { exact } from '../../parts/Time';
import { drawn, measure, nameOf, readOf } from './health';

const ranges = ['1h', '24h', '7d'] as const;

/** Health is how well a robot does, check by check with its limits, and how its machine was. */
export function Health({ id }: { id: string }) {
  const [range, setRange] = useState<(typeof ranges)[number]>('1h');
  const at = `/robots/${encodeURIComponent(id)}`;
  const mine = (_: unknown, f: { topic: string; id: string }) => (f.topic === 'robots' && f.id === id ? ('again' as const) : undefined);
  const health = useLive<Schemas['RobotHealth']>(`${at}/health`, { topics: ['robots'], ask: (s) => call('GET', `${at}/health`, undefined, s), take: mine });
  const figures = useLive<Schemas['RobotFigures']>(`${at}/metrics ${range}`, {
    topics: [],
    ask: (s) => call('GET', `${at}/metrics?range=${range}`, undefined, s),
  });
  const h = health.data;
  const history = figures.data?.history;
  const d = history ? drawn(history) : undefined;
  const labels = d?.at.map((t) => (range === '1h' ? exact(t).slice(11, 16) : exact(t).slice(5, 16))) ?? [];
  return (
    <>
      <div className={css.bar}>
        <h2>Health</h2>
        {h && <Status word={h.health} />}
      </div>
      {health.error && <Fault error={health.error} asOf={h ? health.asOf : ''} again={health.again} />}
      {!h && !health.error && <Loading what="its health" />}
      {h?.health_reasons.map((why) => (
        <p key={why} className={css.hint}>
          {why}
        </p>
      ))}
      {h && (
        <Scroll label="Checks" className={css.tableBox}>
          <table className={css.table}>
            <thead>
              <tr>
                <th>Check</th>
                <th>State</th>
                <th>Value</th>
                <th>Degraded from</th>
                <th>Failing from</th>
              </tr>
            </thead>
            <tbody>
              {h.checks.map((c) => (
                <tr key={c.name}>
                  <td>{nameOf(c)}</td>
                  <td>
                    <Status word={c.state} />
                  </td>
                  <td>{readOf(c)}</td>
                  <td>{c.name === 'quarantine' ? '–' : measure(c.degraded_at, c.unit)}</td>
                  <td>{c.name === 'quarantine' ? 'In it' : measure(c.failing_at, c.unit)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
      <div className={css.bar}>
        <h2>Its machine and slots</h2>
        {ranges.map((r) => (
          <button key={r} type="button" aria-pressed={r === range} onClick={() => setRange(r)}>
            {r === '1h' ? '1 hour' : r === '24h' ? '24 hours' : '7 days'}
          </button>
        ))}
      </div>
      {figures.error && <Fault error={figures.error} asOf={d ? figures.asOf : ''} again={figures.again} />}
      {d && !d.has.some(Boolean) && <p className={css.hint}>Nothing was read in this time: a robot that is connected is read once a minute.</p>}
      {d?.has.some(Boolean) && (
        <div className={css.charts}>
          <Lines
            title="Processor and memory"
            say="The share of processor and memory in use, with gaps where the robot was away."
            labels={labels}
            has={d.has}
            unit={(n) => measure(n, 'percent')}
            series={[
              { name: 'Processor', tone: 'one', values: d.cpu },
              { name: 'Memory', tone: 'two', values: d.memory },
            ]}
          />
          <Lines
            title="Slots"
            say="Slots in use and slots that there are, with gaps where the robot was away."
            labels={labels}
            has={d.has}
            unit={(n) => n.toFixed(n < 10 && !Number.isInteger(n) ? 1 : 0)}
            series={[
              { name: 'In use', tone: 'one', values: d.taken },
              { name: 'There are', tone: 'three', values: d.slots },
            ]}
          />
        </div>
      )}
    </>
  );
}
