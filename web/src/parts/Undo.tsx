import { useLater } from './later';
import css from './undo.module.css';

/** Undo says what is done in a moment, and takes it back. */
export function Undo() {
  const later = useLater();
  return (
    later && (
      <p className={css.undo} role="status">
        {later.text}{' '}
        <button type="button" onClick={later.undo}>
          Undo
        </button>
      </p>
    )
  );
}
