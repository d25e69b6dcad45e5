import { memo } from 'react';
import { shapes } from '../../parts/words';
import css from './job.module.css';
import type { Scale } from './timeline';
import own from './timeline.module.css';
import type { Row } from './timelinerows';

interface Props {
  row: Row;
  index: number;
  top: number;
  scale: Scale;
  title: string;
  critical: boolean;
  chosen: boolean;
  onNode: (id: string) => void;
  onTurn: (key: string, open: boolean) => void;
}

/** TimeRow is a bar with its name before it and how long it lasted behind it. */
export const TimeRow = memo(function TimeRow({ row, index, top, scale, title, critical, chosen, onNode, onTurn }: Props) {
  const b = row.bar;
  const group = row.holds > 0;
  const indent = { paddingLeft: 14 * row.level };
  const name = (
    <>
      {b.kind !== 'lane' && <span aria-hidden="true">{shapes[b.status] ?? '·'}</span>} {title}
    </>
  );
  return (
    <li className={css.barRow} data-kind={b.kind} data-chosen={chosen || undefined} style={{ transform: `translateY(${top}px)` }}>
      <span className={own.title} style={indent} title={title}>
        {group ? (
          <button
            type="button"
            className={`${own.name} ${own.fold}`}
            data-row={b.node ? undefined : index}
            aria-expanded={row.open}
            aria-label={`${row.open ? 'Close' : 'Open'} ${title}, ${row.holds} in it`}
            onClick={() => onTurn(b.key, !row.open)}
          >
            {row.open ? '▾' : '▸'}
          </button>
        ) : (
          <span className={own.fold} aria-hidden="true" />
        )}
        {b.node ? (
          <button type="button" className={`${own.name} ${own.node}`} data-row={index} onClick={() => onNode(b.node)}>
            {name}
          </button>
        ) : (
          <span data-row={group ? undefined : index} tabIndex={group ? undefined : -1}>
            {name}
          </span>
        )}
        {critical && (
          <span className={own.mark} role="img" aria-label="on the critical path" title="On the critical path: the end of the job waited for it">
            ◆
          </span>
        )}
      </span>
      <span className={css.track}>
        {scale.gaps.map((g) => (
          <span key={g.from} className={css.gap} style={{ left: `${g.from}%`, width: `${g.to - g.from}%` }} />
        ))}
        {row.spans
          .filter((s) => s.to >= scale.from && s.from <= scale.to)
          .map((s) => {
            const left = scale.at(s.from);
            return (
              <span
                key={s.key}
                className={critical ? `${css.bar} ${own.critical}` : css.bar}
                data-kind={b.kind === 'lane' ? 'attempt' : s.kind}
                data-status={s.status}
                data-open={s.open || undefined}
                style={{ left: `min(${left}%, calc(100% - 3px))`, width: `max(3px, ${scale.at(s.to) - left}%)` }}
              />
            );
          })}
      </span>
      <span className={`${css.took} ${own.took}`} title={b.words}>
        {b.words}
      </span>
    </li>
  );
});
