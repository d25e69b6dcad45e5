import css from '../../parts/parts';
import { columns, heads, width } from './JobRow';
import own from './jobs.module.css';

const rows = Array.from({ length: 14 }, (_, i) => i);
const lengths = [62, 84, 70, 56, 78, 66];

/** JobSkeleton is the list before it is there: its columns, and bars where the words will be. It comes when somebody would begin to wonder. */
export function JobSkeleton({ narrow }: { narrow: boolean }) {
  return (
    <div className={`${css.grid} ${own.late}`}>
      <span role="status" className={css.unseen}>
        Loading jobs…
      </span>
      {!narrow && (
        <div className={`${css.row} ${css.header}`} style={{ gridTemplateColumns: columns, minWidth: width }} aria-hidden="true">
          <span />
          {heads.map((h) => (
            <span key={h}>{h}</span>
          ))}
        </div>
      )}
      {rows.map((r) => (
        <div
          key={r}
          className={narrow ? `${css.row} ${own.narrow}` : css.row}
          style={narrow ? undefined : { gridTemplateColumns: columns, minWidth: width }}
          aria-hidden="true"
        >
          <span />
          {(narrow ? heads.slice(0, 2) : heads).map((h, i) => (
            <span key={h}>
              <i className={own.bone} style={{ width: `${lengths[(r + i) % lengths.length]}%` }} />
            </span>
          ))}
        </div>
      ))}
    </div>
  );
}
