import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { call, type Schemas } from '../../api/client';
import { useAct } from '../../parts/act';
import { Confirm } from '../../parts/Confirm';
import { onlyIf, useLive } from '../../parts/live';
import { Pager } from '../../parts/Pager';
import css from '../../parts/parts';
import { Said } from '../../parts/Said';
import { Fault, Loading } from '../../parts/States';
import { Status } from '../../parts/Status';
import { useMay } from '../../parts/session';
import { Table } from '../../parts/Table';
import { label } from '../../parts/words';
import { removeLater, runNow, skipNext } from './acts';
import { ScheduleDialog } from './ScheduleDialog';
import { concerns, copyOf, inZone, often, outcomes, type Schedule, type Search, scheduleSearch } from './schedules';

const by: Record<string, string> = { manual: 'By hand', backfill: 'Backfill' };

interface Props {
  id: string;
  search: Search;
  onSearch: (s: Search) => void;
  onChanged: () => void;
  onOpen: (id: string) => void;
  onGone: () => void;
}

/** ScheduleView is one schedule, and what became of each of its times. */
export function ScheduleView({ id, search, onSearch, onChanged, onOpen, onGone }: Props) {
  const at = `/schedules/${encodeURIComponent(id)}`;
  const [trail, setTrail] = useState<string[]>([]);
  const q = new URLSearchParams({
    limit: '50',
    ...(search.outcome ? { outcome: search.outcome } : {}),
    ...(trail.length > 0 ? { cursor: trail.at(-1) ?? '' } : {}),
  });
  const one = useLive<Schedule>(at, { topics: ['schedules'], ask: (s) => call('GET', at, undefined, s), take: onlyIf(concerns) });
  const fires = useLive<Schemas['FireList']>(`${at}/fires?${q}`, {
    topics: ['schedules', 'jobs'],
    ask: (s) => call('GET', `${at}/fires?${q}`, undefined, s),
    take: onlyIf(concerns),
  });
  const mayRun = useMay('schedules:run');
  const mayWrite = useMay('schedules:write');
  const [open, setOpen] = useState<'edit' | 'pause' | 'copy'>();
  const [note, setNote] = useState('');
  const act = useAct();
  const d = one.data;
  const all = () => {
    one.again();
    fires.again();
    onChanged();
  };
  if (!d) return one.error ? <Fault error={one.error} again={one.again} /> : <Loading what="the schedule" />;
  const enable = (yes: boolean) => {
    setOpen(undefined);
    void act
      .run(
        yes ? 'Resuming…' : 'Pausing…',
        () => call('PUT', `${at}/${yes ? 'enable' : 'disable'}`, note && !yes ? { note } : {}),
        () => (yes ? 'Resumed; nothing that is past is made up for.' : 'Paused: it starts nothing more.'),
      )
      .then(all);
  };
  const skip = () => skipNext(act, d).then(all);
  return (
    <section aria-label={d.schedule_name}>
      <div className={css.bar}>
        <h2>{d.schedule_name}</h2>
        {!d.enabled && <Status word="paused" />}
        <span className={css.grow} />
        <button type="button" disabled={!mayRun || act.busy} onClick={() => void runNow(act, d).then(all)}>
          Run now
        </button>
        <button type="button" disabled={!mayRun || act.busy} onClick={() => (d.enabled ? setOpen('pause') : enable(true))}>
          {d.enabled ? 'Pause…' : 'Resume'}
        </button>
        <button type="button" disabled={!mayWrite || act.busy || !d.enabled || !d.next_run || d.kind === 'once'} onClick={() => void skip()}>
          Skip next
        </button>
        <button type="button" disabled={!mayWrite} onClick={() => setOpen('edit')}>
          Edit…
        </button>
        <button type="button" disabled={!mayWrite} onClick={() => setOpen('copy')}>
          Duplicate…
        </button>
        <button
          type="button"
          disabled={!mayWrite}
          onClick={() =>
            removeLater(act, d, () => {
              onChanged();
              onGone();
            })
          }
        >
          Delete
        </button>
      </div>
      <Said act={act} />
      {d.note && <p className={css.fact}>{d.note}</p>}
      <dl className={css.facts}>
        <dt>When</dt>
        <dd>
          {often(d)} ({d.timezone})
        </dd>
        <dt>Next run</dt>
        <dd>{d.next_run ? inZone(d.next_run, d.timezone) : 'None'}</dd>
        <dt>Jobs</dt>
        <dd>
          {d.run_count} made, {d.success_count} succeeded, {d.failure_count} failed
        </dd>
        <dt>Overlap</dt>
        <dd>{label(d.overlap.policy)}</dd>
        <dt>Missed</dt>
        <dd>{label(d.misfire.policy)}</dd>
      </dl>
      <div className={css.bar}>
        <h2>What became of it</h2>
        <select
          aria-label="Outcome"
          value={search.outcome ?? ''}
          onChange={(e) => {
            setTrail([]);
            onSearch(scheduleSearch({ ...search, outcome: e.target.value }));
          }}
        >
          <option value="">All outcomes</option>
          {Object.keys(outcomes).map((o) => (
            <option key={o} value={o}>
              {label(o)}
            </option>
          ))}
        </select>
      </div>
      {fires.error && <Fault error={fires.error} asOf={fires.data ? fires.asOf : ''} again={fires.again} />}
      {!fires.data && !fires.error && <Loading what="its times" />}
      {fires.data?.fires.length === 0 && <p className={css.hint}>{search.outcome ? 'No time had this outcome.' : 'None of its times has come yet.'}</p>}
      {fires.data && fires.data.fires.length > 0 && (
        <Table label="Fires" heads={['Time', 'Outcome', 'Job']}>
          {fires.data.fires.map((f) => (
            <tr key={`${f.fire_at} ${f.source ?? ''}`}>
              <td>
                {inZone(f.fire_at, d.timezone)}
                <div className={css.hint}>{[by[f.kind], f.moved_by_dst && 'moved: the clocks change'].filter(Boolean).join(' · ')}</div>
              </td>
              <td>
                <Status word={f.outcome} />
                <div className={css.hint}>{f.reason || outcomes[f.outcome as keyof typeof outcomes]}</div>
                {f.late && <div className={css.warn}>{f.late === 'start' ? 'Had not begun in time' : 'Had not ended in time'}</div>}
              </td>
              <td>
                {f.job_id && (
                  <Link to="/fleet/jobs/$id" params={{ id: f.job_id }} search={{}}>
                    …{f.job_id.slice(-8)}
                  </Link>
                )}{' '}
                {f.job_status && <Status word={f.job_status} />}
              </td>
            </tr>
          ))}
        </Table>
      )}
      <Pager trail={trail} next={fires.data?.next_cursor} onTrail={setTrail} />
      {open === 'edit' && (
        <ScheduleDialog
          of={d}
          onClose={() => setOpen(undefined)}
          onDone={() => {
            setOpen(undefined);
            all();
          }}
        />
      )}
      {open === 'copy' && (
        <ScheduleDialog
          from={copyOf(d)}
          onClose={() => setOpen(undefined)}
          onDone={(s) => {
            setOpen(undefined);
            onChanged();
            onOpen(s.schedule_id);
          }}
        />
      )}
      {open === 'pause' && (
        <Confirm
          title={`Pause ${d.schedule_name}`}
          action="Pause the schedule"
          busy={act.busy}
          onClose={() => setOpen(undefined)}
          onConfirm={() => enable(false)}
        >
          <p>It starts nothing more, and makes up for nothing when it is resumed. Its jobs go on.</p>
          <label>
            Why (others see it) <input value={note} maxLength={500} onChange={(e) => setNote(e.target.value)} />
          </label>
        </Confirm>
      )}
    </section>
  );
}
