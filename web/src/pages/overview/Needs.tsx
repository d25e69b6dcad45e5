import { Link } from '@tanstack/react-router';
import { useEffect } from 'react';
import { call, type Schemas } from '../../api/client';
import { onlyIf, useLive } from '../../parts/live';
import { PageLink } from '../../parts/PageLink';
import { Fault, Loading } from '../../parts/States';
import { useMay } from '../../parts/session';
import { Ago, clock, exact } from '../../parts/Time';
import { label } from '../../parts/words';
import { concerns } from './overview';
import own from './overview.module.css';

const most = 7;
const often = 15_000; // some things need somebody because time passes, and no fact tells of that
const marks: Readonly<Record<string, string>> = { critical: '▲', warning: '△', info: '○' };

/** Needs is what needs a person: the server ranks it, and says what to do first. */
export function Needs() {
  const needs = useLive<Schemas['Attention']>('attention', {
    topics: ['jobs', 'robots', 'schedules', 'queues'],
    ask: (s) => call('GET', '/attention', undefined, s),
    take: onlyIf(concerns),
  });
  const { again } = needs;
  const mayAlerts = useMay('alerts:read');
  useEffect(() => {
    const t = setInterval(again, often);
    return () => clearInterval(t);
  }, [again]);
  const entries = needs.data?.entries ?? [];
  const left = entries.length - most + (needs.data?.left_out ?? 0);
  return (
    <section className={own.panel} aria-labelledby="needs">
      <h2 id="needs">
        Needs attention{entries.length > 0 && ` (${entries.length + (needs.data?.left_out ?? 0)})`}
        {mayAlerts && (
          <Link to="/incidents" search={{}}>
            Incidents
          </Link>
        )}
      </h2>
      {needs.error && <Fault error={needs.error} asOf={needs.data ? needs.asOf : ''} again={again} />}
      {!needs.data && !needs.error && <Loading what="what needs you" />}
      {needs.data && entries.length === 0 && (
        <p className={own.calm} title={exact(needs.data.checked_at)}>
          Nothing needs you. Checked {clock(needs.data.checked_at)}.
        </p>
      )}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls */}
      <ul className={own.scroll} tabIndex={0} aria-labelledby="needs">
        {entries.slice(0, most).map((e) => (
          <li key={`${e.kind} ${e.object_ids.join(' ')} ${e.sentence}`}>
            <span className={own.mark} data-severity={e.severity} role="img" aria-label={label(e.severity)} title={label(e.severity)}>
              {marks[e.severity] ?? '·'}
            </span>
            <span className={own.wrap} title={e.sentence}>
              {e.sentence}
            </span>
            {e.since && (
              <span className={own.when}>
                <Ago at={e.since} />
              </span>
            )}
            <PageLink to={e.action.page} className={own.act}>
              {e.action.label}
            </PageLink>
          </li>
        ))}
        {left > 0 && (
          <li className={own.when}>
            {left} more: <code>fleet attention</code> lists them all.
          </li>
        )}
      </ul>
    </section>
  );
}
