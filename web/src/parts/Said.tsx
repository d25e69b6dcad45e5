import type { Act } from './act';
import css from './text.module.css';

/** Said shows how it went, for eyes and for screen readers. */
export function Said({ act }: { act: Act }) {
  return (
    <p className={css.said} data-bad={act.bad || undefined} role={act.bad ? 'alert' : 'status'}>
      {act.said}
    </p>
  );
}
