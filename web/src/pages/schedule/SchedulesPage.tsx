import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { call, type Schemas } from '../../api/client';
import { useAct } from '../../parts/act';
import { useLive } from '../../parts/live';
import { Menu } from '../../parts/Menu';
import { PageHead } from '../../parts/PageHead';
import css from '../../parts/parts';
import { Said } from '../../parts/Said';
import { Squares } from '../../parts/Squares';
import { Empty, Fault, Loading } from '../../parts/States';
import { Switch } from '../../parts/Switch';
import { useMay } from '../../parts/session';
import { Table } from '../../parts/Table';
import { Ago, In } from '../../parts/Time';
import { label } from '../../parts/words';
import { Agenda } from './Agenda';
import { removeLater, runNow, skipNext, skippable } from './acts';
import { ScheduleDialog } from './ScheduleDialog';
import { ScheduleView } from './ScheduleView';
import { copyOf, type Draft, frequencies, inZone, type Kind, often, rate, type Schedule, type ScheduleSearch } from './schedules';

interface Props {
  id: string;
  agenda?: boolean;
  kind?: Kind | undefined; // of time; all if left out
  onView?: (v: { view?: 'agenda'; freq?: Kind }) => void;
  search: ScheduleSearch;
  onSearch: (s: ScheduleSearch) => void;
  onOpen: (id: string) => void;
}

/** SchedulesPage lists schedules, and shows the one that is chosen. */
export function SchedulesPage({ id, agenda, kind, onView, search, onSearch, onOpen }: Props) {
  const list = useLive<Schemas['ScheduleList']>('schedules', {
    topics: ['schedules'],
    ask: (s) => call('GET', '/schedules?view=list&limit=500', undefined, s),
  });
  const mayWrite = useMay('schedules:write');
  const mayRun = useMay('schedules:run');
  const [making, setMaking] = useState<{ of?: Schedule; from?: Draft }>();
  const act = useAct();
  const all = list.data?.schedules ?? [];
  const rows = kind ? all.filter((s) => s.frequency === kind) : all;
  const flip = (s: Schedule) =>
    void act
      .run(
        s.enabled ? 'Disabling…' : 'Enabling…',
        () => call('PUT', `/schedules/${s.schedule_id}/${s.enabled ? 'disable' : 'enable'}`, {}),
        () => `${s.schedule_name} is ${s.enabled ? 'disabled: it starts nothing more' : 'enabled'}.`,
      )
      .then(list.again);
  return (
    <div className={css.page}>
      <PageHead title="Schedules" facts={list.data && (list.data.total === 1 ? '1 schedule' : `${list.data.total} schedules`)} fleet>
        <Link to="/fleet/triggers">Triggers</Link>
        <button
          type="button"
          className={css.primary}
          disabled={!mayWrite}
          title={mayWrite === false ? 'This needs the permission schedules:write.' : undefined}
          onClick={() => setMaking({})}
        >
          New schedule…
        </button>
      </PageHead>
      <Said act={act} />
      {list.error && <Fault error={list.error} asOf={list.data ? list.asOf : ''} again={list.again} />}
      {!list.data && !list.error && <Loading what="schedules" />}
      {list.data && all.length === 0 && (
        <Empty command="fleet schedule add invoices WORKFLOW --cron '0 9 * * 1-5' --timezone Europe/Berlin">
          No schedules yet. A schedule runs a workflow at times: by a cron expression, at a fixed span, or once. You see its next runs beforehand, and
          afterwards what became of every single time.
        </Empty>
      )}
      {all.length > 0 && !id && onView && (
        <div className={css.bar}>
          <button type="button" aria-pressed={!agenda && !kind} onClick={() => onView({})}>
            All
          </button>
          {frequencies.map((f) => (
            <button key={f} type="button" aria-pressed={!agenda && kind === f} onClick={() => onView(kind === f ? {} : { freq: f })}>
              {label(f)} {all.filter((s) => s.frequency === f).length}
            </button>
          ))}
          <span className={css.grow} />
          <button type="button" aria-pressed={agenda ?? false} onClick={() => onView(agenda ? {} : { view: 'agenda' })}>
            Agenda
          </button>
        </div>
      )}
      {all.length > 0 && rows.length === 0 && !agenda && kind && (
        <div className={css.empty}>
          <p>No schedule is of the kind “{label(kind)}”.</p>
          <button type="button" onClick={() => onView?.({})}>
            Clear the filter
          </button>
        </div>
      )}
      {agenda && all.length > 0 && <Agenda />}
      {list.data?.next_cursor && <p className={css.hint}>The newest {rows.length} are shown.</p>}
      <div className={css.pair} data-open={id || undefined}>
        {rows.length > 0 && !agenda && (
          <Table
            label="List of schedules"
            heads={['Enabled', 'Name', 'Workflow', 'When', 'Next run', 'Last run', 'Success rate', { number: 'Runs' }, 'Actions']}
          >
            {rows.map((s) => (
              <tr key={s.schedule_id} data-chosen={s.schedule_id === id || undefined}>
                <td>
                  <Switch label={`${s.schedule_name} enabled`} on={s.enabled} disabled={!mayRun || act.busy} onFlip={() => flip(s)} />
                </td>
                <td>
                  <Link to="/fleet/schedules/$id" params={{ id: s.schedule_id }} search={{}}>
                    {s.schedule_name}
                  </Link>
                  {!s.enabled && <div className={css.hint}>Disabled{s.note && `: ${s.note}`}</div>}
                </td>
                <td>{s.workflow_name}</td>
                <td title={s.cron_expression}>
                  {often(s)}
                  <div className={css.hint}>{s.timezone}</div>
                </td>
                <td>{s.next_run ? <In at={s.next_run} exactly={`${inZone(s.next_run, s.timezone)} ${s.timezone}`} /> : 'None'}</td>
                <td>
                  {s.last_run ? <Ago at={s.last_run} /> : 'Not yet'}
                  {s.success_count + s.failure_count > 0 && (
                    <div className={s.failures_in_a_row > 0 ? css.bad : css.hint}>
                      {s.failures_in_a_row > 0 ? `Failed, ${s.failures_in_a_row} in a row` : 'Succeeded'}
                    </div>
                  )}
                </td>
                <td>
                  <Squares of={s.recent} rate={rate(s)} />
                  {s.recent.length > 0 && <span className={css.hint}> {rate(s)}</span>}
                </td>
                <td data-number>{s.run_count}</td>
                <td>
                  <Menu
                    label={`Actions of ${s.schedule_name}`}
                    short="⋯"
                    items={[
                      { name: 'Run now', ...not(mayRun, 'schedules:run'), run: () => void runNow(act, s).then(list.again) },
                      { name: 'Edit…', ...not(mayWrite, 'schedules:write'), run: () => setMaking({ of: s }) },
                      { name: 'Duplicate…', ...not(mayWrite, 'schedules:write'), run: () => setMaking({ from: copyOf(s) }) },
                      {
                        name: 'Skip next',
                        ...(skippable(s) ? not(mayWrite, 'schedules:write') : { why: 'No next run can be left out.' }),
                        run: () => void skipNext(act, s).then(list.again),
                      },
                      { name: 'History', run: () => onOpen(s.schedule_id) },
                      {
                        name: 'Delete',
                        ...not(mayWrite, 'schedules:write'),
                        run: () =>
                          removeLater(act, s, () => {
                            list.again();
                            if (s.schedule_id === id) onOpen('');
                          }),
                      },
                    ]}
                  />
                </td>
              </tr>
            ))}
          </Table>
        )}
        {id && <ScheduleView key={id} id={id} search={search} onSearch={onSearch} onChanged={list.again} onOpen={onOpen} onGone={() => onOpen('')} />}
      </div>
      {making && (
        <ScheduleDialog
          {...making}
          onClose={() => setMaking(undefined)}
          onDone={(s) => {
            setMaking(undefined);
            list.again();
            onOpen(s.schedule_id);
          }}
        />
      )}
    </div>
  );
}

const not = (may: boolean | undefined, permission: string) => (may ? {} : { why: `This needs the permission ${permission}.` });
