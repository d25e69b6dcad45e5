import { Link, Outlet, useRouterState } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { LoginPage } from './pages/login/LoginPage';
import { setServerTime } from './parts/Time';
import css from './shell.module.css';

interface Meta {
  mode: string;
  now: string;
  dev: boolean;
  version: string;
}

/** Shell is what stands around every page: the rail, and who may see it. */
export function Shell() {
  const [meta, setMeta] = useState<Meta>();
  const [state, setState] = useState<'asking' | 'in' | 'out' | 'lost'>('asking');
  const [again, setAgain] = useState(0);
  const canvas = useRouterState({ select: (s) => s.location.pathname.startsWith('/local/') || /^\/workflows\/[^/]+$/.test(s.location.pathname) });
  // biome-ignore lint/correctness/useExhaustiveDependencies: again asks once more
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const ask = async () => {
      try {
        const m = await fetch('/api/v1/meta');
        if (m.ok) {
          const got = (await m.json()) as Meta;
          setServerTime(got.now);
          setMeta(got);
        }
        const r = await fetch('/api/v1/me');
        setState(r.status === 401 ? 'out' : 'in');
        timer = setTimeout(ask, document.hidden ? 60_000 : 5000);
      } catch {
        setState('lost');
        timer = setTimeout(ask, 3000);
      }
    };
    void ask();
    return () => clearTimeout(timer);
  }, [again]);

  if (state === 'out') return <LoginPage onDone={() => setAgain((n) => n + 1)} />;
  return (
    <div className={css.shell}>
      <a className={css.skip} href="#main">
        Skip to the page
      </a>
      {meta?.dev && <p className={css.dev}>Developer mode: no sign-in. Do not expose this server.</p>}
      {state === 'lost' && (
        <p className={css.lost} role="status">
          The server does not answer. This page tries again.
        </p>
      )}
      <div className={css.body}>
        <nav className={css.rail} aria-label="Main">
          <span className={css.mark}>Casare Fleet</span>
          <Link to="/" activeOptions={{ exact: true }}>
            Overview
          </Link>
          <Link to="/fleet/robots" search={{}} activeOptions={{ includeSearch: false }}>
            Robots
          </Link>
          <Link to="/fleet/jobs" search={{}} activeOptions={{ includeSearch: false }}>
            Jobs
          </Link>
          <Link to="/workflows" search={{ q: '' }} activeOptions={{ includeSearch: false }}>
            Workflows
          </Link>
          <span className={css.grow} />
          {state !== 'asking' && (
            <span className={css.connection} role="status">
              <span aria-hidden="true" data-lost={state === 'lost' || undefined}>
                {state === 'lost' ? '○' : '●'}
              </span>{' '}
              {state === 'lost' ? 'Offline' : 'Connected'}
            </span>
          )}
          {meta && <span className={css.version}>{meta.mode === 'canvas' ? 'canvas' : meta.version}</span>}
        </nav>
        <main id="main" className={css.main} data-full={canvas || undefined}>
          {state !== 'asking' && <Outlet />}
        </main>
      </div>
    </div>
  );
}
