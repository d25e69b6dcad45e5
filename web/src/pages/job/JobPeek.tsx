import { Link, useNavigate } from '@tanstack/react-router';
import { type ReactNode, type RefObject, useEffect, useLayoutEffect, useRef, useState } from 'react';
import { createPortal } from 'react-dom';
import { call, type Schemas } from '../../api/client';
import { useLive } from '../../parts/live';
import css from '../../parts/parts';
import { Fault } from '../../parts/States';
import { Status } from '../../parts/Status';
import { useMay } from '../../parts/session';
import { Ago, useNow } from '../../parts/Time';
import { lasted } from '../../parts/words';
import { Acts, type Asked } from './Acts';
import { short } from './JobRow';
import own from './jobs.module.css';
import { Moment } from './Moment';
import { final, lineText, passed } from './rows';

type Detail = Schemas['JobDetail'];

interface Props {
  id: string;
  box: RefObject<HTMLElement | null>; // the list, whose row it stands at
  onClose: () => void;
  onDone: () => void; // something was done to the job
}

/** JobPeek is a job at a glance beside its row: of one that waits why it does, and what would help. It is asked for when it comes. */
export function JobPeek({ id, box, onClose, onDone }: Props) {
  const card = useRef<HTMLElement>(null);
  const [at, setAt] = useState<{ left: number; top: number }>();
  const [asked, setAsked] = useState<Asked>();
  const [said, setSaid] = useState<ReactNode>('');
  const may = useMay('jobs:run') ?? false;
  const mayDecide = useMay('jobs:decide') ?? false;
  const navigate = useNavigate();
  const now = useNow();
  const path = `/jobs/${encodeURIComponent(id)}`;
  const job = useLive<Detail>(`peek ${path}`, { topics: [`job:${id}`], ask: (s) => call('GET', path, undefined, s), take: () => 'again' });
  const told = useLive<Schemas['JobTimeline']>(`peek ${path}/timeline`, { topics: [`job:${id}`], ask: (s) => call('GET', `${path}/timeline`, undefined, s) });
  const j = job.data;
  // It stands under its row, or over it where there is no room; of a row that is out of sight it keeps to the edge.
  useLayoutEffect(() => {
    const size = () => {
      const me = card.current?.getBoundingClientRect();
      if (!me) return;
      const row = box.current?.querySelector(`[data-job="${CSS.escape(id)}"]`)?.getBoundingClientRect();
      const left = Math.max(4, Math.min((row?.left ?? 0) + 40, window.innerWidth - me.width - 8));
      const below = (row?.bottom ?? 0) + 4;
      const top = row === undefined || below + me.height <= window.innerHeight - 4 ? below : row.top - 4 - me.height;
      setAt({ left, top: Math.max(4, Math.min(top, window.innerHeight - me.height - 4)) });
    };
    size();
    const seen = new ResizeObserver(size);
    if (card.current) seen.observe(card.current);
    document.addEventListener('scroll', size, { capture: true, passive: true });
    window.addEventListener('resize', size);
    return () => {
      seen.disconnect();
      document.removeEventListener('scroll', size, { capture: true });
      window.removeEventListener('resize', size);
    };
  }, [id, box]);
  // Who opened it with the reason in the row goes on by key within it, and comes back to the row.
  useEffect(() => {
    const before = document.activeElement;
    const from = before instanceof HTMLElement && before.closest('[data-job]') ? before : undefined;
    if (from) card.current?.focus();
    return () => from?.focus();
  }, []);
  const done = () => {
    job.again();
    onDone();
  };
  const open = (line?: { epoch: number; line: number }) =>
    void navigate({ to: '/fleet/jobs/$id', params: { id }, search: line ? { line: lineText({ ...line, to: line.line }) } : {} });
  return createPortal(
    <section
      ref={card}
      className={`${css.controls} ${own.peek}`}
      aria-label={`Job ${short(id)} at a glance`}
      tabIndex={-1}
      style={at ?? { left: 0, top: 0, visibility: 'hidden' }}
      onKeyDown={(e) => {
        if (e.key !== 'Escape' || document.querySelector('dialog[open]')) return;
        e.preventDefault();
        e.stopPropagation();
        onClose();
      }}
    >
      <div className={own.peekHead}>
        <h2>{j ? j.workflow.workflow_name : `Job ${short(id)}`}</h2>
        {j && <Status word={j.status} {...(j.robot_silent ? { more: '· robot silent' } : {})} />}
        <span className={own.grow} />
        <button type="button" title="Esc" onClick={onClose} aria-label="Close the peek">
          ✕
        </button>
      </div>
      {job.error && <Fault error={job.error} asOf={j ? job.asOf : ''} again={job.again} />}
      {j && (
        <>
          <p className={css.fact}>
            {j.robot_id && (
              <>
                On{' '}
                <Link to="/fleet/robots/$id" params={{ id: j.robot_id }} search={{}}>
                  {j.robot_id}
                </Link>
                {' · '}
              </>
            )}
            submitted <Ago at={j.created_at} />
            {j.submitted_by && ` by ${j.submitted_by}`}
            {j.started_at && final(j.status) && j.duration_ms !== undefined && ` · took ${lasted(j.duration_ms)}`}
          </p>
          {['running', 'cancelling'].includes(j.status) && (
            <p>
              <progress max={100} value={j.progress} aria-label="Progress" /> {passed(j, told.data?.nodes ?? [], now)}
              {j.current_node && <span className={own.node}> {j.current_node}</span>}
            </p>
          )}
          <p role="status" className={own.peekSaid}>
            {said}
          </p>
          <Moment job={j} told={told.data} mayRun={may} mayDecide={mayDecide} onAsk={setAsked} onSaid={setSaid} onDone={done} onError={(line) => open(line)} />
          <div className={own.peekActions}>
            <button type="button" onClick={() => open()}>
              Open the job
            </button>
            {final(j.status) && j.status !== 'completed' && (
              <button type="button" disabled={!may} onClick={() => setAsked({ what: 'retry' })}>
                Retry…
              </button>
            )}
          </div>
          <Acts job={j} asked={asked} onClose={() => setAsked(undefined)} onSaid={setSaid} onDone={done} />
        </>
      )}
    </section>,
    document.body,
  );
}
