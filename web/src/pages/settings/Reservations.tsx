import { useEffect, useState } from 'react';
import { call, type Schemas } from '../../api/client';
import type { LiveRobot } from '../../live/frames';
import { useAct } from '../../parts/act';
import { Confirm } from '../../parts/Confirm';
import { type Field, FormDialog } from '../../parts/FormDialog';
import { onlyIf, useLive, useRobots } from '../../parts/live';
import { namesAmong } from '../../parts/many';
import css from '../../parts/parts';
import { Said } from '../../parts/Said';
import { Scroll } from '../../parts/Scroll';
import { Empty, Fault, Loading } from '../../parts/States';
import { useMay } from '../../parts/session';
import { label } from '../../parts/words';
import { bodyOf, forText, robotsOf, valuesOf, whenOf } from './reservations';

type Reservation = Schemas['Reservation'];

/** fieldsOf are the fields of a reservation; robots and workflows are chosen by their names. */
const fieldsOf = (robots: readonly LiveRobot[], workflows: ReadonlyMap<string, string>): readonly Field[] => [
  { key: 'name', label: 'Name', required: true },
  { key: 'note', label: 'Why' },
  { key: 'slots', label: 'Slots that are kept', kind: 'number', min: 0, hint: '0: all of those robots' },
  { key: 'all', label: 'Of all robots', kind: 'check' },
  { key: 'pools', label: 'Or of robots of the pools', kind: 'many', free: true, options: namesAmong(robots.map((r) => r.pool)) },
  { key: 'tags', label: 'With the tags', kind: 'many', free: true, options: namesAmong(robots.flatMap((r) => r.tags)) },
  { key: 'capabilities', label: 'With the capabilities', kind: 'many', free: true, options: namesAmong(robots.flatMap((r) => r.capabilities)) },
  { key: 'environments', label: 'Of the environments', kind: 'many', free: true, options: namesAmong(robots.map((r) => r.environment)) },
  { key: 'robots', label: 'Or of these robots', kind: 'many', options: choicesOf(new Map(robots.map((r) => [r.robot_id, `${r.name} · ${label(r.status)}`]))) },
  { key: 'labels', label: 'For jobs with the labels', kind: 'area', hint: 'One a line: team=payroll' },
  { key: 'workflows', label: 'Of the workflows', kind: 'many', options: choicesOf(workflows) },
  { key: 'priority', label: 'Of this priority or more urgent', kind: 'number', min: 0, max: 20, hint: '0 goes first' },
  { key: 'windows', label: 'In these windows, always if left out', kind: 'area', hint: '2026-12-01T00:00:00Z 2026-12-01T06:00:00Z' },
  { key: 'cron', label: 'Or each time that', hint: 'Cron: 0 8 * * 1-5' },
  { key: 'minutes', label: 'For so many minutes', kind: 'number', min: 1 },
  { key: 'timezone', label: 'In the time zone', hint: 'UTC if left out' },
  { key: 'lend', label: 'Others may use what no holder waits for', kind: 'check' },
  {
    key: 'recall',
    label: 'What runs on a lent slot when a holder waits',
    kind: 'select',
    options: [
      { value: 'finish', name: 'ends by itself' },
      { value: 'stop', name: 'is stopped, and waits again' },
    ],
  },
  { key: 'grace', label: 'Seconds that one which is stopped may take', kind: 'number', min: 0 },
  { key: 'enabled', label: 'It holds', kind: 'check' },
];

/** choicesOf are ids to choose by their names. */
const choicesOf = (names: ReadonlyMap<string, string>) => [...names].map(([value, name]) => ({ value, name })).sort((a, b) => a.name.localeCompare(b.name));

/** Reservations keeps slots free for the work that matters. */
export function Reservations() {
  const list = useLive<Schemas['ReservationList']>('reservations', {
    topics: ['events'],
    ask: (s) => call('GET', '/reservations', undefined, s),
    take: onlyIf((f) => f.type.startsWith('reservation.')),
  });
  const may = useMay('reservations:manage');
  const names = useWorkflows();
  const robots = useRobots();
  const robotNames = new Map(robots.map((r) => [r.robot_id, r.name]));
  const [open, setOpen] = useState<Reservation | 'new'>();
  const [gone, setGone] = useState<Reservation>();
  const act = useAct();
  const [warned, setWarned] = useState<readonly string[]>([]);
  const all = list.data?.reservations ?? [];
  return (
    <section aria-label="Reservations">
      <div className={css.bar}>
        <h2>Reservations</h2>
        <span className={css.grow} />
        <button type="button" className={css.primary} disabled={!may} onClick={() => setOpen('new')}>
          New reservation…
        </button>
      </div>
      <p className={css.hint}>A reservation keeps slots free for some jobs. Where there is too little, the older one is served first.</p>
      <Said act={act} />
      {warned.length > 0 && (
        <p className={css.warn} role="status">
          {warned.join(' ')}
        </p>
      )}
      {list.error && <Fault error={list.error} asOf={list.data ? list.asOf : ''} again={list.again} />}
      {!list.data && !list.error && <Loading what="reservations" />}
      {list.data && all.length === 0 && (
        <Empty command="fleet reservation create month-end --pool finance --slots 2 --for-label team=payroll">
          No reservations yet. Every job may use every slot that fits it.
        </Empty>
      )}
      {all.length > 0 && (
        <Scroll label="Reservations, table" className={css.tableBox}>
          <table className={css.table}>
            <thead>
              <tr>
                <th>Reservation</th>
                <th>Slots</th>
                <th>Of</th>
                <th>For</th>
                <th>When</th>
                <th>Lent</th>
                <th>State</th>
                <th>Actions</th>
              </tr>
            </thead>
            <tbody>
              {all.map((r) => (
                <tr key={r.reservation_id}>
                  <td>
                    {r.name}
                    {r.note && <div className={css.hint}>{r.note}</div>}
                  </td>
                  <td data-number>{r.slots === 0 ? 'All' : r.slots}</td>
                  <td>{robotsOf(r.selector, robotNames)}</td>
                  <td>{forText(r.for, names)}</td>
                  <td>{whenOf(r)}</td>
                  <td>{r.lend ? (r.recall === 'stop' ? 'Yes, called back' : 'Yes') : 'No'}</td>
                  <td>{r.enabled ? 'Enabled' : 'Disabled'}</td>
                  <td className={`${css.acts} ${css.keep}`}>
                    <button type="button" disabled={!may} aria-label={`Edit ${r.name}`} onClick={() => setOpen(r)}>
                      Edit…
                    </button>{' '}
                    <button type="button" disabled={!may} aria-label={`Delete ${r.name}`} onClick={() => setGone(r)}>
                      Delete…
                    </button>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
      {open && (
        <FormDialog
          title={open === 'new' ? 'New reservation' : `Edit ${open.name}`}
          action="Save"
          note="All that is said of robots must hold together, and so must all that is said of jobs."
          fields={fieldsOf(robots, names)}
          initial={open === 'new' ? { slots: '1', enabled: 'true' } : valuesOf(open)}
          send={async (v) => {
            const body = bodyOf(v, open === 'new' ? undefined : open);
            const got =
              open === 'new'
                ? await call<Schemas['ReservationAnswer']>('POST', '/reservations', body)
                : await call<Schemas['ReservationAnswer']>('PUT', `/reservations/${encodeURIComponent(open.reservation_id)}`, body);
            setWarned(got.warnings ?? []);
          }}
          onClose={() => setOpen(undefined)}
          onDone={list.again}
        />
      )}
      {gone && (
        <Confirm
          title={`Delete ${gone.name}?`}
          action="Delete the reservation"
          busy={act.busy}
          onClose={() => setGone(undefined)}
          onConfirm={() => {
            setGone(undefined);
            void act
              .run(
                'Deleting…',
                () => call('DELETE', `/reservations/${encodeURIComponent(gone.reservation_id)}`),
                () => `${gone.name} is deleted. Its slots are free for every job.`,
              )
              .then(list.again);
          }}
        >
          <p>Its slots are free for every job at once.</p>
        </Confirm>
      )}
    </section>
  );
}

const none: ReadonlyMap<string, string> = new Map();

function useWorkflows(): ReadonlyMap<string, string> {
  const [names, setNames] = useState(none);
  useEffect(() => {
    const end = new AbortController();
    call<Schemas['WorkflowList']>('GET', '/workflows?limit=500', undefined, end.signal)
      .then((l) => setNames(new Map(l.workflows.map((w) => [w.workflow_id, w.workflow_name]))))
      .catch(() => undefined); // the ids stay
    return () => end.abort();
  }, []);
  return names;
}
