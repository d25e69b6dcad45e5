import { useVirtualizer } from '@tanstack/react-virtual';
import { memo, useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { call, Refusal, type Schemas } from '../../api/client';
import { Scroll } from '../../parts/Scroll';
import { seen } from '../../parts/shown';
import { clock } from '../../parts/Time';
import css from './job.module.css';
import { ansi, type Line, LogWindow, marked, type Page } from './log';

const rowHeight = 24;
const levels = ['TRACE', 'DEBUG', 'INFO', 'WARNING', 'ERROR', 'CRITICAL'];

export interface LogAt {
  epoch: number;
  line: number;
}

interface Props {
  job: Schemas['JobDetail'];
  at: LogAt | undefined; // a line that the address names
  title: (node: string) => string;
  onNode: (id: string) => void;
  onAt: (at: LogAt) => void;
}

/** LogView shows the log of a job: at the first error of one that failed, at the end of one that runs. */
export function LogView({ job, at, title, onNode, onAt }: Props) {
  const id = job.job_id;
  const [level, setLevel] = useState('');
  const [wrap, setWrap] = useState(false);
  const [follow, setFollow] = useState(false);
  const [fresh, setFresh] = useState(0); // lines that came while nobody followed
  const [why, setWhy] = useState('');
  const [opened, setOpened] = useState(false);
  const [, draw] = useState(0);
  const [sum, setSum] = useState<Schemas['LogFound']>();
  const [chosen, setChosen] = useState<LogAt>();
  const box = useRef<HTMLElement>(null);
  const view = useMemo(
    () =>
      new LogWindow((epoch, from, limit, wait, signal) => {
        const q = new URLSearchParams({ epoch: String(epoch), from_line: String(from), limit: String(limit) });
        if (level) q.set('level', level);
        if (wait) q.set('wait_ms', String(wait));
        return call<Page>('GET', `/jobs/${id}/log?${q}`, undefined, signal);
      }),
    [id, level],
  );
  const virtual = useVirtualizer({ count: view.lines.length, getScrollElement: () => box.current, estimateSize: () => rowHeight, overscan: 20 });
  const show = useCallback((row: number) => requestAnimationFrame(() => virtual.scrollToIndex(Math.max(0, row), { align: 'center' })), [virtual]);
  const toEnd = useCallback(() => requestAnimationFrame(() => virtual.scrollToIndex(Math.max(0, view.lines.length - 1), { align: 'end' })), [virtual, view]);
  const following = useRef(false);
  following.current = follow;

  const go = useCallback(
    async (to: LogAt, signal?: AbortSignal) => {
      setFollow(false);
      const have = view.lines.findIndex((l) => l.epoch === to.epoch && l.line === to.line);
      try {
        const row = have >= 0 ? have : await view.at(to.epoch, to.line, signal);
        setChosen(to);
        draw((n) => n + 1);
        show(row);
      } catch (e) {
        if (!signal?.aborted) setWhy(said(e));
      }
    },
    [view, show],
  );

  // It opens where somebody would look first, and then waits for what is written.
  // biome-ignore lint/correctness/useExhaustiveDependencies: it opens once for each log and level
  useEffect(() => {
    const end = new AbortController();
    const begin = async () => {
      const found = await call<Schemas['LogFound']>('GET', `/jobs/${id}/log/search?limit=1${level ? `&level=${level}` : ''}`, undefined, end.signal);
      if (end.signal.aborted) return;
      setSum(found);
      const first = at ?? (['failed', 'timeout', 'needs_decision'].includes(job.status) ? found.first_error : undefined);
      if (first) await go({ epoch: first.epoch, line: first.line }, end.signal);
      else {
        const tail = job.epoch <= 1 && found.lines > 5000 && !level;
        await view.at(tail ? 1 : Math.max(1, job.epoch), tail ? found.lines : 1, end.signal);
        while (!view.atEnd && !end.signal.aborted && view.lines.length < 20_000) await view.newer(0, end.signal);
        if (!['completed', 'failed', 'cancelled', 'timeout'].includes(job.status)) {
          setFollow(true);
          toEnd();
        }
      }
      setOpened(true);
      draw((n) => n + 1);
      for (let pause = 500; !end.signal.aborted; ) {
        if (view.final) return;
        await seen(end.signal);
        if (end.signal.aborted) return;
        if (!view.atEnd) {
          await new Promise((r) => setTimeout(r, 300)); // scrolling reads on, not this
          continue;
        }
        try {
          const { came } = await view.newer(20_000, end.signal);
          setWhy('');
          pause = 500;
          if (came === 0) continue;
          draw((n) => n + 1);
          if (following.current) toEnd();
          else setFresh((n) => n + came);
        } catch (e) {
          if (end.signal.aborted) return;
          setWhy(`${said(e)} It goes on by itself.`);
          await new Promise((r) => setTimeout(r, pause));
          pause = Math.min(2 * pause, 10_000);
        }
      }
    };
    setOpened(false);
    begin().catch((e) => {
      if (!end.signal.aborted) setWhy(said(e));
    });
    return () => end.abort();
  }, [view]);

  const loading = useRef(false);
  const scrolled = async () => {
    const b = box.current;
    if (!b || loading.current) return;
    const bottom = b.scrollHeight - b.scrollTop - b.clientHeight;
    if (follow && bottom > 60) setFollow(false);
    loading.current = true;
    try {
      if (b.scrollTop < 400 && view.start.line > 1) {
        const came = await view.older();
        draw((n) => n + 1);
        b.scrollTop += came * rowHeight;
      } else if (bottom < 400 && !view.atEnd) {
        const { went } = await view.newer();
        draw((n) => n + 1);
        b.scrollTop -= went * rowHeight;
      }
    } catch (e) {
      setWhy(said(e));
    } finally {
      loading.current = false;
    }
  };

  const search = useSearch(id, level, (m) => void go(m));
  const keys = (e: React.KeyboardEvent) => {
    if (e.target instanceof HTMLInputElement || e.target instanceof HTMLSelectElement || e.ctrlKey || e.metaKey) return;
    if (e.key === 'n') search.step(1);
    else if (e.key === 'N') search.step(-1);
    else if (e.key === 'e' && sum?.first_error) void go(sum.first_error);
    else if (e.key === 'w') setWrap((x) => !x);
    else if (e.key === 'G') {
      setFollow(true);
      setFresh(0);
      toEnd();
    } else return;
    e.preventDefault();
  };
  const count = Object.entries(sum?.levels ?? {});
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: keys of what is inside
    <div className={css.log} onKeyDown={keys}>
      <div className={css.logBar}>
        <input
          type="search"
          aria-label="Search all lines"
          placeholder="Search all lines"
          value={search.text}
          onChange={(e) => search.set(e.target.value)}
          onKeyDown={(e) => e.key === 'Enter' && search.step(e.shiftKey ? -1 : 1)}
        />
        <span role="status" className={css.hint}>
          {search.words}
        </span>
        {search.found > 0 && (
          <>
            <button type="button" onClick={() => search.step(-1)} title="N" aria-label="Match before">
              ↑
            </button>
            <button type="button" onClick={() => search.step(1)} title="n" aria-label="Next match">
              ↓
            </button>
          </>
        )}
        <select aria-label="Least level" value={level} onChange={(e) => setLevel(e.target.value)}>
          <option value="">All levels</option>
          {levels.slice(1).map((l) => (
            <option key={l} value={l}>
              {l === 'CRITICAL' ? 'Critical' : `${l[0]}${l.slice(1).toLowerCase()} and above`}
            </option>
          ))}
        </select>
        {sum?.first_error && (
          <button type="button" title="e" onClick={() => sum.first_error && void go(sum.first_error)}>
            First error
          </button>
        )}
        <button type="button" aria-pressed={wrap} title="w" onClick={() => setWrap(!wrap)}>
          Wrap
        </button>
        <button type="button" title="Copies the lines that are loaded" onClick={() => void navigator.clipboard?.writeText(view.lines.map(plain).join('\n'))}>
          Copy
        </button>
      </div>
      {sum && (
        <p className={css.hint}>
          {sum.lines} {sum.lines === 1 ? 'line' : 'lines'} when it was opened
          {count.map(([l, n]) => ` · ${n} ${l}`).join('')}
        </p>
      )}
      {why && (
        <p role="alert" className={css.bad}>
          {why}
        </p>
      )}
      {opened && view.start.epoch > 1 && view.start.line <= 1 && (
        <p className={css.hint}>
          This is where attempt {view.start.epoch} begins.{' '}
          <button type="button" className={css.linkButton} onClick={() => void go({ epoch: view.start.epoch - 1, line: 1 })}>
            Show attempt {view.start.epoch - 1}
          </button>
        </p>
      )}
      {opened && view.lines.length === 0 && (
        <p className={css.hint}>{view.final ? 'The job wrote no lines.' : 'No line yet. Lines appear here as the robot writes them.'}</p>
      )}
      <Scroll label="Log" box={box} className={css.lines} data-wrap={wrap || undefined} onScroll={() => void scrolled()}>
        <div style={{ height: virtual.getTotalSize(), position: 'relative' }}>
          {virtual.getVirtualItems().map((v) => {
            const l = view.lines[v.index];
            if (!l) return null;
            const mine = chosen?.epoch === l.epoch && chosen.line === l.line;
            return (
              <div
                key={`${l.epoch}.${l.line}`}
                ref={wrap ? virtual.measureElement : null}
                data-index={v.index}
                style={{ position: 'absolute', top: 0, left: 0, minWidth: '100%', ...(wrap ? { width: '100%' } : {}), transform: `translateY(${v.start}px)` }}
              >
                <Row line={l} chosen={mine} query={search.text} title={title} onNode={onNode} onAt={onAt} />
              </div>
            );
          })}
        </div>
      </Scroll>
      {!follow && opened && !view.final && (
        <button
          type="button"
          className={css.follow}
          onClick={() => {
            setFollow(true);
            setFresh(0);
            toEnd();
          }}
        >
          {fresh > 0 ? `Jump to the end · ${fresh} new` : 'Follow'}
        </button>
      )}
    </div>
  );
}

const plain = (l: Line) => `${l.at} ${l.level.toUpperCase()} ${l.node_id ?? ''} ${l.message}`;
const said = (e: unknown) => (e instanceof Refusal ? `${e.message} ${e.fix}` : String(e));

interface RowProps {
  line: Line;
  chosen: boolean;
  query: string;
  title: (node: string) => string;
  onNode: (id: string) => void;
  onAt: (at: LogAt) => void;
}

const Row = memo(function Row({ line: l, chosen, query, title, onNode, onAt }: RowProps) {
  const runs = ansi(l.message);
  let n = 0;
  return (
    <div className={css.line} data-level={l.level.toUpperCase()} data-chosen={chosen || undefined}>
      <button
        type="button"
        className={css.lineNo}
        aria-label={`Link to line ${l.line} of attempt ${l.epoch}`}
        onClick={() => onAt({ epoch: l.epoch, line: l.line })}
      >
        {l.line}
      </button>
      <time dateTime={l.at} title={l.at}>
        {clock(l.at)}
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
      </span>
    </div>
  );
});

/** useSearch asks the server through all lines, and walks its matches. */
function useSearch(id: string, level: string, go: (m: LogAt) => void) {
  const [text, set] = useState('');
  const [got, setGot] = useState<{ text: string; found: Schemas['LogFound'] }>();
  const [at, setAt] = useState(-1);
  useEffect(() => {
    setAt(-1);
    if (text === '') return setGot(undefined);
    const end = new AbortController();
    const timer = setTimeout(() => {
      const q = new URLSearchParams({ q: text, limit: '5000' });
      if (level) q.set('level', level);
      call<Schemas['LogFound']>('GET', `/jobs/${id}/log/search?${q}`, undefined, end.signal)
        .then((found) => setGot({ text, found }))
        .catch(() => undefined); // the next letter asks again
    }, 200);
    return () => {
      clearTimeout(timer);
      end.abort();
    };
  }, [id, level, text]);
  const mine = got?.text === text ? got.found : undefined;
  const step = (by: number) => {
    const list = mine?.matches ?? [];
    if (list.length === 0) return;
    const next = ((((at < 0 && by < 0 ? 0 : at) + by) % list.length) + list.length) % list.length;
    const m = list[next];
    setAt(next);
    if (m) go({ epoch: m.epoch, line: m.line });
  };
  const found = mine?.found ?? 0;
  const more = mine && mine.found > mine.matches.length ? `, the first ${mine.matches.length} can be walked` : '';
  const words =
    text === ''
      ? ''
      : mine === undefined
        ? 'Searching…'
        : found === 0
          ? 'No line has it.'
          : `${at >= 0 ? `${at + 1} of ` : ''}${found} ${found === 1 ? 'line' : 'lines'}${more}`;
  return { text, set, step, found, words };
}
