import { Link } from '@tanstack/react-router';
import { call, type Schemas } from '../../api/client';
import { onlyIf, useLive } from '../../parts/live';
import css from '../../parts/parts.module.css';
import { Status } from '../../parts/Status';
import { useMay } from '../../parts/session';
import { concerns } from './alerts';

/** OpenIncidents is one line of the overview: how many incidents wait for somebody. */
export function OpenIncidents() {
  const may = useMay('alerts:read');
  return may ? <OpenLine /> : null;
}

function OpenLine() {
  const list = useLive<Schemas['IncidentList']>('open incidents', {
    topics: ['events'],
    ask: (s) => call('GET', '/incidents?limit=1&state=open', undefined, s),
    take: onlyIf(concerns),
  });
  const n = list.data?.open ?? 0;
  return (
    <p className={css.fact}>
      {n > 0 ? (
        <>
          <Status word="open" more={n === 1 ? '1 incident' : `${n} incidents`} /> wait for somebody.{' '}
          <Link to="/incidents" search={{}}>
            Open the incidents
          </Link>
        </>
      ) : (
        <Link to="/incidents" search={{}}>
          Incidents
        </Link>
      )}
    </p>
  );
}
