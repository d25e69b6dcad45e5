import { memo, type RefObject, useDeferredValue, useMemo } from 'react';
import { useRobots } from '../../parts/live';
import partsCss from '../../parts/parts';
import { capabilities } from '../../parts/RobotPicker/picker';
import { Status } from '../../parts/Status';
import { Views } from '../../parts/Views';
import css from './robots.module.css';
import { count, kept, type RobotSearch, robotSearch, statuses, turned, words } from './rows';
import { useListed } from './use';

interface Props {
  search: RobotSearch;
  set: (more: { [K in keyof RobotSearch]: RobotSearch[K] | undefined }, typed?: boolean) => void;
  onSearch: (s: RobotSearch) => void;
  filters: RefObject<HTMLSelectElement | null>;
}

/** Toolbar is what of the fleet is looked at. Each part of it that counts reads the fleet by itself, so that the rest stands. */
export const Toolbar = memo(function Toolbar({ search, set, onSearch, filters }: Props) {
  const query = Object.fromEntries(kept.flatMap((k) => (search[k] ? [[k, search[k] as string]] : [])));
  const caps = words(search.cap);
  return (
    <>
      <div className={css.bar} data-slides>
        <input
          type="search"
          aria-label="Search robots"
          placeholder="Search"
          value={search.q ?? ''}
          onChange={(e) => set({ q: e.target.value || undefined }, true)}
        />
        <Segments search={search} set={set} />
        <Pickers search={search} set={set} filters={filters} />
      </div>
      <div className={css.bar} data-slides>
        <Views page="robots" query={query} onQuery={(q) => onSearch(robotSearch(q))} />
        <fieldset className={css.chips}>
          <legend>Capability</legend>
          {capabilities.map((c) => (
            <button key={c.word} type="button" aria-pressed={caps.includes(c.word)} onClick={() => set({ cap: turned(search.cap, c.word) })}>
              {c.name}
            </button>
          ))}
        </fieldset>
        {(search.q || search.status || search.cap || search.env || search.tag) && (
          <button type="button" className={css.small} onClick={() => set({ q: undefined, status: undefined, cap: undefined, env: undefined, tag: undefined })}>
            Clear filters
          </button>
        )}
      </div>
    </>
  );
});

type Part = Pick<Props, 'search' | 'set'>;

/** Segments counts by status what the other filters leave. */
const Segments = memo(function Segments({ search, set }: Part) {
  const { by } = useListed(search);
  const on = words(search.status);
  return (
    <fieldset className={css.segments}>
      <legend>Status</legend>
      {statuses.map((w) => (
        <button key={w} type="button" aria-pressed={on.includes(w)} onClick={() => set({ status: turned(search.status, w) })}>
          <Status word={w} more={String(by.get(w) ?? 0)} />
        </button>
      ))}
    </fieldset>
  );
});

/** Pickers offers the environments and tags that there are. */
const Pickers = memo(function Pickers({ search, set, filters }: Part & Pick<Props, 'filters'>) {
  const robots = useDeferredValue(useRobots());
  const key = useMemo(() => {
    const [env, tag] = [new Set(words(search.env)), new Set(words(search.tag))];
    for (const r of robots) {
      env.add(r.environment);
      for (const t of r.tags) tag.add(t);
    }
    return JSON.stringify([[...env].sort(), [...tag].sort()]);
  }, [robots, search.env, search.tag]);
  return <Selects options={key} search={search} set={set} filters={filters} />;
});

const Selects = memo(function Selects({ options, search, set, filters }: Part & Pick<Props, 'filters'> & { options: string }) {
  const [env, tag] = JSON.parse(options) as [string[], string[]];
  const one = (name: string, any: string, at: 'env' | 'tag', list: string[]) => {
    const on = words(search[at]);
    return (
      <select
        {...(at === 'env' ? { ref: filters } : {})}
        aria-label={name}
        value={on.length > 0 ? '*' : ''}
        onChange={(e) => set({ [at]: e.target.value === '' ? undefined : turned(search[at], e.target.value) })}
      >
        <option value="">{any}</option>
        {on.length > 0 && (
          <option value="*" disabled>
            {on.join(', ')}
          </option>
        )}
        {list.map((w) => (
          <option key={w} value={w}>
            {on.includes(w) ? `✓ ${w}` : w}
          </option>
        ))}
      </select>
    );
  };
  return (
    <>
      {one('Environment', 'Any environment', 'env', env)}
      {one('Tag', 'Any tag', 'tag', tag)}
    </>
  );
});

/** Counted says how many of the robots are shown. */
export const Counted = memo(function Counted({ search }: { search: RobotSearch }) {
  const { rows, total } = useListed(search);
  return (
    <span className={partsCss.fact}>
      {count(rows.length)} of {count(total)} {total === 1 ? 'robot' : 'robots'}
    </span>
  );
});
