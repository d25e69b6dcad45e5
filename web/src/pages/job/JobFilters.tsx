import { type ReactNode, useEffect, useState } from 'react';
import css from '../../parts/parts';
import { label, priority } from '../../parts/words';
import { waits } from '../../words/waiting';
import own from './jobs.module.css';
import { filters, type JobSearch, jobStatuses, jobTriggers, longest, many, ranges, turned, whys } from './rows';

interface Props {
  search: JobSearch;
  onSearch: (s: JobSearch, typed?: boolean) => void;
  children?: ReactNode;
}

const prios = [0, 5, 10, 15, 20];

/** JobFilters are the range and all filters of the list. Typing waits for a pause, choices do not. */
export function JobFilters({ search, onSearch, children }: Props) {
  const [text, setText] = useState(search.q ?? '');
  useEffect(() => setText(search.q ?? ''), [search.q]);
  useEffect(() => {
    if (text === (search.q ?? '')) return;
    const t = setTimeout(() => onSearch(without({ ...search, q: text }), true), 250);
    return () => clearTimeout(t);
  }, [text, search, onSearch]);
  const put = (k: keyof JobSearch, v: string) => onSearch(without({ ...search, [k]: v }));
  const range = ranges.find((r) => r.word === search.range) ?? ranges[1];
  const chosen = search.from || search.to;
  return (
    <>
      <div className={`${css.bar} ${own.filters}`}>
        {children}
        {ranges.map((r) => (
          <button
            key={r.word}
            type="button"
            aria-pressed={!chosen && r === range}
            title={r.ms > 0 ? `Jobs of the last ${r.name}` : 'Jobs of all time'}
            onClick={() => {
              const { from: _, to: __, range: ___, ...rest } = search;
              onSearch(r.word === '24h' ? rest : { ...rest, range: r.word });
            }}
          >
            {r.name}
          </button>
        ))}
        <input
          type="search"
          aria-label="Search jobs"
          placeholder="Id, name, workflow, robot, who"
          title="/"
          value={text}
          onChange={(e) => setText(e.target.value)}
        />
        <Choice name="Reason" words={whys} value={search.why} show={(w) => waits(undefined, w)} onTurn={(v) => put('why', v)} />
        <Choice name="Trigger" words={jobTriggers} value={search.trigger} show={(w) => (w === 'api' ? 'API' : label(w))} onTurn={(v) => put('trigger', v)} />
        <Choice
          name="Priority"
          words={prios.map(String)}
          value={search.prio}
          show={(w) => `${priority(Number(w))}${/^\D/.test(priority(Number(w))) ? ` (${w})` : ''}`}
          onTurn={(v) => put('prio', v)}
        />
        {filters(search) > 0 && (
          <button
            type="button"
            onClick={() =>
              onSearch({
                ...(search.range ? { range: search.range } : {}),
                ...(search.from ? { from: search.from } : {}),
                ...(search.to ? { to: search.to } : {}),
              })
            }
          >
            Clear filters
          </button>
        )}
      </div>
      <div className={`${css.bar} ${own.filters}`}>
        {jobStatuses.map((w) => (
          <button
            key={w}
            type="button"
            className={own.slim}
            aria-pressed={many(search.status).includes(w)}
            onClick={() => put('status', turned(search.status, w))}
          >
            {label(w)}
          </button>
        ))}
        {(['workflow', 'robot'] as const).flatMap((k) =>
          many(search[k]).map((id) => (
            <button
              key={k + id}
              type="button"
              className={own.slim}
              aria-pressed="true"
              title={`${id}: remove this filter`}
              onClick={() => put(k, turned(search[k], id))}
            >
              {label(k)} {id.length > 20 ? `…${id.slice(-8)}` : id} ×
            </button>
          )),
        )}
        <span className={own.grow} />
        <select
          className={`${own.select} ${own.slim}`}
          aria-label="Order"
          title="s"
          value={search.sort ?? ''}
          data-on={search.sort !== undefined || undefined}
          onChange={(e) => onSearch(e.target.value ? longest : { status: 'running' })}
        >
          <option value="">Newest first</option>
          <option value="longest">Longest running first</option>
        </select>
      </div>
    </>
  );
}

/** without drops what is empty. */
function without(s: JobSearch): JobSearch {
  return Object.fromEntries(Object.entries(s).filter(([, v]) => v)) as JobSearch;
}

/** Choice is a filter by some of a few words: what is chosen is said in it, and choosing it again takes it away. */
function Choice(p: { name: string; words: readonly string[]; value: string | undefined; show: (w: string) => string; onTurn: (v: string) => void }) {
  const chosen = many(p.value);
  const one = chosen[0];
  return (
    <select
      className={own.select}
      aria-label={p.name}
      value=""
      data-on={chosen.length > 0 || undefined}
      onChange={(e) => p.onTurn(turned(p.value, e.target.value))}
    >
      <option value="" disabled>
        {one === undefined ? p.name : `${p.name}: ${chosen.length === 1 ? p.show(one) : chosen.length}`}
      </option>
      {p.words.map((w) => (
        <option key={w} value={w}>
          {chosen.includes(w) ? '✓ ' : ''}
          {p.show(w)}
        </option>
      ))}
    </select>
  );
}
