import { useEffect, useState } from 'react';
import { call, type Schemas } from '../../api/client';
import type { LiveRobot } from '../../live/frames';
import type { Field } from '../../parts/FormDialog';
import { onlyIf, useLive, useRobots } from '../../parts/live';
import { namesAmong } from '../../parts/many';
import css from '../../parts/parts';
import { Empty } from '../../parts/States';
import { useMay } from '../../parts/session';
import { label } from '../../parts/words';
import { bodyOf, forText, robotsOf, valuesOf, whenOf } from './reservations';
import { Things } from './Things';

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
  const [warned, setWarned] = useState<readonly string[]>([]);
  return (
    <Things
      title="Reservations"
      hint="A reservation keeps slots free for some jobs. Where there is too little, the older one is served first."
      list={list}
      rows={list.data?.reservations ?? []}
      may={may === true}
      add="New reservation"
      edit="Edit"
      empty={
        <Empty command="fleet reservation create month-end --pool finance --slots 2 --for-label team=payroll">
          No reservations yet. Every job may use every slot that fits it.
        </Empty>
      }
      before={
        warned.length > 0 && (
          <p className={css.warn} role="status">
            {warned.join(' ')}
          </p>
        )
      }
      heads={['Reservation', { number: 'Slots' }, 'Of', 'For', 'When', 'Lent', 'State']}
      nameOf={(r) => r.name}
      idOf={(r) => r.reservation_id}
      cells={(r) => (
        <>
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
        </>
      )}
      form={(r) => ({
        title: r ? `Edit ${r.name}` : 'New reservation',
        action: 'Save',
        note: 'All that is said of robots must hold together, and so must all that is said of jobs.',
        fields: fieldsOf(robots, names),
        initial: r ? valuesOf(r) : { slots: '1', enabled: 'true' },
        send: async (v) => {
          const body = bodyOf(v, r);
          const got = r
            ? await call<Schemas['ReservationAnswer']>('PUT', `/reservations/${encodeURIComponent(r.reservation_id)}`, body)
            : await call<Schemas['ReservationAnswer']>('POST', '/reservations', body);
          setWarned(got.warnings ?? []);
        },
      })}
      remove={(r) => ({
        title: `Delete ${r.name}?`,
        action: 'Delete the reservation',
        path: `/reservations/${encodeURIComponent(r.reservation_id)}`,
        note: 'Its slots are free for every job at once.',
        done: `${r.name} is deleted. Its slots are free for every job.`,
      })}
    />
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
