import { call, type Schemas } from '../../api/client';
import { useLive } from '../../parts/live';
import css from '../../parts/parts';
import { Fault, Loading } from '../../parts/States';
import { Status } from '../../parts/Status';
import { Table } from '../../parts/Table';
import { limitsOf, nameOf, readOf } from './health';
import own from './machine.module.css';

/** Health is how well a robot does, check by check with its limits. */
export function Health({ id }: { id: string }) {
  const at = `/robots/${encodeURIComponent(id)}`;
  const mine = (_: unknown, f: { topic: string; id: string }) => (f.topic === 'robots' && f.id === id ? ('again' as const) : undefined);
  const health = useLive<Schemas['RobotHealth']>(`${at}/health`, { topics: ['robots'], ask: (s) => call('GET', `${at}/health`, undefined, s), take: mine });
  const h = health.data;
  return (
    <section aria-label="Health" className={own.health}>
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
        <Table label="Checks" heads={['Check', 'State', 'Value', 'Degraded from', 'Failing from']}>
          {h.checks.map((c) => (
            <tr key={c.name}>
              <td>{nameOf(c)}</td>
              <td>
                <Status word={c.state} />
              </td>
              <td>{readOf(c)}</td>
              <td>{limitsOf(c)[0]}</td>
              <td>{limitsOf(c)[1]}</td>
            </tr>
          ))}
        </Table>
      )}
    </section>
  );
}
