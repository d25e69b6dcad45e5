import { memo, useState } from 'react';
import { clock } from '../../parts/Time';
import { lasted } from '../../parts/words';
import css from './job.module.css';
import { ansi, type Line, marked } from './log';

interface RowProps {
  line: Line;
  chosen: boolean;
  query: string;
  since: number | undefined; // times are told from here on; undefined: as they are
  node: string; // that is chosen
  title: (node: string) => string;
  onNode: (id: string) => void;
  onAt: (l: Line, range: boolean) => void;
}

/** LogRow is an entry of the log. One of many lines shows its first until it is opened. */
export const LogRow = memo(function LogRow({ line: l, chosen, query, since, node, title, onNode, onAt }: RowProps) {
  const cut = l.message.trimEnd().indexOf('\n');
  const [open, setOpen] = useState(false);
  const whole = open || cut < 0 || (query !== '' && l.message.toLowerCase().includes(query.toLowerCase(), cut));
  const runs = ansi(whole ? l.message.trimEnd() : l.message.slice(0, cut));
  let n = 0;
  return (
    <div
      className={css.line}
      data-level={l.level.toUpperCase()}
      data-chosen={chosen || undefined}
      data-of-node={(node !== '' && l.node_id === node) || undefined}
    >
      <button type="button" className={css.lineNo} aria-label={`Link to line ${l.line} of attempt ${l.epoch}`} onClick={(e) => onAt(l, e.shiftKey)}>
        {l.line}
      </button>
      <time dateTime={l.at} title={l.at}>
        {since === undefined ? clock(l.at) : `+${lasted(Math.max(0, Date.parse(l.at) - since))}`}
      </time>
      <span className={css.lineLevel}>{l.level.toUpperCase()}</span>
      {l.node_id ? (
        <button type="button" className={css.lineNode} onClick={() => onNode(l.node_id ?? '')}>
          {title(l.node_id)}
        </button>
      ) : (
        <span className={css.lineNode} />
      )}
      <span className={css.lineText}>
        {runs.map((r) =>
          marked(r.text, query).map((m) => {
            n++;
            return m.hit ? (
              <mark key={n}>{m.text}</mark>
            ) : (
              <span key={n} data-tone={r.tone || undefined} data-bold={r.bold || undefined}>
                {m.text}
              </span>
            );
          }),
        )}
        {cut >= 0 && !(whole && !open) && (
          <button type="button" className={css.more} aria-expanded={open} onClick={() => setOpen(!open)}>
            {open ? 'fold' : `+${l.message.trimEnd().split('\n').length - 1} lines`}
          </button>
        )}
      </span>
    </div>
  );
});
