import { Link, useRouterState } from '@tanstack/react-router';
import { useState } from 'react';
import { leads, targetOf } from '../parts/goto';
import { PageHead } from '../parts/PageHead';
import css from '../parts/parts';
import { openTo } from '../parts/places';
import { useMe } from '../parts/session';
import { useFound } from '../parts/useFound';

/** NotFound looks for what the address may have meant. */
export function NotFound() {
  const path = useRouterState({ select: (s) => s.location.pathname });
  const [text, setText] = useState(() => decode(path.split('/').filter(Boolean).at(-1) ?? ''));
  const found = useFound(text);
  const me = useMe();
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
        {openTo(me?.permissions)
          .filter((p) => p.hint !== false)
          .map((p) => (
            <Link key={p.to} to={p.to as '/'} search={{} as never}>
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
