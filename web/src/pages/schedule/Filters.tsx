import css from '../../parts/parts';
import { label } from '../../parts/words';
import { frequencies, type Schedule, type Search, scheduleSearch } from './schedules';

interface Props {
  all: readonly Schedule[];
  search: Search;
  onSearch: (s: Search, typing?: boolean) => void;
}

/** Filters narrow the list of schedules, and turn to their agenda. */
export function Filters({ all, search, onSearch }: Props) {
  const agenda = search.view === 'agenda';
  const set = (more: Record<string, unknown>, typing?: boolean) => onSearch(scheduleSearch({ ...search, view: undefined, ...more }), typing);
  const on = all.filter((s) => s.enabled).length;
  return (
    <div className={css.bar} data-filters>
      <input
        type="search"
        aria-label="Search schedules"
        placeholder="Name or workflow"
        value={search.q ?? ''}
        onChange={(e) => set({ q: e.target.value }, true)}
      />
      <select aria-label="Enabled or not" value={search.enabled ?? ''} onChange={(e) => set({ enabled: e.target.value })}>
        <option value="">Enabled or not</option>
        <option value="yes">Enabled, {on}</option>
        <option value="no">Disabled, {all.length - on}</option>
      </select>
      <button type="button" aria-pressed={!agenda && !search.freq} onClick={() => set({ freq: undefined })}>
        All
      </button>
      {frequencies.map((f) => (
        <button key={f} type="button" aria-pressed={!agenda && search.freq === f} onClick={() => set({ freq: search.freq === f && !agenda ? undefined : f })}>
          {label(f)} {all.filter((s) => s.frequency === f).length}
        </button>
      ))}
      <span className={css.grow} />
      <button type="button" aria-pressed={agenda} onClick={() => set({ view: agenda ? undefined : 'agenda' })}>
        Agenda
      </button>
    </div>
  );
}
