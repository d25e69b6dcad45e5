import { Link, useRouterState } from '@tanstack/react-router';
import css from './parts.module.css';

export const fleetTabs = [
  { to: '/fleet/robots', name: 'Robots' },
  { to: '/fleet/jobs', name: 'Jobs' },
  { to: '/fleet/schedules', name: 'Schedules' },
  { to: '/fleet/queues', name: 'Queues' },
  { to: '/fleet/analytics', name: 'Analytics' },
  { to: '/fleet/api-keys', name: 'API Keys' },
] as const;

/** FleetTabs are the six pages of the fleet dashboard, in the order in which they always were. */
export function FleetTabs() {
  const path = useRouterState({ select: (s) => s.location.pathname });
  return (
    <nav className={css.tabs} aria-label="Fleet">
      {fleetTabs.map((t) => (
        <Link
          key={t.to}
          to={t.to}
          search={{}}
          {...(path.startsWith(t.to) || (t.name === 'Schedules' && path.startsWith('/fleet/triggers')) ? { 'aria-current': 'page' as const } : {})}
        >
          {t.name}
        </Link>
      ))}
    </nav>
  );
}
