import { Link } from '@tanstack/react-router';
import type { ComponentType } from 'react';
import { Fold } from '../../parts/Fold';
import { PageHead } from '../../parts/PageHead';
import css from '../../parts/parts';
import { useMe } from '../../parts/session';
import { Alerts } from '../alert/Alerts';
import { Webhooks } from '../webhook/Webhooks';
import { Assets } from './Assets';
import { Calendars } from './Calendars';
import { Environments } from './Environments';
import { Profile } from './Profile';
import { Reservations } from './Reservations';
import { Secrets } from './Secrets';
import { Limits, Retention } from './Started';
import { System } from './System';
import { Tenants } from './Tenants';
import { Users } from './Users';

interface Part {
  path: string;
  name: string;
  needs: string;
  Part: ComponentType;
}

const parts: readonly Part[] = [
  { path: 'profile', name: 'Profile', needs: '', Part: Profile },
  { path: 'users', name: 'Users', needs: 'users:manage', Part: Users },
  { path: 'tenants', name: 'Tenants and limits', needs: 'system:read', Part: Tenants },
  { path: 'environments', name: 'Environments', needs: 'robots:read', Part: Environments },
  { path: 'reservations', name: 'Reservations', needs: 'robots:read', Part: Reservations },
  { path: 'calendars', name: 'Calendars', needs: 'schedules:read', Part: Calendars },
  { path: 'alerts', name: 'Alerts', needs: 'alerts:read', Part: Alerts },
  { path: 'secrets', name: 'Secrets', needs: 'secrets:manage', Part: Secrets },
  { path: 'assets', name: 'Assets', needs: 'assets:read', Part: Assets },
  { path: 'webhooks', name: 'Webhooks', needs: 'webhooks:manage', Part: Webhooks },
  { path: 'limits', name: 'Limits', needs: 'system:read', Part: Limits },
  { path: 'retention', name: 'Retention', needs: 'system:read', Part: Retention },
  { path: 'system', name: 'System', needs: '', Part: System },
];

/** SettingsPage holds what is set rather than run. A part that somebody may not see is not in its list. */
export function SettingsPage({ part }: { part: string }) {
  const me = useMe();
  const may = (p: string) => p === '' || (me?.permissions.some((x) => x === p) ?? false);
  const chosen = parts.find((p) => p.path === part);
  return (
    <div className={css.page}>
      <PageHead title="Settings" />
      <div className={`${css.split} ${css.narrowSide}`}>
        <Parts list={parts.filter((p) => may(p.needs))} chosen={chosen} />
        {!chosen ? (
          <p>There is no such part of the settings.</p>
        ) : may(chosen.needs) ? (
          <chosen.Part />
        ) : (
          <p>
            Your role may not see {chosen.name.toLowerCase()}: it lacks the permission {chosen.needs}. Ask an admin.
          </p>
        )}
      </div>
    </div>
  );
}

/** Parts leads to each part; on a narrow screen it is folded behind the name of the one that is shown. */
function Parts({ list, chosen }: { list: readonly Part[]; chosen: Part | undefined }) {
  return (
    <Fold name={chosen?.name ?? 'Parts of the settings'}>
      {(shut) => (
        <nav className={css.side} aria-label="Settings">
          {list.map((p) => (
            <Link key={p.path} to="/settings/$part" params={{ part: p.path }} onClick={shut} {...(p === chosen ? { 'aria-current': 'page' as const } : {})}>
              {p.name}
            </Link>
          ))}
        </nav>
      )}
    </Fold>
  );
}
