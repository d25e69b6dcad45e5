import css from './parts';

interface Props {
  trail: readonly string[]; // the cursors of the pages that were gone through
  next: string | undefined;
  onTrail: (trail: string[]) => void;
  words?: readonly [string, string]; // of the way back, and on
}

/** Pager is the foot of a list that comes in pages; a list of one page has none. */
export function Pager({ trail, next, onTrail, words = ['Before', 'Next'] }: Props) {
  if (trail.length === 0 && !next) return null;
  return (
    <div className={css.actions}>
      <button type="button" disabled={trail.length === 0} onClick={() => onTrail(trail.slice(0, -1))}>
        {words[0]}
      </button>
      <button type="button" disabled={!next} onClick={() => next && onTrail([...trail, next])}>
        {words[1]}
      </button>
    </div>
  );
}
