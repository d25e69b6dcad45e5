import { useEffect, useState } from 'react';
import { call, Refusal, type Schemas } from '../../api/client';
import { sentence, useAct } from '../../parts/act';
import { Confirm } from '../../parts/Confirm';
import { InputsForm } from '../../parts/InputsForm';
import { useLive } from '../../parts/live';
import css from '../../parts/parts';
import { Said } from '../../parts/Said';
import { Scroll } from '../../parts/Scroll';
import { WorkflowSelect } from '../../parts/WorkflowSelect';
import { Wrong } from '../../parts/Wrong';
import { cronWords } from './cronwords';
import own from './dialog.module.css';
import { Place } from './Place';
import { Rules } from './Rules';
import { around, bodyOf, type Draft, draftOf, fieldOf, inZone, mark, newDraft, presets, type Schedule, timeOf } from './schedules';

type Faults = Record<string, string>;
const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
const shown = [
  ...['schedule_name', 'workflow_id', 'cron_expression', 'interval_seconds', 'run_at', 'timezone', 'overlap', 'misfire', 'calendars', 'inputs'],
  ...['priority', 'jitter_seconds', 'start_at', 'end_at', 'pause_after_failures', 'environment', 'placement'],
  ...['start_within_seconds', 'end_within_seconds'],
];

/** wrongOf puts what the server refuses at its fields. */
const wrongOf = (e: unknown): Faults =>
  e instanceof Refusal
    ? Object.fromEntries(e.fields.map((f) => [fieldOf(f.field), [f.message, e.fix].filter(Boolean).join(' ')]).filter(([k]) => shown.includes(k ?? '')))
    : {};

/** ScheduleDialog makes or changes a schedule, and shows its next runs while somebody writes. */
export function ScheduleDialog({ of, from, onClose, onDone }: { of?: Schedule; from?: Draft; onClose: () => void; onDone: (s: Schedule) => void }) {
  const [d, setD] = useState<Draft>(() => (of ? draftOf(of) : (from ?? newDraft(here))));
  const [more, setMore] = useState(() =>
    ['jitter', 'start', 'end', 'failures', 'startWithin', 'endWithin', 'priority', 'environment'].some(
      (k) => d[k as keyof Draft] !== newDraft(here)[k as keyof Draft],
    ),
  );
  const [placed, setPlaced] = useState(() => Object.keys(d.placement).length > 0);
  const [wrong, setWrong] = useState<Faults>({});
  const act = useAct();
  const calendars = useLive<Schemas['CalendarList']>('calendars', { topics: ['schedules'], ask: (s) => call('GET', '/calendars', undefined, s) });
  const next = useNext(d, of?.schedule_id);
  const set = (more: Partial<Draft>) => {
    setWrong({});
    setD((was) => ({ ...was, ...more }));
  };
  const bad = { ...next.wrong, ...wrong };
  const send = () => {
    const body = bodyOf(d);
    if (body === undefined) {
      setWrong({ inputs: 'The inputs must be a JSON object.' });
      return;
    }
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
      <Wrong say={bad.workflow_id}>
        <WorkflowSelect
          label="Workflow"
          value={d.workflow}
          onChange={(workflow) => set({ workflow, inputs: '{}' })} // what was written for one does not go to another
          also={of && { id: of.workflow_id, name: of.workflow_name }}
        />
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
        <>
          <label>
            Usual times{' '}
            <select
              value={presets.some((p) => p.cron === d.cron.trim()) ? d.cron.trim() : ''}
              onChange={(e) => e.target.value && set({ cron: e.target.value })}
            >
              <option value="">By an expression of one’s own</option>
              {presets.map((p) => (
                <option key={p.cron} value={p.cron}>
                  {p.name}
                </option>
              ))}
            </select>
          </label>
          <Wrong say={bad.cron_expression}>
            <label>
              Cron: minute, hour, day, month, weekday (0 and 7 are Sunday), or an alias such as @daily{' '}
              <input required className={css.mono} value={d.cron} onChange={(e) => set({ cron: e.target.value })} />
            </label>
          </Wrong>
          {!bad.cron_expression && cronWords(d.cron) && <p className={css.hint}>{cronWords(d.cron)}.</p>}
        </>
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
      <h2>Next runs</h2>
      <Scroll label="Next runs" className={own.next}>
        {next.said && <p className={css.hint}>{next.said}</p>}
        <ol>
          {next.runs.map((r) => (
            <li key={r.fire_at}>
              {r.local ?? inZone(r.fire_at, d.zone)} {mark(r, d) && <span className={css.warn}>{mark(r, d)}</span>}
              {around(r) && <div className={r.others?.length ? css.warn : css.hint}>{around(r)}</div>}
            </li>
          ))}
        </ol>
      </Scroll>
      <Rules d={d} set={set} wrong={bad} />
      <Wrong say={bad.inputs}>
        <InputsForm key={d.workflow} workflow={d.workflow} text={d.inputs} onText={(inputs) => set({ inputs })} />
      </Wrong>
      <details open={placed} onToggle={(e) => setPlaced(e.currentTarget.open)}>
        <summary>Placement: {d.placement.target_robot_id ?? (d.placement.capabilities?.join(', ') || 'any robot')}</summary>
        {placed && <Place of={d.placement} onPlace={(placement) => set({ placement })} />}
        {bad.placement && <p className={css.bad}>{bad.placement}</p>}
      </details>
      <details open={more} onToggle={(e) => setMore(e.currentTarget.open)}>
        <summary>More: priority, environment, jitter, start and end, failures, limits of time</summary>
        <Wrong say={bad.priority}>
          <label>
            Priority of its jobs (0 goes first) <input type="number" min={0} max={20} value={d.priority} onChange={(e) => set({ priority: e.target.value })} />
          </label>
        </Wrong>
        <Wrong say={bad.environment}>
          <label>
            Environment of its jobs <input value={d.environment} onChange={(e) => set({ environment: e.target.value })} />
          </label>
        </Wrong>
        <Wrong say={bad.jitter_seconds}>
          <label>
            Jitter: seconds by which each run is put off at most{' '}
            <input type="number" min={0} value={d.jitter} onChange={(e) => set({ jitter: e.target.value })} />
          </label>
        </Wrong>
        <Wrong say={bad.start_at}>
          <label>
            Not before <input type="datetime-local" value={d.start} onChange={(e) => set({ start: e.target.value })} />
          </label>
        </Wrong>
        <Wrong say={bad.end_at}>
          <label>
            Not after <input type="datetime-local" value={d.end} onChange={(e) => set({ end: e.target.value })} />
          </label>
        </Wrong>
        <Wrong say={bad.start_within_seconds}>
          <label>
            Tell when a job has not begun so many minutes after its time (0: never){' '}
            <input type="number" min={0} step="any" value={d.startWithin} onChange={(e) => set({ startWithin: e.target.value })} />
          </label>
        </Wrong>
        <Wrong say={bad.end_within_seconds}>
          <label>
            Tell when a job has not ended so many minutes after its time (0: never){' '}
            <input type="number" min={0} step="any" value={d.endWithin} onChange={(e) => set({ endWithin: e.target.value })} />
          </label>
        </Wrong>
        <Wrong say={bad.pause_after_failures}>
          <label>
            Disable it after so many failures in a row (0: never){' '}
            <input type="number" min={0} value={d.failures} onChange={(e) => set({ failures: e.target.value })} />
          </label>
        </Wrong>
      </details>
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
