import { Link } from '@tanstack/react-router';
import { call, type Schemas } from '../../api/client';
import { onlyIf, useLive } from '../../parts/live';
import { PageHead } from '../../parts/PageHead';
import css from '../../parts/parts';
import { Empty, Fault, Loading } from '../../parts/States';
import { Status } from '../../parts/Status';
import { useMay } from '../../parts/session';
import { Table } from '../../parts/Table';
import { Ago } from '../../parts/Time';
import { useAgain } from './again';
import { concerns, type IncidentSearch, kinds } from './alerts';
import { IncidentView } from './IncidentView';

interface Props {
  id: string;
  search: IncidentSearch;
  onSearch: (s: IncidentSearch) => void;
}

/** IncidentsPage lists what needs a person, and what did, and shows the one that is chosen. */
export function IncidentsPage({ id, search, onSearch }: Props) {
  const over = search.state === 'resolved';
  const list = useLive<Schemas['IncidentList']>(`incidents ${search.state ?? 'live'}`, {
    topics: ['events'],
    ask: (s) => call('GET', `/incidents?limit=200&state=${over ? 'resolved' : 'live'}`, undefined, s),
    take: onlyIf(concerns),
  });
  useAgain(list.again, !over && (list.data?.incidents.length ?? 0) > 0);
  const maySee = useMay('alerts:read');
  const rows = [...(list.data?.incidents ?? [])].sort((a, b) => Number(b.state === 'open') - Number(a.state === 'open'));
  if (maySee === false)
    return (
      <div className={css.page}>
        <h1>Incidents</h1>
        <p>Your role may not see incidents: it lacks the permission alerts:read. Ask an admin.</p>
      </div>
    );
  return (
    <div className={css.page}>
      <PageHead title="Incidents" facts={list.data && `${list.data.open} open, ${list.data.acknowledged} acknowledged`} />
      <div className={css.bar}>
        <button type="button" aria-pressed={!over} onClick={() => onSearch({})}>
          Now
        </button>
        <button type="button" aria-pressed={over} onClick={() => onSearch({ state: 'resolved' })}>
          Resolved
        </button>
        <span className={css.grow} />
        <Link to="/settings/$part" params={{ part: 'alerts' }}>
          Rules and channels
        </Link>
      </div>
      {list.error && <Fault error={list.error} asOf={list.data ? list.asOf : ''} again={list.again} />}
      {!list.data && !list.error && <Loading what="incidents" />}
      {list.data && rows.length === 0 && (
        <Empty command="fleet alert list">
          {over
            ? 'Nothing was resolved yet.'
            : 'Nothing needs you. Robots that are lost, jobs that fail or wait, schedules that are missed: each becomes one incident, and people are told once.'}
        </Empty>
      )}
      <div className={css.pair} data-open={id || undefined}>
        {rows.length > 0 && (
          <Table label="List of incidents" heads={['State', 'What', { number: 'Count' }, 'Last']}>
            {rows.map((i) => (
              <tr key={i.incident_id} data-chosen={i.incident_id === id || undefined}>
                <td>
                  <Status word={i.state} />
                  <div className={css.hint}>
                    <Status word={i.severity} />
                  </div>
                </td>
                <td>
                  <Link to="/incidents/$id" params={{ id: i.incident_id }} search={search}>
                    {i.title}
                  </Link>
                  <div className={css.hint}>{kinds[i.rule] ?? i.rule}</div>
                </td>
                <td data-number>{i.count}</td>
                <td>
                  <Ago at={i.last_at} />
                  {i.acknowledged_by && <div className={css.hint}>with {i.acknowledged_by}</div>}
                </td>
              </tr>
            ))}
          </Table>
        )}
        {id && <IncidentView key={id} id={id} onChanged={list.again} />}
      </div>
    </div>
  );
}
