import { useEffect, useMemo, useRef, useState } from 'react';
import { label, shapes } from '../parts/words';
import { ReplayBar } from './ReplayBar';
import { inWords, sentence } from './run';
import css from './runpanel.module.css';
import ui from './ui.module.css';
import type { Replay } from './useReplay';
import type { Watched } from './useRun';

/** RunPanel shows the run that is watched: its moment in a sentence, its nodes in words, the end of its log. */
export function RunPanel({
  run,
  replay,
  title,
  jobHref,
  other,
  onNode,
  onClose,
}: {
  run: Watched;
  replay: Replay;
  title: (id: string) => string;
  jobHref: (id: string) => string;
  other?: React.ReactNode; // what is to be said of a run of another version
  onNode: (id: string) => void;
  onClose: () => void;
}) {
  const [tab, setTab] = useState<'nodes' | 'log'>('log');
  const box = useRef<HTMLDivElement>(null);
  const v = replay.view;
  const then = replay.back ? (replay.recording.moments[replay.count - 1]?.at ?? replay.recording.from) : undefined;
  const lines = useMemo(() => (then === undefined ? run.lines : run.lines.filter((l) => Date.parse(l.at) <= then)), [run.lines, then]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: new lines scroll
  useEffect(() => {
    const b = box.current;
    if (b && b.scrollHeight - b.scrollTop - b.clientHeight < 80) b.scrollTop = b.scrollHeight;
  }, [lines.length, tab]);
  return (
    <section className={css.run} aria-label="Run">
      <header className={css.runHead}>
        {v ? (
          <>
            <span className={css.runState} data-state={v.status}>
              <span aria-hidden>{shapes[v.status] ?? ''}</span> {label(v.status)}
            </span>
            <span className={css.runSentence} role={replay.playing ? undefined : 'status'}>
              {v.failedNode ? (
                <button type="button" className={css.runFailed} title="Show the node" onClick={() => onNode(v.failedNode)}>
                  {sentence(v, title)}
                </button>
              ) : (
                sentence(v, title)
              )}
            </span>
            {!replay.back && (
              <>
                <progress max={100} value={v.progress} aria-label="Progress" /> <span className={ui.mono}>{v.progress} %</span>
              </>
            )}
            {v.kind === 'job' && (
              <a href={jobHref(v.id)} className={ui.button}>
                Open job
              </a>
            )}
            {replay.live && (
              <button type="button" className={ui.button} onClick={run.cancel} disabled={run.view?.status === 'cancelling'}>
                {run.view?.status === 'cancelling' ? 'Cancelling…' : 'Cancel'}
              </button>
            )}
          </>
        ) : (
          <span role="status">{run.trouble || 'Looking at the run…'}</span>
        )}
        <span className={ui.grow} />
        <div role="tablist" aria-label="Run details" className={ui.tabs}>
          {(['log', 'nodes'] as const).map((t) => (
            <button key={t} type="button" role="tab" aria-selected={tab === t} onClick={() => setTab(t)}>
              {t === 'log' ? 'Log' : `Nodes ${v?.nodes.size ?? 0}`}
            </button>
          ))}
        </div>
        <button type="button" className={ui.icon} aria-label="Close the run" title="Close" onClick={onClose}>
          ✕
        </button>
      </header>
      {v && run.trouble && <p className={ui.bad}>{run.trouble}</p>}
      {other}
      {v && <ReplayBar replay={replay} title={title} failedNode={run.view?.failedNode ?? ''} />}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls */}
      <div ref={box} className={css.runBody} tabIndex={0} role="tabpanel" aria-label={tab === 'log' ? 'Log' : 'Nodes'}>
        {tab === 'log' ? (
          lines.length === 0 ? (
            <p className={ui.hint}>{replay.back ? 'No line until then.' : replay.live ? 'No line yet.' : 'It wrote no line.'}</p>
          ) : (
            lines.map((l) => (
              <div key={`${l.epoch}.${l.line}`} className={css.line} data-level={l.level.toUpperCase()}>
                <span className={css.lineNo}>{l.line}</span>
                <span className={css.lineLevel}>{l.level.toUpperCase()}</span>
                {l.node_id && (
                  <button type="button" className={css.lineNode} onClick={() => onNode(l.node_id ?? '')}>
                    {title(l.node_id)}
                  </button>
                )}
                <span className={css.lineText}>{l.message}</span>
              </div>
            ))
          )
        ) : (
          <ul className={css.nodeRuns}>
            {[...(v?.nodes ?? [])].map(([id, n]) => (
              <li key={id} data-run={n.status}>
                <button type="button" onClick={() => onNode(id)}>
                  <span aria-hidden>{shapes[n.status]}</span> {title(id)}: {inWords(n)}
                  {n.error ? `: ${n.error}` : ''}
                </button>
              </li>
            ))}
            {v && !v.exact && <li className={ui.hint}>Read from the log: nodes that said nothing are not listed.</li>}
          </ul>
        )}
      </div>
    </section>
  );
}
