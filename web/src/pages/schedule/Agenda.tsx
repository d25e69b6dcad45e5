import { Link } from '@tanstack/react-router';
import { useMemo, useState } from 'react';
import { call, type Schemas } from '../../api/client';
import { onlyIf, useLive } from '../../parts/live';
import css from '../../parts/parts';
import { ownZone } from '../../parts/prefs';
import { Scroll } from '../../parts/Scroll';
import { Old } from '../../parts/Skeleton';
import { Fault, Loading } from '../../parts/States';
import { exact } from '../../parts/Time';
import { daysOf, monthName, monthsFrom, span } from './agenda';
import own from './agenda.module.css';

const hours = Array.from({ length: 24 }, (_, h) => String(h).padStart(2, '0'));

/** Agenda shows when all schedules come, in the next days or in a month, and which of them come at once. */
export function Agenda({ month, onMonth }: { month: string | undefined; onMonth: (month: string | undefined) => void }) {
  const window = span(month, Date.now());
  const q = new URLSearchParams({ days: String(window.days), timezone: ownZone(), ...(month ? { from: new Date(window.from).toISOString() } : {}) });
  const asked = useLive<Schemas['AgendaAnswer']>(`agenda ${month ?? ''}`, {
    topics: ['schedules'],
    ask: (s) => call('GET', `/schedules/agenda?${q}`, undefined, s),
    take: onlyIf((f) => f.type.startsWith('schedule.') || f.type.startsWith('calendar.')),
  });
  const [at, setAt] = useState<{ date: string; hour: number }>();
  const d = asked.data;
  const days = useMemo(() => daysOf(window.first, window.days, d?.hours ?? []), [window.first, window.days, d]);
  const cut = d !== undefined && Date.parse(d.whole_until) < window.to - 3_600_000;
  const chosen = at && days.find((x) => x.date === at.date)?.hours[at.hour];
  return (
    <>
      <div className={css.bar}>
        <select aria-label="Days" value={month ?? ''} onChange={(e) => onMonth(e.target.value || undefined)}>
          <option value="">The next 7 days</option>
          {monthsFrom(Date.now(), 12).map((m) => (
            <option key={m} value={m}>
              {monthName(m)}
            </option>
          ))}
        </select>
        {d && (
          <span className={css.hint}>
            {d.runs} {d.runs === 1 ? 'run' : 'runs'}
            {cut && ` until ${exact(d.whole_until)}; later ones are too many to count`}, on the clock of {ownZone()}. Yellow: several schedules in one minute.
          </span>
        )}
      </div>
      {asked.error && <Fault error={asked.error} asOf={d ? asked.asOf : ''} again={asked.again} />}
      {!d && !asked.error && <Loading what="the agenda" />}
      {d && (
        <Old when={asked.error !== undefined}>
          <Scroll label="Agenda" className={css.tableBox}>
            <table className={own.agenda}>
              <thead>
                <tr>
                  <th>Day</th>
                  {hours.map((h) => (
                    <th key={h} scope="col">
                      {h}
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {days.map((x) => (
                  <tr key={x.date}>
                    <th scope="row">{x.name}</th>
                    {x.hours.map((one, h) => (
                      <td key={hours[h]}>
                        <button
                          type="button"
                          disabled={!one}
                          aria-pressed={at?.date === x.date && at.hour === h}
                          aria-label={`${x.date}, ${hours[h]} o’clock: ${one?.runs === 1 ? '1 run' : `${one?.runs ?? 0} runs`}`}
                          data-many={(one?.together ?? 0) > 0 || undefined}
                          onClick={() => setAt({ date: x.date, hour: h })}
                        >
                          {one?.runs ?? ''}
                        </button>
                      </td>
                    ))}
                  </tr>
                ))}
              </tbody>
            </table>
          </Scroll>
          {at && chosen && <Hour of={chosen} />}
          <Together of={d} />
        </Old>
      )}
    </>
  );
}

type Run = Schemas['AgendaSchedule'];

const To = ({ of }: { of: Run }) => (
  <Link to="/fleet/schedules/$id" params={{ id: of.schedule_id }} search={{}}>
    {of.schedule_name}
  </Link>
);

/** Hour is what comes in one cell of the agenda. */
function Hour({ of: h }: { of: Schemas['AgendaHour'] }) {
  const name = `${h.date}, ${hours[h.hour]} o’clock`;
  return (
    <section aria-label={`Runs of ${name}`}>
      <h2>{name}</h2>
      <ul className={css.list}>
        {h.schedules.map((s) => (
          <li key={s.schedule_id}>
            <To of={s} />
            <span className={css.hint}>{s.runs === 1 ? '1 run' : `${s.runs} runs`}</span>
          </li>
        ))}
      </ul>
      {h.more && <p className={css.hint}>And {h.more} more.</p>}
    </section>
  );
}

/** Together is which schedules come in the same minute, and how often. */
function Together({ of: d }: { of: Schemas['AgendaAnswer'] }) {
  return (
    <section aria-label="At the same time">
      <h2>At the same time</h2>
      {d.together.length === 0 && <p className={css.fact}>No two schedules come in the same minute.</p>}
      <ul className={css.list}>
        {d.together.map((m) => (
          <li key={m.schedules.map((s) => s.schedule_id).join(' ')}>
            {m.schedules.map((s) => (
              <To key={s.schedule_id} of={s} />
            ))}
            <span className={css.hint}>
              {m.minutes === 1 ? 'once' : `${m.minutes} times, first`} at {exact(m.first)}
            </span>
          </li>
        ))}
      </ul>
      {d.more_together && <p className={css.hint}>And {d.more_together} more groups.</p>}
    </section>
  );
}
