import type { Schemas } from '../../api/client';
import { Menu } from '../../parts/Menu';
import css from './job.module.css';
import own from './logbar.module.css';
import type { LogSearch } from './logsearch';
import { levels } from './rows';

const named = (l: string) => `${l[0]}${l.slice(1).toLowerCase()}`;

interface Props {
  search: LogSearch;
  onText: (text: string) => void;
  level: string;
  onLevel: (level: string) => void;
  sum: Schemas['LogFound'] | undefined;
  lines: number;
  live: boolean; // more may come
  pressed: { wrap: boolean; fold: boolean; newest: boolean; since: boolean; full: boolean };
  on: { error: () => void; wrap: () => void; fold: () => void; order: () => void; times: () => void; copy: () => void; file: () => void; full: () => void };
}

/** LogBar is what a log is read with. Each thing says its key. */
export function LogBar({ search, onText, level, onLevel, sum, lines, live, pressed, on }: Props) {
  const flip = (name: string, keys: string | undefined, is: boolean, run: () => void, title?: string) => (
    <button type="button" aria-pressed={is} aria-keyshortcuts={keys} title={[title, keys && `Key ${keys}`].filter(Boolean).join(' · ')} onClick={run}>
      {name}
    </button>
  );
  return (
    <>
      <div className={own.logBar}>
        <input
          type="search"
          aria-label="Search all lines"
          placeholder="Search all lines"
          value={search.text}
          onChange={(e) => onText(e.target.value)}
          onKeyDown={(e) => e.key === 'Enter' && search.step(e.shiftKey ? -1 : 1)}
        />
        <span role="status" className={css.hint}>
          {search.words}
        </span>
        {search.found > 0 && (
          <>
            <button type="button" onClick={() => search.step(-1)} title="Key Shift N" aria-label="Match before">
              ↑
            </button>
            <button type="button" onClick={() => search.step(1)} title="Key n" aria-label="Next match">
              ↓
            </button>
          </>
        )}
        <select aria-label="Least level" value={level} onChange={(e) => onLevel(e.target.value)}>
          <option value="">All levels</option>
          {levels.slice(1).map((l) => (
            <option key={l} value={l}>
              {l === 'CRITICAL' ? 'Critical' : `${named(l)} and above`}
            </option>
          ))}
        </select>
        {sum?.first_error && (
          <button type="button" title="Key e" onClick={on.error}>
            First error
          </button>
        )}
        {flip('Fold', undefined, pressed.fold, on.fold, 'Lines that one node wrote in a row are one')}
        {flip('Wrap', 'w', pressed.wrap, on.wrap)}
        {flip('Newest first', 'o', pressed.newest, on.order)}
        <Menu
          label="More"
          items={[
            { name: pressed.since ? 'Times of day' : 'Times since the first line', run: on.times },
            { name: 'Copy the chosen lines, or all', keys: 'y', run: on.copy },
            { name: 'Download all lines', run: on.file },
            { name: pressed.full ? 'Leave the full screen' : 'Full screen', keys: 'Shift F', run: on.full },
          ]}
        />
      </div>
      {sum && (
        <p className={css.hint}>
          {lines} {lines === 1 ? 'line' : 'lines'}
          {live ? ' so far' : ''}
          {Object.entries(sum.levels).map(([l, n]) => (
            <span key={l}>
              {' · '}
              <button type="button" className={css.linkButton} title={`${named(l)} and above`} onClick={() => onLevel(level === l ? '' : l)}>
                {n} {l}
              </button>
            </span>
          ))}
        </p>
      )}
    </>
  );
}
