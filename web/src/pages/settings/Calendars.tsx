import { useState } from 'react';
import { call, type Schemas } from '../../api/client';
import { useAct } from '../../parts/act';
import { Confirm } from '../../parts/Confirm';
import { FormDialog, type Values } from '../../parts/FormDialog';
import { onlyIf, useLive } from '../../parts/live';
import css from '../../parts/parts';
import { Said } from '../../parts/Said';
import { Scroll } from '../../parts/Scroll';
import { Empty, Fault, Loading } from '../../parts/States';
import { useMay } from '../../parts/session';
import { Ago } from '../../parts/Time';
import { holidaysOf, holidaysText, hoursOf, hoursText, lines, windowsOf, windowsText } from './days';

type Calendar = Schemas['WorkCalendar'];

/** bodyOf is what the form says of a calendar; a file of iCalendar takes the place of its blackouts. */
function bodyOf(v: Values): Schemas['CalendarBody'] {
  return {
    name: v.name ?? '',
    description: v.description ?? '',
    ...(v.timezone ? { timezone: v.timezone } : {}),
    hours: hoursOf(v.hours),
    holidays: holidaysOf(v.holidays),
    extra: windowsOf(v.extra),
    ...(v.ical?.trim() ? { ical: v.ical } : { blackouts: windowsOf(v.blackouts) }),
  };
}

const valuesOf = (c: Calendar): Values => ({
  name: c.name,
  description: c.description ?? '',
  timezone: c.timezone,
  hours: hoursText(c.hours),
  holidays: holidaysText(c.holidays),
  blackouts: windowsText(c.blackouts),
  extra: windowsText(c.extra),
});

/** Calendars says when schedules may start something, and when silences hold. */
export function Calendars() {
  const list = useLive<Schemas['CalendarList']>('calendars', {
    topics: ['events'],
    ask: (s) => call('GET', '/calendars', undefined, s),
    take: onlyIf((f) => f.type.startsWith('calendar.')),
  });
  const may = useMay('schedules:write');
  const [open, setOpen] = useState<Calendar | 'new'>();
  const [gone, setGone] = useState<Calendar>();
  const act = useAct();
  const calendars = list.data?.calendars ?? [];
  return (
    <section aria-label="Calendars">
      <div className={css.bar}>
        <h2>Calendars</h2>
        <span className={css.grow} />
        <button type="button" className={css.primary} disabled={!may} onClick={() => setOpen('new')}>
          New calendar…
        </button>
      </div>
      <p className={css.hint}>A calendar says when schedules that keep it may start a job. A change holds for them at once.</p>
      <Said act={act} />
      {list.error && <Fault error={list.error} asOf={list.data ? list.asOf : ''} again={list.again} />}
      {!list.data && !list.error && <Loading what="calendars" />}
      {list.data && calendars.length === 0 && (
        <Empty command="fleet calendar create workdays --timezone Europe/Berlin --rules workdays.json">
          No calendars yet. With one, a schedule keeps to working hours and leaves out holidays.
        </Empty>
      )}
      {calendars.length > 0 && (
        <Scroll label="Calendars, table" className={css.tableBox}>
          <table className={css.table}>
            <thead>
              <tr>
                <th>Calendar</th>
                <th>Time zone</th>
                <th>Hours</th>
                <th>Holidays</th>
                <th>Blackouts</th>
                <th>Changed</th>
                <th>Actions</th>
              </tr>
            </thead>
            <tbody>
              {calendars.map((c) => (
                <tr key={c.calendar_id}>
                  <td>
                    {c.name}
                    {c.description && <div className={css.hint}>{c.description}</div>}
                  </td>
                  <td className={css.keep}>{c.timezone}</td>
                  <td className={css.keep}>
                    {lines(hoursText(c.hours)).map((l) => (
                      <div key={l}>{l}</div>
                    ))}
                    {!c.hours?.length && 'All'}
                  </td>
                  <td title={holidaysText(c.holidays)}>{c.holidays?.length ?? 0}</td>
                  <td title={windowsText(c.blackouts)}>{c.blackouts?.length ?? 0}</td>
                  <td className={css.keep}>
                    <Ago at={c.updated_at} />
                    {c.updated_by && <div className={css.hint}>by {c.updated_by}</div>}
                  </td>
                  <td className={`${css.acts} ${css.keep}`}>
                    <button type="button" disabled={!may} aria-label={`Edit ${c.name}`} onClick={() => setOpen(c)}>
                      Edit…
                    </button>{' '}
                    <button type="button" disabled={!may} aria-label={`Delete ${c.name}`} onClick={() => setGone(c)}>
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
          title={open === 'new' ? 'New calendar' : `Edit ${open.name}`}
          action="Save"
          note="One entry a line. What is left empty sets no bounds."
          fields={[
            { key: 'name', label: 'Name', required: true },
            { key: 'description', label: 'What it is for' },
            { key: 'timezone', label: 'Time zone', hint: 'Such as Europe/Berlin. That of the tenant if left out.' },
            { key: 'hours', label: 'Hours', kind: 'area', hint: 'Mon-Fri 08:00-18:00' },
            { key: 'holidays', label: 'Holidays', kind: 'area', hint: '12-25 Christmas, 2026-12-24, easter+1, last Mon of May' },
            { key: 'blackouts', label: 'Blackouts, never allowed', kind: 'area', hint: '2026-12-31T12:00:00Z 2027-01-01T12:00:00Z' },
            { key: 'extra', label: 'Allowed all the same', kind: 'area', hint: 'Written as blackouts are.' },
            { key: 'ical', label: 'Or an iCalendar file', kind: 'area', hint: 'Its events take the place of the blackouts.' },
          ]}
          initial={open === 'new' ? {} : valuesOf(open)}
          send={async (v) => {
            if (open === 'new') return call('POST', '/calendars', bodyOf(v));
            return call('PUT', `/calendars/${encodeURIComponent(open.calendar_id)}`, bodyOf(v), undefined, { 'If-Match': `"${open.revision}"` });
          }}
          onClose={() => setOpen(undefined)}
          onDone={list.again}
        />
      )}
      {gone && (
        <Confirm
          title={`Delete ${gone.name}?`}
          action="Delete the calendar"
          busy={act.busy}
          onClose={() => setGone(undefined)}
          onConfirm={() => {
            setGone(undefined);
            void act
              .run(
                'Deleting…',
                () => call('DELETE', `/calendars/${encodeURIComponent(gone.calendar_id)}`),
                () => `${gone.name} is deleted.`,
              )
              .then(list.again);
          }}
        >
          <p>It cannot be taken back. As long as a schedule keeps it, the server refuses.</p>
        </Confirm>
      )}
    </section>
  );
}
