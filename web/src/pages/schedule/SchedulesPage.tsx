import { FleetTabs } from '../../parts/FleetTabs';
import css from '../../parts/parts.module.css';

/** SchedulesPage says that this program keeps no schedules yet, and what does the same until then. */
export function SchedulesPage() {
  return (
    <div className={css.page}>
      <div className={css.head}>
        <h1>Schedules</h1>
      </div>
      <FleetTabs />
      <div className={css.empty}>
        <p>This version keeps no schedules. Until it does, a timer of the operating system can submit the job:</p>
        <pre>0 6 * * * fleet job submit --workflow-id ID --url {location.origin}</pre>
      </div>
    </div>
  );
}
