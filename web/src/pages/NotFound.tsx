import { Link, useRouterState } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { call, type Schemas } from '../api/client';
import { leads, targetOf } from '../parts/goto';
import { PageHead } from '../parts/PageHead';
import css from '../parts/parts';

const pages = [
  { to: '/', name: 'Overview' },
  { to: '/fleet/robots', name: 'Robots' },
  { to: '/fleet/jobs', name: 'Jobs' },
  { to: '/fleet/schedules', name: 'Schedules' },
  { to: '/fleet/queues', name: 'Queues' },
  { to: '/fleet/analytics', name: 'Analytics' },
  { to: '/fleet/api-keys', name: 'API Keys' },
  { to: '/workflows', name: 'Workflows' },
  { to: '/activity', name: 'Activity' },
  { to: '/audit', name: 'Audit' },
] as const;

/** pause is how long the server is not asked after a key was pressed. */
const pause = 150;

/** NotFound looks for what the address may have meant. */
export function NotFound() {
  const path = useRouterState({ select: (s) => s.location.pathname });
  const [text, setText] = useState(() => decode(path.split('/').filter(Boolean).at(-1) ?? ''));
  const [found, setFound] = useState<{ of: string; list: Schemas['Found'][] }>();
  const typed = text.trim();
  useEffect(() => {
    if (typed === '') return setFound(undefined);
    const end = new AbortController();
    const t = setTimeout(() => {
      call<Schemas['FindAnswer']>('GET', `/search?q=${encodeURIComponent(typed)}&limit=8`, undefined, end.signal)
        .then((a) => setFound({ of: typed, list: a.found }))
        .catch(() => !end.signal.aborted && setFound(undefined)); // the pages below stay
    }, pause);
    return () => {
      clearTimeout(t);
      end.abort();
    };
  }, [typed]);
  return (
    <div className={css.page}>
      <PageHead title="Nothing is here" />
      <p className={css.fact}>
        No page has the address <span className={css.mono}>{path}</span>. What it showed may have been deleted.
      </p>
      <label>
        Search robots, workflows, jobs, schedules and queues{' '}
        <input type="search" value={text} onChange={(e) => setText(e.target.value)} placeholder="The beginning of a name or an id" />
      </label>
      <p role="status" className={css.fact}>
        {found === undefined ? '' : found.list.length === 0 ? `Nothing begins with “${found.of}”.` : `${found.list.length} found.`}
      </p>
      <ul className={css.list}>
        {found?.list.map((f) => {
          const t = targetOf(f);
          return (
            <li key={t.key}>
              <Link {...leads(f)}>{t.name}</Link> <span className={css.fact}>{t.more}</span>
            </li>
          );
        })}
      </ul>
      <h2>Pages</h2>
      <nav className={css.bar} aria-label="Pages">
        {pages.map((p) => (
          <Link key={p.to} to={p.to} search={{} as never}>
            {p.name}
          </Link>
        ))}
      </nav>
    </div>
  );
}

/** decode is a part of an address as it reads; one that is broken stays as it is. */
function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
