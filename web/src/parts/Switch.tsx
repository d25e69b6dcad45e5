import css from './parts';

/** Switch is something that is on or off, and says so. */
export function Switch({ label, on, disabled, onFlip }: { label: string; on: boolean; disabled: boolean; onFlip: () => void }) {
  return <input type="checkbox" role="switch" className={css.switch} aria-label={label} aria-checked={on} checked={on} disabled={disabled} onChange={onFlip} />;
}
