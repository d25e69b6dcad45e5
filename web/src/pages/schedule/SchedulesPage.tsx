import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { call, type Schemas } from '../../api/client';
import { useAct } from '../../parts/act';
import { useLive } from '../../parts/live';
import { Menu } from '../../parts/Menu';
import { PageHead } from '../../parts/PageHead';
import css from '../../parts/parts';
import { useRows } from '../../parts/rows';
import { Said } from '../../parts/Said';
import { Old, Skeleton } from '../../parts/Skeleton';
import { Squares } from '../../parts/Squares';
import { Empty, Fault } from '../../parts/States';
import { Switch } from '../../parts/Switch';
import { useMay } from '../../parts/session';
import { Table } from '../../parts/Table';
import { Ago, In } from '../../parts/Time';
import { Agenda } from './Agenda';
import { removeLater, runNow, skipNext, skippable } from './acts';
import { Filters } from './Filters';
import { ScheduleDialog } from './ScheduleDialog';
import { ScheduleView } from './ScheduleView';
import { asked, copyOf, type Draft, inZone, narrowed, often, orderNames, orders, rate, type Schedule, type Search, scheduleSearch } from './schedules';

interface Props {
  id: string;
  fresh: boolean; // the form of a new one is open
  search: Search;
  onSearch: (s: Search, typing?: boolean) => void;
  onOpen: (id: string) => void; // with the list as it is narrowed; empty: the list alone
  onNew: () => void; // opens that form
  onLeave: () => void; // and goes back to where one was
}

const heads = ['Enabled', 'Name', 'Workflow', 'Frequency', 'Next run', 'Last run', 'Success rate', { number: 'Runs' }, 'Actions'];

/** SchedulesPage lists schedules, and shows the one that is chosen. */
export function SchedulesPage({ id, fresh, search, onSearch, onOpen, onNew, onLeave }: Props) {
  const list = useLive<Schemas['ScheduleList']>('schedules', {
    topics: ['schedules'],
    ask: (s) => call('GET', '/schedules?view=list&limit=500', undefined, s),
  });
  const mayWrite = useMay('schedules:write');
  const mayRun = useMay('schedules:run');
  const [making, setMaking] = useState<{ of?: Schedule; from?: Draft }>();
  const act = useAct();
  const agenda = search.view === 'agenda' && !id;
  const all = list.data?.schedules ?? [];
  const rows = narrowed(all, search);
  const sort = search.sort ?? 'next';
  const words = asked(search);
  const clear = () => {
    const { q: _q, enabled: _e, freq: _f, ...rest } = search;
    onSearch(rest);
  };
  const row = useRows({
    ids: agenda ? [] : rows.map((s) => s.schedule_id),
    start: id,
    open: onOpen,
    peek: (one) => onOpen(one === id ? '' : one),
    sort: () => onSearch(scheduleSearch({ ...search, sort: orders[(orders.indexOf(sort) + 1) % orders.length] })),
  });
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
          onClick={onNew}
        >
          New schedule…
        </button>
      </PageHead>
      <Said act={act} />
      {list.error && <Fault error={list.error} asOf={list.data ? list.asOf : ''} again={list.again} />}
      {!list.data && !list.error && <Skeleton what="schedules" heads={heads} />}
      {list.data && all.length === 0 && (
        <Empty command="fleet schedule add invoices WORKFLOW --cron '0 9 * * 1-5' --timezone Europe/Berlin">
          No schedules yet. A schedule runs a workflow at times: by a cron expression, at a fixed span, or once. You see its next runs beforehand, and
          afterwards what became of every single time.
        </Empty>
      )}
      {all.length > 0 && !id && <Filters all={all} search={search} onSearch={onSearch} />}
      {all.length > 0 && rows.length === 0 && !agenda && (
        <div className={css.empty}>
          <p>No schedule matches {words.map((w) => `“${w}”`).join(' + ')}.</p>
          <button type="button" onClick={clear}>
            Clear filters
          </button>
        </div>
      )}
      {agenda && all.length > 0 && <Agenda month={search.month} onMonth={(month) => onSearch(scheduleSearch({ ...search, month }))} />}
      {!agenda && rows.length > 0 && (
        <p className={css.hint}>
          {words.length > 0 && `${rows.length} of ${all.length} schedules, `}
          {words.length > 0 ? 'by' : 'By'} {orderNames[sort]}.{list.data?.next_cursor && ` The newest ${all.length} are looked at.`}
        </p>
      )}
      <Old when={list.error !== undefined && list.data !== undefined}>
        <div className={css.pair} data-open={id || undefined}>
          {rows.length > 0 && !agenda && (
            <Table label="List of schedules" heads={heads}>
              {rows.map((s) => (
                <tr key={s.schedule_id} {...row(s.schedule_id)} data-chosen={s.schedule_id === id || undefined}>
                  <td>
                    <Switch label={`${s.schedule_name} enabled`} on={s.enabled} disabled={!mayRun || act.busy} onFlip={() => flip(s)} />
                  </td>
                  <td>
                    <Link to="/fleet/schedules/$id" params={{ id: s.schedule_id }} search={search}>
                      {s.schedule_name}
                    </Link>
                    {!s.enabled && <div className={css.hint}>Disabled{s.note && `: ${s.note}`}</div>}
                    {s.problem && <div className={css.bad}>{s.problem}</div>}
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
      </Old>
      {fresh && mayWrite === false && <p className={css.bad}>Your role may not make schedules: this needs the permission schedules:write.</p>}
      {(making || (fresh && mayWrite)) && (
        <ScheduleDialog
          {...making}
          onClose={() => {
            setMaking(undefined);
            if (fresh) onLeave();
          }}
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
