import { useNavigate } from '@tanstack/react-router';
import { useEffect, useId, useMemo, useRef, useState } from 'react';
import { call, type Schemas } from '../api/client';
import { find, leads, type Target, targetOf } from './goto';
import css from './goto.module.css';
import { commands } from './keys';
import { fleet } from './live';
import { useFound } from './useFound';
import { label } from './words';

const groups = ['Here', 'Pages', 'Robots', 'Workflows', 'Jobs', 'Schedules', 'Queues'];

const nothing: readonly Schemas['Found'][] = [];

/** What was found on the server last; it is shown at once, and asked for anew. */
let kept: { workflows: Schemas['Workflow'][]; jobs: Schemas['Job'][] } = { workflows: [], jobs: [] };
export const forgetFound = (): void => {
  kept = { workflows: [], jobs: [] };
};

/** GoTo leads to a page, to a thing of the fleet or to what can be done here, by the beginning of its name or id. */
export function GoTo({ onClose }: { onClose: () => void }) {
  const ref = useRef<HTMLDialogElement>(null);
  const input = useRef<HTMLInputElement>(null);
  const navigate = useNavigate();
  const id = useId();
  const [text, setText] = useState('');
  const [at, setAt] = useState(0);
  const [found, setFound] = useState(kept);
  const close = useRef(onClose);
  close.current = onClose;
  useEffect(() => {
    const before = document.activeElement;
    ref.current?.showModal();
    input.current?.focus();
    const end = new AbortController();
    const keep = (more: Partial<typeof kept>) => {
      kept = { ...kept, ...more };
      setFound(kept);
    };
    // What somebody may not see is not found; the rest is.
    call<Schemas['WorkflowList']>('GET', '/workflows?limit=500', undefined, end.signal)
      .then((l) => keep({ workflows: l.workflows }))
      .catch(() => undefined);
    call<Schemas['JobList']>('GET', '/jobs?limit=50', undefined, end.signal)
      .then((l) => keep({ jobs: l.jobs }))
      .catch(() => undefined);
    return () => {
      end.abort();
      ref.current?.close();
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  const answer = useFound(text);
  const there = answer?.list ?? nothing;
  const here = useMemo(commands, []);
  const list = useMemo(() => {
    const go = (f: () => void) => () => {
      close.current();
      f();
    };
    const all: Target[] = here
      .filter((c) => !c.why && c.keys !== 'Ctrl K' && c.group !== 'Tabs of the fleet')
      .map((c, i) => ({ key: `c${i}`, group: c.group === 'Go' ? 'Pages' : 'Here', name: c.name, run: go(c.run), ...(c.keys ? { keys: c.keys } : {}) }));
    for (const r of fleet.all())
      all.push({
        key: `r${r.robot_id}`,
        group: 'Robots',
        name: r.name || r.robot_id,
        more: label(r.status),
        words: `${r.robot_id} ${r.hostname}`,
        run: go(() => void navigate({ to: '/fleet/robots/$id', params: { id: r.robot_id }, search: {} })),
      });
    for (const w of found.workflows)
      all.push({
        key: `w${w.workflow_id}`,
        group: 'Workflows',
        name: w.workflow_name,
        words: w.workflow_id,
        run: go(() => void navigate({ to: '/workflows/$id', params: { id: w.workflow_id }, search: {} })),
      });
    for (const j of found.jobs)
      all.push({
        key: `j${j.job_id}`,
        group: 'Jobs',
        name: `${j.workflow.workflow_name} …${j.job_id.slice(-8)}`,
        more: label(j.status),
        words: j.job_id,
        run: go(() => void navigate({ to: '/fleet/jobs/$id', params: { id: j.job_id }, search: {} })),
      });
    const known = new Set(all.map((t) => t.key));
    for (const f of there) {
      const t = targetOf(f);
      if (!known.has(t.key)) all.push({ ...t, run: go(() => void navigate(leads(f))) });
    }
    return find(all, text, groups);
  }, [here, found, there, text, navigate]);
  const chosen = Math.min(at, list.length - 1);
  useEffect(() => {
    document.getElementById(`${id}-${chosen}`)?.scrollIntoView({ block: 'nearest' });
  }, [chosen, id]);
  let group = '';
  return (
    <dialog ref={ref} className={css.goto} aria-label="Go to" onClose={onClose}>
      <input
        ref={input}
        role="combobox"
        aria-label="Go to"
        aria-expanded="true"
        aria-controls={`${id}-list`}
        aria-activedescendant={chosen >= 0 ? `${id}-${chosen}` : undefined}
        aria-autocomplete="list"
        placeholder="A page, robot, workflow, job, schedule, queue, or what to do"
        value={text}
        onChange={(e) => {
          setText(e.target.value);
          setAt(0);
        }}
        onKeyDown={(e) => {
          if (e.key === 'ArrowDown') setAt(Math.min(chosen + 1, list.length - 1));
          else if (e.key === 'ArrowUp') setAt(Math.max(chosen - 1, 0));
          else if (e.key === 'Enter') list[chosen]?.run();
          else return;
          e.preventDefault();
        }}
      />
      <div role="listbox" id={`${id}-list`} aria-label="What was found" className={css.found}>
        {list.map((t, i) => {
          const head = t.group !== group;
          group = t.group;
          return (
            // biome-ignore lint/a11y/useKeyWithClickEvents: the keys are those of the field, as a combobox has it
            // biome-ignore lint/a11y/useFocusableInteractive: the focus stays in the field, which names the chosen one
            <div
              key={t.key}
              id={`${id}-${i}`}
              role="option"
              aria-selected={i === chosen}
              aria-label={`${t.group}: ${t.name}`}
              className={css.target}
              data-head={head ? t.group : undefined}
              onClick={t.run}
              onPointerMove={() => setAt(i)}
            >
              <span>{t.name}</span>
              {t.more && <span className={css.more}>{t.more}</span>}
              {t.keys && <kbd>{t.keys}</kbd>}
            </div>
          );
        })}
      </div>
      {list.length === 0 && <p role="status">Nothing is called that. Names and ids are found by their beginning.</p>}
    </dialog>
  );
}
