import { Link, useRouterState } from '@tanstack/react-router';
import { useEffect } from 'react';
import { useRobots } from './live';
import css from './parts';
import { fleetTabs } from './places';

const place = 'fleet.tab';

/** Pages beside the tabs light the one from which they are reached. */
const beside: Readonly<Record<string, string>> = { '/fleet/triggers': '/fleet/schedules', '/fleet/dead-letters': '/fleet/queues' };

/** lastTab is the page of the fleet dashboard that was looked at last. */
export const lastTab = (): '/fleet/robots' => (fleetTabs.find((t) => t.to === localStorage.getItem(place))?.to ?? '/fleet/robots') as '/fleet/robots';

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
        <Link key={t.to} to={t.to as '/fleet/robots'} search={{}} {...(of.startsWith(t.to) ? { 'aria-current': 'page' as const } : {})}>
          {t.name}
          {(t.name === 'Robots' || t.name === 'Jobs') && <Count of={t.name} />}
        </Link>
      ))}
    </nav>
  );
}

/** Count stands beside the name of a tab: what the rows of robots tell, without asking for anything. */
function Count({ of }: { of: 'Robots' | 'Jobs' }) {
  const robots = useRobots();
  const n = of === 'Robots' ? robots.length : robots.reduce((sum, r) => sum + r.current_jobs, 0);
  if (n === 0) return null;
  const text = of === 'Robots' ? String(n) : `${n} running`;
  return (
    <span className={css.count} aria-hidden="true">
      {text}
    </span>
  );
}
