import { Link } from '@tanstack/react-router';
import { call, type Schemas } from '../../api/client';
import { takeJob, useFleetList, useLive } from '../../parts/live';
import { Fault, Loading } from '../../parts/States';
import { Status } from '../../parts/Status';
import { segments } from './overview';
import own from './overview.module.css';

/** Strip is all robots in one bar that adds up, with what waits beside it. */
export function Strip({ again }: { again: () => void }) {
  const fleet = useFleetList();
  const pending = useLive<Schemas['JobList']>('queue depth', {
    topics: ['jobs'],
    ask: (s) => call('GET', '/jobs?status=pending&limit=1', undefined, s),
    take: (data, f) => {
      if (f.from_state === 'pending' || f.to_state === 'pending') return 'again';
      return takeJob((j) => j.status === 'pending')(data, f) === 'again' ? 'again' : undefined;
    },
  });
  const parts = segments(fleet.robots);
  const waits = pending.data?.total ?? -1;
  if (!fleet.loaded && !fleet.error) return <Loading what="the fleet" />;
  return (
    <section className={own.strip} aria-label="Fleet">
      {fleet.error && <Fault error={fleet.error} asOf={fleet.asOf} again={again} />}
      <Link to="/fleet/robots" search={{}} className={own.figure}>
        <strong>{fleet.robots.length}</strong>
        <span>Total robots</span>
      </Link>
      <div className={own.bar}>
        {parts.map((p) => (
          <Link
            key={p.word}
            to="/fleet/robots"
            search={{ status: p.word }}
            data-word={p.word}
            data-empty={p.count === 0 || undefined}
            style={{ flexGrow: p.count }}
          >
            <Status word={p.word} more={String(p.count)} />
          </Link>
        ))}
      </div>
      <Link to="/fleet/jobs" search={{ range: 'all', status: 'pending' }} className={own.figure}>
        <strong>{pending.data ? (waits >= 0 ? waits : 'Many') : '–'}</strong>
        <span>Queue depth (jobs that wait)</span>
      </Link>
    </section>
  );
}
