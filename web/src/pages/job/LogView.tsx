import { useVirtualizer } from '@tanstack/react-virtual';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { call, type Schemas } from '../../api/client';
import { sentence } from '../../parts/act';
import { useCommands } from '../../parts/keys';
import { Scroll } from '../../parts/Scroll';
import { seen } from '../../parts/shown';
import css from './job.module.css';
import { LogBar } from './LogBar';
import { LogRow } from './LogRow';
import { entries, type Line, LogWindow, type Page } from './log';
import { useLogSearch, whole } from './logsearch';
import type { DetailSearch, LineAt } from './rows';

const rowHeight = 24;

interface Place {
  epoch: number;
  line: number;
}

interface Props {
  job: Schemas['JobDetail'];
  at: LineAt | undefined; // lines that the address names
  search: DetailSearch;
  onSearch: (s: Partial<{ [K in keyof DetailSearch]: DetailSearch[K] | undefined }>) => void;
  title: (node: string) => string;
  node: string; // that is chosen
  onNode: (id: string) => void;
  onAt: (at: LineAt) => void;
}

/** LogView shows the log of a job: at the first error of one that failed, at the end of one that runs. */
export function LogView({ job, at, search: view0, onSearch, title, node, onNode, onAt }: Props) {
  const id = job.job_id;
  const level = view0.level ?? '';
  const wrap = view0.wrap ?? false;
  const newest = view0.order === 'new';
  const [fold, setFold] = useState(false);
  const [unfolded, setUnfolded] = useState<ReadonlySet<string>>(new Set());
  const [since, setSince] = useState(false);
  const [full, setFull] = useState(false);
  const [follow, setFollow] = useState(false);
  const [fresh, setFresh] = useState(0); // lines that came while nobody followed
  const [why, setWhy] = useState('');
  const [said, setSaid] = useState('');
  const [opened, setOpened] = useState(false);
  const [drawn, draw] = useState(0);
  const [sum, setSum] = useState<Schemas['LogFound']>();
  const [later, setLater] = useState(0); // lines that came since it was opened
  const [chosen, setChosen] = useState<LineAt | undefined>(at);
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
  // biome-ignore lint/correctness/useExhaustiveDependencies: drawn counts the changes of the lines
  const list = useMemo(() => {
    const all = entries(view.lines, fold, unfolded);
    return newest ? all.reverse() : all;
  }, [view, drawn, fold, unfolded, newest]);
  const virtual = useVirtualizer({ count: list.length, getScrollElement: () => box.current, estimateSize: () => rowHeight, overscan: 20 });
  const latest = useRef({ list, newest });
  latest.current = { list, newest };
  const show = useCallback(
    (to: Place) =>
      requestAnimationFrame(() => {
        const row = latest.current.list.findIndex((e) => e.kind === 'line' && e.line.epoch === to.epoch && e.line.line >= to.line);
        if (row >= 0) virtual.scrollToIndex(row, { align: 'center' });
      }),
    [virtual],
  );
  const toEnd = useCallback(
    () =>
      requestAnimationFrame(() => {
        const { list, newest } = latest.current;
        virtual.scrollToIndex(newest ? 0 : Math.max(0, list.length - 1), { align: newest ? 'start' : 'end' });
      }),
    [virtual],
  );
  const following = useRef(false);
  following.current = follow;

  const go = useCallback(
    async (to: Place, signal?: AbortSignal) => {
      setFollow(false);
      try {
        if (!view.lines.some((l) => l.epoch === to.epoch && l.line === to.line)) await view.at(to.epoch, to.line, signal);
        setFold(false); // it would hide the line
        setChosen((was) => (was?.epoch === to.epoch && was.line === to.line ? was : { ...to, to: to.line }));
        draw((n) => n + 1);
        show(to);
      } catch (e) {
        if (!signal?.aborted) setWhy(sentence(e));
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
      setLater(0);
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
          setLater((n) => n + came);
          draw((n) => n + 1);
          if (following.current) toEnd();
          else setFresh((n) => n + came);
        } catch (e) {
          if (end.signal.aborted) return;
          setWhy(`${sentence(e)} It goes on by itself.`);
          await new Promise((r) => setTimeout(r, pause));
          pause = Math.min(2 * pause, 10_000);
        }
      }
    };
    setOpened(false);
    begin().catch((e) => {
      if (!end.signal.aborted) setWhy(sentence(e));
    });
    return () => end.abort();
  }, [view]);

  const asked = useRef(at);
  useEffect(() => {
    if (at === undefined || (asked.current?.epoch === at.epoch && asked.current.line === at.line)) return;
    asked.current = at; // somebody opens another line: from the panel above, or by Back
    setChosen(at);
    void go(at);
  }, [at, go]);

  const loading = useRef(false);
  const scrolled = async () => {
    const b = box.current;
    if (!b || loading.current) return;
    const below = b.scrollHeight - b.scrollTop - b.clientHeight;
    const [toOld, toNew] = newest ? [below, b.scrollTop] : [b.scrollTop, below];
    if (follow && toNew > 60) setFollow(false);
    loading.current = true;
    try {
      if (toOld < 400 && view.start.line > 1) {
        const came = await view.older();
        draw((n) => n + 1);
        if (!newest) b.scrollTop += came * rowHeight;
      } else if (toNew < 400 && !view.atEnd) {
        const { came, went } = await view.newer();
        draw((n) => n + 1);
        b.scrollTop += (newest ? came : -went) * rowHeight;
      }
    } catch (e) {
      setWhy(sentence(e));
    } finally {
      loading.current = false;
    }
  };

  const search = useLogSearch(id, level, view0.logq ?? '', (m) => void go(m));
  const isChosen = (l: Line) => chosen !== undefined && l.epoch === chosen.epoch && l.line >= chosen.line && l.line <= chosen.to;
  const choose = useCallback(
    (l: Line, range: boolean) =>
      setChosen((was) => {
        const span =
          range && was?.epoch === l.epoch ? { epoch: l.epoch, line: Math.min(was.line, l.line), to: Math.max(was.to, l.line) } : { ...l, to: l.line };
        const next = { epoch: span.epoch, line: span.line, to: span.to };
        asked.current = next;
        queueMicrotask(() => onAt(next));
        return next;
      }),
    [onAt],
  );
  const errorBy = (step: number) => {
    const bad = view.lines.filter((l) => ['ERROR', 'CRITICAL'].includes(l.level.toUpperCase()));
    const from = chosen ?? { epoch: 0, line: 0 };
    const next =
      step > 0
        ? (bad.find((l) => l.epoch > from.epoch || (l.epoch === from.epoch && l.line > from.line)) ?? sum?.first_error)
        : bad.findLast((l) => l.epoch < from.epoch || (l.epoch === from.epoch && l.line < from.line));
    if (next) void go({ epoch: next.epoch, line: next.line });
  };
  const copy = () => {
    const some = view.lines.filter(isChosen);
    const lines = some.length > 0 ? some : view.lines;
    void navigator.clipboard
      .writeText(lines.map(plain).join('\n'))
      .then(() => setSaid(`${lines.length} ${lines.length === 1 ? 'line' : 'lines'} copied.`))
      .catch(() => setSaid('The browser does not let this page copy.'));
  };
  const file = async () => {
    const parts: string[] = [];
    try {
      await whole(id, level, (lines) => parts.push(lines.map((l) => `${plain(l)}\n`).join('')));
    } catch (e) {
      return setWhy(sentence(e));
    }
    const a = document.createElement('a');
    a.href = URL.createObjectURL(new Blob(parts, { type: 'text/plain' }));
    a.download = `${id}.log`;
    a.click();
    URL.revokeObjectURL(a.href);
  };
  const end = () => {
    setFollow(!view.final);
    setFresh(0);
    toEnd();
  };
  const on = {
    error: () => sum?.first_error && void go(sum.first_error),
    wrap: () => onSearch({ wrap: wrap ? undefined : true }),
    fold: () => setFold(!fold),
    order: () => onSearch({ order: newest ? undefined : 'new' }),
    times: () => setSince(!since),
    copy,
    file: () => void file(),
    full: () => setFull(!full),
  };
  useCommands([
    { name: 'Next match', group: 'Log', keys: 'n', run: () => search.step(1) },
    { name: 'Match before', group: 'Log', keys: 'Shift N', run: () => search.step(-1) },
    { name: 'Next error', group: 'Log', keys: 'e', run: () => errorBy(1) },
    { name: 'Error before', group: 'Log', keys: 'Shift E', run: () => errorBy(-1) },
    { name: 'To the end, and follow', group: 'Log', keys: 'Shift G', run: end },
    { name: 'To the start', group: 'Log', keys: 'g g', run: () => void go({ epoch: view.lines[0]?.epoch ?? 1, line: 1 }) },
    { name: 'Wrap lines', group: 'Log', keys: 'w', run: on.wrap },
    { name: 'Newest first, or last', group: 'Log', keys: 'o', run: on.order },
    { name: 'Copy lines', group: 'Log', keys: 'y', run: copy },
    { name: 'Log on the full screen', group: 'Log', keys: 'Shift F', run: on.full },
    ...(full ? [{ name: 'Leave the full screen', group: 'Log', keys: 'Esc', run: () => setFull(false) }] : []),
  ]);
  const last = view.lines.at(-1);
  // Lines are numbered within an attempt; of more than one, and of a level, they are counted.
  const lines = Math.max(sum?.lines ?? 0, job.epoch <= 1 && !level && view.atEnd && last ? last.line : (sum?.lines ?? 0) + later);
  const began = since && view.lines[0] ? Date.parse(view.lines[0].at) : undefined;
  return (
    <div className={css.log} data-full={full || undefined}>
      <LogBar
        search={search}
        onText={(logq) => onSearch({ logq: logq || undefined })}
        level={level}
        onLevel={(l) => onSearch({ level: (l || undefined) as DetailSearch['level'] })}
        sum={sum}
        lines={lines}
        live={!view.final}
        pressed={{ wrap, fold, newest, since, full }}
        on={on}
      />
      <p role="status" className={css.said}>
        {said}
      </p>
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
            const e = list[v.index];
            if (!e) return null;
            return (
              <div
                key={e.kind === 'line' ? `${e.line.epoch}.${e.line.line}` : `h${e.key}`}
                ref={virtual.measureElement}
                data-index={v.index}
                style={{ position: 'absolute', top: 0, left: 0, minWidth: '100%', ...(wrap ? { width: '100%' } : {}), transform: `translateY(${v.start}px)` }}
              >
                {e.kind === 'line' ? (
                  <LogRow line={e.line} chosen={isChosen(e.line)} query={search.text} since={began} node={node} title={title} onNode={onNode} onAt={choose} />
                ) : (
                  <button
                    type="button"
                    className={css.fold}
                    aria-expanded={e.open}
                    onClick={() => setUnfolded((was) => new Set(e.open ? [...was].filter((k) => k !== e.key) : [...was, e.key]))}
                  >
                    {e.open ? '▾' : '▸'} {title(e.node)} · {e.lines} lines
                    {['WARNING', 'ERROR', 'CRITICAL'].includes(e.worst) && ` · ${e.worst}`}
                  </button>
                )}
              </div>
            );
          })}
        </div>
      </Scroll>
      {!follow && opened && !view.final && (
        <button type="button" className={css.follow} title="Key Shift G" onClick={end}>
          {fresh > 0 ? `Jump to the end · ${fresh} new` : 'Follow'}
        </button>
      )}
    </div>
  );
}

const plain = (l: Line) => `${l.at} ${l.level.toUpperCase()} ${l.node_id ?? ''} ${l.message}`;
