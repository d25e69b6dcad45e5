import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { call, type Schemas } from '../../api/client';
import { useAct } from '../../parts/act';
import { useLive } from '../../parts/live';
import parts from '../../parts/parts';
import { Said } from '../../parts/Said';
import { Fault, Loading } from '../../parts/States';
import { useMay } from '../../parts/session';
import { Ago } from '../../parts/Time';
import { label } from '../../parts/words';
import css from './drawer.module.css';
import { count } from './rows';

const shown = 200; // robots in the list; the counts are of all
const states = ['failed', 'running', 'pending', 'done', 'skipped'] as const;
const glyphs: Record<string, { glyph: string; tone: string }> = {
  failed: { glyph: '✕', tone: 'error' },
  running: { glyph: '◑', tone: 'accent' },
  pending: { glyph: '◌', tone: 'off' },
  done: { glyph: '✓', tone: 'online' },
  skipped: { glyph: '⤳', tone: 'off' },
};

/** BulkDrawer is one operation on many robots: how far it is, and of each robot why not. The address of the page leads to it. */
export default function BulkDrawer({ id, onId }: { id: string; onId: (id: string | undefined) => void }) {
  const op = useLive(`bulk ${id}`, {
    // a target is done when its robot is: the operation's own events tell its begin and end
    topics: [`bulk:${id}`, 'robots'],
    ask: (s) => call<Schemas['BulkEntry']>('GET', `/bulk-operations/${encodeURIComponent(id)}`, undefined, s),
    take: (b, f) => (f.topic === 'bulk' || (b.status === 'running' && f.type.startsWith('robot.')) ? 'again' : undefined),
  });
  const [only, setOnly] = useState('');
  const act = useAct();
  const may = useMay('robots:operate') ?? false;
  const b = op.data;
  const targets = b?.targets ?? [];
  const of = (state: string) => targets.filter((t) => t.status === state).length;
  const list = states.flatMap((s) => (only === '' || only === s ? targets.filter((t) => t.status === s) : []));
  const cancel = () =>
    void act
      .run(
        'Cancelling…',
        () => call<Schemas['BulkEntry']>('POST', `/bulk-operations/${id}/cancel`, {}),
        () => 'Nothing more is begun. What is under way comes to its end.',
      )
      .then(op.again);
  const retry = () =>
    void act
      .run(
        'Asking…',
        () => call<Schemas['BulkEntry']>('POST', `/bulk-operations/${id}/retry-failed`, {}),
        () => '',
      )
      .then((made) => made && onId(made.bulk_id));
  const undo = () => {
    const ids = targets.filter((t) => t.status === 'done').map((t) => t.robot_id);
    void act
      .run(
        'Undoing…',
        () => call<Schemas['BulkEntry']>('POST', '/bulk-operations', { kind: 'resume', ids }),
        () => '',
      )
      .then((made) => made && onId(made.bulk_id));
  };
  return (
    <aside className={css.drawer} aria-label="Operation on many robots">
      <div className={css.head}>
        <h2>{b ? `${label(b.kind)}: ${b.total === 1 ? '1 robot' : `${count(b.total)} robots`}` : 'Operation'}</h2>
        <button type="button" aria-label="Close the operation" onClick={() => onId(undefined)}>
          ✕
        </button>
      </div>
      {op.error && <Fault error={op.error} asOf={b ? op.asOf : ''} again={op.again} />}
      {!b && !op.error && <Loading what="the operation" />}
      {b && (
        <>
          <p role="status">
            {label(b.kind)}: {count(b.done)} of {count(b.total)} done, {count(b.failed)} failed, {count(b.skipped)} skipped · wave {b.wave} of {b.waves} ·{' '}
            {label(b.status)}
          </p>
          <progress className={css.progress} max={b.total} value={b.done + b.failed + b.skipped} aria-label="Robots that are through" />
          <p className={parts.fact}>
            Asked <Ago at={b.created_at} /> {b.requested_by && `by ${b.requested_by}`}
            {b.retry_of && ' · a retry of those that failed before'}
          </p>
          <div className={parts.bar}>
            {b.status === 'running' && (
              <button type="button" disabled={!may || act.busy} onClick={cancel}>
                Cancel the rest
              </button>
            )}
            {b.status !== 'running' && b.failed > 0 && (
              <button type="button" disabled={!may || act.busy} onClick={retry}>
                Retry failed
              </button>
            )}
            {b.status !== 'running' && b.done > 0 && (b.kind === 'maintenance' || b.kind === 'pause') && (
              <button type="button" disabled={!may || act.busy} onClick={undo}>
                Undo
              </button>
            )}
          </div>
          <Said act={act} />
          <div className={parts.bar}>
            {states.map((s) => (
              <button key={s} type="button" aria-pressed={only === s} onClick={() => setOnly(only === s ? '' : s)}>
                <span aria-hidden="true" className={parts.glyph} data-tone={glyphs[s]?.tone}>
                  {glyphs[s]?.glyph}
                </span>
                {label(s)} {count(of(s))}
              </button>
            ))}
          </div>
          <ul className={css.targets}>
            {list.slice(0, shown).map((t) => (
              <li key={t.robot_id}>
                <span>
                  <span aria-hidden="true" className={parts.glyph} data-tone={glyphs[t.status]?.tone}>
                    {glyphs[t.status]?.glyph}
                  </span>
                  {label(t.status)}
                </span>
                <Link to="/fleet/robots/$id" params={{ id: t.robot_id }} search={{}} className={parts.mono}>
                  {t.robot_id}
                </Link>
                <span className={parts.fact}>
                  {b.waves > 1 && `wave ${t.wave}`} {t.reason}
                </span>
              </li>
            ))}
          </ul>
          {list.length > shown && (
            <p className={parts.fact}>
              The first {shown} of {count(list.length)}.
            </p>
          )}
        </>
      )}
    </aside>
  );
}
