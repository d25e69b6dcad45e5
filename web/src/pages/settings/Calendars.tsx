import { call, type Schemas } from '../../api/client';
import type { Field, Values } from '../../parts/FormDialog';
import { onlyIf, useLive } from '../../parts/live';
import css from '../../parts/parts';
import { Empty } from '../../parts/States';
import { useMay } from '../../parts/session';
import { Ago } from '../../parts/Time';
import { holidaysOf, holidaysText, hoursOf, hoursText, lines, windowsOf, windowsText } from './days';
import { Things } from './Things';

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

const fields: readonly Field[] = [
  { key: 'name', label: 'Name', required: true },
  { key: 'description', label: 'What it is for' },
  { key: 'timezone', label: 'Time zone', hint: 'Such as Europe/Berlin. That of the tenant if left out.' },
  { key: 'hours', label: 'Hours', kind: 'area', hint: 'Mon-Fri 08:00-18:00' },
  { key: 'holidays', label: 'Holidays', kind: 'area', hint: '12-25 Christmas, 2026-12-24, easter+1, last Mon of May' },
  { key: 'blackouts', label: 'Blackouts, never allowed', kind: 'area', hint: '2026-12-31T12:00:00Z 2027-01-01T12:00:00Z' },
  { key: 'extra', label: 'Allowed all the same', kind: 'area', hint: 'Written as blackouts are.' },
  { key: 'ical', label: 'Or an iCalendar file', kind: 'area', hint: 'Its events take the place of the blackouts.' },
];

/** Calendars says when schedules may start something, and when silences hold. */
export function Calendars() {
  const list = useLive<Schemas['CalendarList']>('calendars', {
    topics: ['events'],
    ask: (s) => call('GET', '/calendars', undefined, s),
    take: onlyIf((f) => f.type.startsWith('calendar.')),
  });
  const may = useMay('schedules:write');
  return (
    <Things
      title="Calendars"
      hint="A calendar says when schedules that keep it may start a job. A change holds for them at once."
      list={list}
      rows={list.data?.calendars ?? []}
      may={may === true}
      add="New calendar"
      edit="Edit"
      empty={
        <Empty command="fleet calendar create workdays --timezone Europe/Berlin --rules workdays.json">
          No calendars yet. With one, a schedule keeps to working hours and leaves out holidays.
        </Empty>
      }
      heads={['Calendar', 'Time zone', 'Hours', 'Holidays', 'Blackouts', 'Changed']}
      nameOf={(c) => c.name}
      cells={(c) => (
        <>
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
        </>
      )}
      form={(c) => ({
        title: c ? `Edit ${c.name}` : 'New calendar',
        action: 'Save',
        note: 'One entry a line. What is left empty sets no bounds.',
        fields,
        initial: c ? valuesOf(c) : {},
        send: (v) =>
          c
            ? call('PUT', `/calendars/${encodeURIComponent(c.calendar_id)}`, bodyOf(v), undefined, { 'If-Match': `"${c.revision}"` })
            : call('POST', '/calendars', bodyOf(v)),
      })}
      remove={(c) => ({
        title: `Delete ${c.name}?`,
        action: 'Delete the calendar',
        path: `/calendars/${encodeURIComponent(c.calendar_id)}`,
        note: 'It cannot be taken back. As long as a schedule keeps it, the server refuses.',
      })}
    />
  );
}
