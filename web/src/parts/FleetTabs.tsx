import { Link, useRouterState } from '@tanstack/react-router';
import { useEffect } from 'react';
import css from './parts';

export const fleetTabs = [
  { to: '/fleet/robots', name: 'Robots' },
  { to: '/fleet/jobs', name: 'Jobs' },
  { to: '/fleet/schedules', name: 'Schedules' },
  { to: '/fleet/queues', name: 'Queues' },
  { to: '/fleet/analytics', name: 'Analytics' },
  { to: '/fleet/api-keys', name: 'API Keys' },
] as const;

const place = 'fleet.tab';

/** Pages beside the tabs light the one from which they are reached. */
const beside: Readonly<Record<string, string>> = { '/fleet/triggers': '/fleet/schedules', '/fleet/dead-letters': '/fleet/queues' };

/** lastTab is the page of the fleet dashboard that was looked at last. */
export const lastTab = (): (typeof fleetTabs)[number]['to'] => fleetTabs.find((t) => t.to === localStorage.getItem(place))?.to ?? '/fleet/robots';

/** FleetTabs are the six pages of the fleet dashboard, in the order in which they always were. */
export function FleetTabs() {
  const path = useRouterState({ select: (s) => s.location.pathname });
  const of = Object.entries(beside).find(([from]) => path.startsWith(from))?.[1] ?? path;
  useEffect(() => {
    const t = fleetTabs.find((x) => path.startsWith(x.to));
    if (t) localStorage.setItem(place, t.to);
  }, [path]);
  return (
    <nav className={css.tabs} aria-label="Fleet">
      {fleetTabs.map((t) => (
        <Link key={t.to} to={t.to} search={{}} {...(of.startsWith(t.to) ? { 'aria-current': 'page' as const } : {})}>
          {t.name}
        </Link>
      ))}
    </nav>
  );
}
