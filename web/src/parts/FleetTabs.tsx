import { Link } from '@tanstack/react-router';
import css from './parts.module.css';

/** FleetTabs are the pages of the fleet dashboard. */
export function FleetTabs() {
  return (
    <nav className={css.tabs} aria-label="Fleet">
      <Link to="/fleet/robots" search={{}} activeOptions={{ includeSearch: false }}>
        Robots
      </Link>
      <Link to="/fleet/jobs" search={{}} activeOptions={{ includeSearch: false, exact: true }}>
        Jobs
      </Link>
    </nav>
  );
}
