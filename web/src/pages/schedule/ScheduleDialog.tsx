import { useEffect, useState } from 'react';
import { call, Refusal, type Schemas } from '../../api/client';
import { sentence, useAct } from '../../parts/act';
import { Confirm } from '../../parts/Confirm';
import { useLive } from '../../parts/live';
import css from '../../parts/parts.module.css';
import { Said } from '../../parts/Said';
import { Wrong } from '../../parts/Wrong';
import { type Draft, draftOf, fieldOf, inZone, mark, newDraft, type Schedule, timeOf } from './schedules';

type Faults = Record<string, string>;
const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
const shown = ['schedule_name', 'workflow_id', 'cron_expression', 'interval_seconds', 'run_at', 'timezone', 'overlap', 'misfire', 'calendars', 'inputs'];

/** wrongOf puts what the server refuses at its fields. */
const wrongOf = (e: unknown): Faults =>
  e instanceof Refusal
    ? Object.fromEntries(e.fields.map((f) => [fieldOf(f.field), [f.message, e.fix].filter(Boolean).join(' ')]).filter(([k]) => shown.includes(k ?? '')))
    : {};

/** ScheduleDialog makes or changes a schedule, and shows its next runs while somebody writes. */
export function ScheduleDialog({ of, onClose, onDone }: { of?: Schedule; onClose: () => void; onDone: (s: Schedule) => void }) {
  const [d, setD] = useState<Draft>(() => (of ? draftOf(of) : newDraft(here)));
  const [wrong, setWrong] = useState<Faults>({});
  const act = useAct();
  const flows = useLive<Schemas['WorkflowList']>('workflows to schedule', {
    topics: ['workflows'],
    ask: (s) => call('GET', '/workflows?limit=500', undefined, s),
  });
  const calendars = useLive<Schemas['CalendarList']>('calendars', { topics: ['schedules'], ask: (s) => call('GET', '/calendars', undefined, s) });
  const next = useNext(d, of?.schedule_id);
  const set = (more: Partial<Draft>) => {
    setWrong({});
    setD((was) => ({ ...was, ...more }));
  };
  const bad = { ...next.wrong, ...wrong };
  const send = () => {
    let inputs: unknown;
    try {
      inputs = JSON.parse(d.inputs || '{}');
    } catch (e) {
      setWrong({ inputs: `The inputs are no JSON: ${(e as Error).message}` });
      return;
    }
    const body: Schemas['ScheduleBody'] = {
      ...timeOf(d),
      schedule_name: d.name,
      workflow_id: d.workflow,
      overlap: { policy: d.overlap },
      misfire: { policy: d.misfire },
      inputs,
    };
    void act
      .run(
        'Saving…',
        () =>
          (of
            ? call<Schedule>('PUT', `/schedules/${of.schedule_id}`, body, undefined, { 'If-Match': `"${of.revision}"` })
            : call<Schedule>('POST', '/schedules', body)
          ).catch((e: unknown) => {
            setWrong(wrongOf(e));
            throw e;
          }),
        () => '',
      )
      .then((s) => s && onDone(s));
  };
  return (
    <Confirm
      wide
      title={of ? `Edit ${of.schedule_name}` : 'New schedule'}
      action={of ? 'Save' : 'Make the schedule'}
      busy={act.busy}
      onConfirm={send}
      onClose={onClose}
    >
      <Wrong say={bad.schedule_name}>
        <label>
          Name <input required value={d.name} onChange={(e) => set({ name: e.target.value })} />
        </label>
      </Wrong>
      <Wrong say={bad.workflow_id ?? (flows.error && sentence(flows.error))}>
        <label>
          Workflow{' '}
          <select required value={d.workflow} onChange={(e) => set({ workflow: e.target.value })}>
            <option value="">Choose one</option>
            {of && !flows.data?.workflows.some((w) => w.workflow_id === of.workflow_id) && <option value={of.workflow_id}>{of.workflow_name}</option>}
            {flows.data?.workflows.map((w) => (
              <option key={w.workflow_id} value={w.workflow_id}>
                {w.workflow_name}
              </option>
            ))}
          </select>
        </label>
      </Wrong>
      <label>
        When{' '}
        <select value={d.kind} onChange={(e) => set({ kind: e.target.value as Draft['kind'] })}>
          <option value="cron">By a cron expression</option>
          <option value="interval">At a fixed span</option>
          <option value="once">Once</option>
        </select>
      </label>
      {d.kind === 'cron' && (
        <Wrong say={bad.cron_expression}>
          <label>
            Cron: minute, hour, day, month, weekday (0 and 7 are Sunday), or an alias such as @daily{' '}
            <input required className={css.mono} value={d.cron} onChange={(e) => set({ cron: e.target.value })} />
          </label>
        </Wrong>
      )}
      {d.kind === 'interval' && (
        <Wrong say={bad.interval_seconds}>
          <label>
            Seconds from one to the next <input required type="number" value={d.seconds} onChange={(e) => set({ seconds: e.target.value })} />
          </label>
        </Wrong>
      )}
      {d.kind === 'once' && (
        <Wrong say={bad.run_at}>
          <label>
            At, on the clocks of the zone <input required type="datetime-local" value={d.at} onChange={(e) => set({ at: e.target.value })} />
          </label>
        </Wrong>
      )}
      <Wrong say={bad.timezone}>
        <label>
          Time zone <input required list="zones" value={d.zone} onChange={(e) => set({ zone: e.target.value })} />
        </label>
      </Wrong>
      <datalist id="zones">
        {Intl.supportedValuesOf('timeZone').map((z) => (
          <option key={z} value={z} />
        ))}
      </datalist>
      {(calendars.data?.calendars ?? []).map((c) => (
        <label key={c.calendar_id}>
          <input
            type="checkbox"
            checked={d.calendars.includes(c.calendar_id)}
            onChange={(e) => set({ calendars: e.target.checked ? [...d.calendars, c.calendar_id] : d.calendars.filter((x) => x !== c.calendar_id) })}
          />{' '}
          Only when the calendar {c.name} allows it
        </label>
      ))}
      {bad.calendars && <p className={css.bad}>{bad.calendars}</p>}
      <section aria-label="Next runs">
        <h2>Next runs</h2>
        {next.said && <p className={css.hint}>{next.said}</p>}
        <ol>
          {next.runs.map((r) => (
            <li key={r.fire_at}>
              {r.local ?? inZone(r.fire_at, d.zone)} {mark(r) && <span className={css.warn}>{mark(r)}</span>}
            </li>
          ))}
        </ol>
      </section>
      <Wrong say={bad.overlap}>
        <label>
          When the one before has not ended{' '}
          <select value={d.overlap} onChange={(e) => set({ overlap: e.target.value as Draft['overlap'] })}>
            <option value="skip">Skip</option>
            <option value="queue_one">Queue one</option>
            <option value="queue_all">Queue all</option>
            <option value="cancel_previous">Cancel those before</option>
            <option value="parallel">Run in parallel</option>
          </select>
        </label>
      </Wrong>
      <Wrong say={bad.misfire}>
        <label>
          When nobody was there in time{' '}
          <select value={d.misfire} onChange={(e) => set({ misfire: e.target.value as Draft['misfire'] })}>
            <option value="run_once">One job for the newest</option>
            <option value="run_all">One job for each of the newest</option>
            <option value="skip">None</option>
          </select>
        </label>
      </Wrong>
      <Wrong say={bad.inputs}>
        <label>
          Inputs, a JSON object <textarea value={d.inputs} spellCheck={false} onChange={(e) => set({ inputs: e.target.value })} />
        </label>
      </Wrong>
      {Object.keys(wrong).length === 0 && <Said act={act} />}
    </Confirm>
  );
}

interface Next {
  runs: Schemas['PreviewedRun'][];
  wrong: Faults;
  said: string;
}

/** useNext asks for the next runs of a draft, a moment after the last key. */
function useNext(d: Draft, id?: string): Next {
  const [next, setNext] = useState<Next>({ runs: [], wrong: {}, said: 'Looking…' });
  const body = JSON.stringify({ ...timeOf(d), count: 10, ...(id ? { schedule_id: id } : {}) });
  const open = d.kind === 'once' && !d.at;
  useEffect(() => {
    if (open) {
      setNext({ runs: [], wrong: {}, said: 'Pick a time.' });
      return;
    }
    const end = new AbortController();
    const timer = setTimeout(() => {
      call<Schemas['SchedulePreview']>('POST', '/schedules/preview', JSON.parse(body), end.signal)
        .then((p) => setNext({ runs: p.runs, wrong: {}, said: p.runs.length === 0 ? 'It never comes.' : '' }))
        .catch((e: unknown) => {
          if (end.signal.aborted) return;
          const wrong = wrongOf(e);
          setNext({ runs: [], wrong, said: Object.keys(wrong).length === 0 ? sentence(e) : 'None as long as the time cannot be read.' });
        });
    }, 250);
    return () => {
      clearTimeout(timer);
      end.abort();
    };
  }, [body, open]);
  return next;
}
