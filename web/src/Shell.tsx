import { Link, Outlet, useRouterState, useSearch } from '@tanstack/react-router';
import { type ReactNode, useEffect, useState } from 'react';
import { call, type Me, setTenant } from './api/client';
import { Global, Still } from './Global';
import { LoginPage } from './pages/login/LoginPage';
import { Connection } from './parts/Connection';
import { forgetFound } from './parts/GoTo';
import { follow, unfollow, useGone } from './parts/live';
import { setMe } from './parts/session';
import { useSoon } from './parts/soon';
import { TenantFilter } from './parts/TenantFilter';
import { clock } from './parts/Time';
import { Undo } from './parts/Undo';
import { useWho } from './parts/who';
import css from './shell.module.css';

/** Shell is what stands around every page: the rail, the connection, and who may see it. */
export function Shell() {
  const { meta, me, state, ask, again } = useWho();
  const path = useRouterState({ select: (s) => s.location.pathname });
  const canvas = path.startsWith('/local/') || /^\/workflows\/[^/]+(\/versions\/[^/]+)?$/.test(path);
  const [folded, setFolded] = useState(false);
  const chosen = useSearch({ strict: false }).tenant;

  // Who works across tenants asks for one of them, always: without a name lists would be of all and the rest of one's own.
  const everywhere = me?.permissions.includes('system:read') ?? false;
  // The canvas on one's own machine answers some questions itself and knows no tenants: the orchestrator takes its key's own.
  const tenant = everywhere && meta?.mode !== 'canvas' ? (chosen ?? me?.tenant_id ?? '') : '';
  const reachable = !meta?.orchestrator || meta.orchestrator.state === 'connected';
  useEffect(() => {
    setTenant(tenant);
    setMe(me);
    if (!me || !reachable) return;
    follow(me, ask);
    return () => {
      unfollow();
      forgetFound();
    };
  }, [me, tenant, reachable, ask]);
  const [ready, setReady] = useState('');
  useEffect(() => setReady(me ? `${me.user_id ?? me.key_id ?? ''} ${tenant}` : ''), [me, tenant]);

  if (state === 'out' && path !== '/setup') return <LoginPage onDone={again} />;
  if (path === '/setup') return <Outlet />;
  return (
    <div className={css.shell}>
      <a className={css.skip} href="#main">
        Skip to the page
      </a>
      {(meta?.dev || meta?.demo) && (
        <p className={css.dev}>
          {meta.dev && 'Developer mode: no sign-in. Do not expose this server.'} {meta.demo && <strong>Demo data.</strong>}
        </p>
      )}
      {me && tenant !== '' && tenant !== me.tenant_id && <p className={css.other}>You see the tenant {tenant}, which is not your own.</p>}
      <Lost asked={state === 'lost'} />
      <Still />
      <div className={css.body} data-folded={folded || undefined}>
        <Rail me={me} canvas={meta?.mode === 'canvas'} folded={folded}>
          <Global canvas={canvas} onRail={() => setFolded((f) => !f)} />
        </Rail>
        <div className={css.foot}>
          {everywhere && me && meta?.mode !== 'canvas' && <TenantFilter className={css.tenant} value={tenant} own={me.tenant_id} />}
          {state !== 'asking' && (
            <Connection lost={state === 'lost'} version={meta?.version ?? ''} link={meta?.mode === 'canvas' ? meta.orchestrator : undefined} />
          )}
          {me && <User me={me} onOut={again} />}
        </div>
        <Undo />
        <Main full={canvas}>
          {ready !== '' && <Outlet key={ready} />}
          {state === 'lost' && ready === '' && (
            <p className={css.wait}>The server does not answer, or is too busy to. This page tries again every few seconds.</p>
          )}
        </Main>
      </div>
    </div>
  );
}

/** Lost says how old is what is shown. A connection that is back within moments moves nothing. */
function Lost({ asked }: { asked: boolean }) {
  const gone = useGone();
  const long = useSoon(2000, gone);
  if (!asked && !(gone > 0 && long)) return null;
  return (
    <p className={css.lost} role="status">
      {asked && 'The server does not answer. '}
      {gone > 0 ? `Showing the state of ${clock(gone)}.` : 'Showing the last known state.'} Actions wait for the connection.
    </p>
  );
}

/** Main is where the page stands. What is old is dimmed. */
function Main({ full, children }: { full: boolean; children: ReactNode }) {
  const gone = useGone();
  return (
    <main id="main" className={css.main} data-full={full || undefined} data-stale={gone > 0 || undefined}>
      {children}
    </main>
  );
}

const marks = {
  overview: 'M3 3h6v6H3zM11 3h6v4h-6zM11 9h6v8h-6zM3 11h6v6H3z',
  fleet: 'M4 4h12v5H4zM4 11h12v5H4zM7 6.5h.1M7 13.5h.1',
  workflows: 'M3 4h5v4H3zM12 12h5v4h-5zM8 6h3.5v8H12',
  activity: 'M2 10h4l2.5-6 3 12 2.5-6h4',
  audit: 'M5 3h10v14H5zM8 7h4M8 10h4M8 13h2',
  settings: 'M3 6h8M15 6h2M3 14h2M9 14h8M13 4v4M7 12v4',
} as const;

function Mark({ of }: { of: keyof typeof marks }) {
  return (
    <svg viewBox="0 0 20 20" width="16" height="16" fill="none" stroke="currentColor" strokeWidth="1.5" aria-hidden="true">
      <path d={marks[of]} />
    </svg>
  );
}

function Rail({ me, canvas, folded, children }: { me: Me | undefined; canvas: boolean; folded: boolean; children: ReactNode }) {
  const may = (p: string) => me?.permissions.some((x) => x === p) ?? false;
  const settings = useRouterState({ select: (s) => s.location.pathname.startsWith('/settings') });
  const fleet = useRouterState({ select: (s) => s.location.pathname.startsWith('/fleet') });
  const file = useRouterState({ select: (s) => s.location.pathname.startsWith('/local/') });
  const name = (text: string) => (folded ? { 'aria-label': text, title: text } : {});
  return (
    <nav className={css.rail} aria-label="Main">
      <span className={css.mark}>{folded ? 'CF' : 'Casare Fleet'}</span>
      {children}
      {!canvas && (
        <Link to="/" activeOptions={{ exact: true, includeSearch: false }} {...name('Overview')}>
          <Mark of="overview" /> <span>Overview</span>
        </Link>
      )}
      <Link to="/fleet" {...(fleet ? { 'aria-current': 'page' as const } : {})} {...name('Fleet')}>
        <Mark of="fleet" /> <span>Fleet</span>
      </Link>
      <Link
        to="/workflows"
        search={{ q: '' }}
        activeOptions={{ includeSearch: false }}
        {...(file ? { 'aria-current': 'page' as const } : {})}
        {...name('Workflows')}
      >
        <Mark of="workflows" /> <span>Workflows</span>
      </Link>
      {may('events:read') && (
        <Link to="/activity" search={{}} activeOptions={{ includeSearch: false }} {...name('Activity')}>
          <Mark of="activity" /> <span>Activity</span>
        </Link>
      )}
      {may('audit:read') && (
        <Link to="/audit" search={{}} className={css.wide} activeOptions={{ includeSearch: false }} {...name('Audit')}>
          <Mark of="audit" /> <span>Audit</span>
        </Link>
      )}
      <Link
        to="/settings/$part"
        params={{ part: 'profile' }}
        className={css.wide}
        {...(settings ? { 'aria-current': 'page' as const } : {})}
        {...name('Settings')}
      >
        <Mark of="settings" /> <span>Settings</span>
      </Link>
    </nav>
  );
}

function User({ me, onOut }: { me: Me; onOut: () => void }) {
  const [why, setWhy] = useState('');
  return (
    <div className={css.user}>
      <Link to="/settings/$part" params={{ part: 'profile' }} title={`Tenant ${me.tenant_id}. To the profile.`}>
        {me.name || me.user_id || me.key_id} <span className={css.role}>{me.role.replaceAll('_', ' ')}</span>
      </Link>
      {me.session_id && (
        <button
          type="button"
          onClick={() =>
            call('POST', '/auth/logout')
              .then(onOut)
              .catch((e: Error) => setWhy(e.message))
          }
        >
          Sign out
        </button>
      )}
      {why && <span role="alert">{why}</span>}
    </div>
  );
}
