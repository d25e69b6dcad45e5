import { Link } from '@tanstack/react-router';
import { useMemo, useState } from 'react';
import { call, type Schemas } from '../../api/client';
import { onlyIf, useLive } from '../../parts/live';
import css from '../../parts/parts';
import { ownZone } from '../../parts/prefs';
import { Scroll } from '../../parts/Scroll';
import { Fault, Loading } from '../../parts/States';
import { exact } from '../../parts/Time';
import { collisions, week } from './agenda';
import own from './agenda.module.css';

const most = 500;
const hours = Array.from({ length: 24 }, (_, h) => String(h).padStart(2, '0'));

/** Agenda shows when all schedules come in the next seven days, and which of them come at once. */
export function Agenda() {
  const asked = useLive<Schemas['UpcomingList']>('upcoming', {
    topics: ['schedules'],
    ask: (s) => call('GET', `/schedules/upcoming?hours=168&limit=${most}`, undefined, s),
    take: onlyIf((f) => f.type.startsWith('schedule.') || f.type.startsWith('calendar.')),
  });
  const [at, setAt] = useState<{ date: string; hour: number }>();
  const runs = asked.data?.upcoming;
  const whole = asked.data?.whole_until;
  const cut = whole !== undefined && Date.parse(whole) < Date.now() + 167 * 3_600_000;
  const days = useMemo(() => week(runs ?? [], Date.now(), 8), [runs]);
  const at_once = useMemo(() => collisions(runs ?? []), [runs]);
  const chosen = at ? (days.find((d) => d.date === at.date)?.hours[at.hour] ?? []) : [];
  if (!runs) return asked.error ? <Fault error={asked.error} again={asked.again} /> : <Loading what="the agenda" />;
  return (
    <>
      {asked.error && <Fault error={asked.error} asOf={asked.asOf} again={asked.again} />}
      <p className={css.hint}>
        {runs.length} runs {cut ? `until ${exact(whole)}; later ones are too many to show` : 'in the next 7 days'}, on the clocks of this browser ({ownZone()}).
        Yellow: several schedules in one minute.
      </p>
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
            {days.map((d) => (
              <tr key={d.date}>
                <th scope="row">{d.name}</th>
                {d.hours.map((list, h) => (
                  <td key={hours[h]}>
                    <button
                      type="button"
                      disabled={list.length === 0}
                      aria-pressed={at?.date === d.date && at.hour === h}
                      aria-label={`${d.date}, ${hours[h]} o’clock: ${list.length === 1 ? '1 run' : `${list.length} runs`}`}
                      data-many={collisions(list).length > 0 || undefined}
                      onClick={() => setAt({ date: d.date, hour: h })}
                    >
                      {list.length}
                    </button>
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
      {at && (
        <section aria-label={`Runs of ${at.date}, ${hours[at.hour]} o’clock`}>
          <h2>
            {at.date}, {hours[at.hour]} o’clock
          </h2>
          <ul className={css.list}>
            {chosen.map((r) => (
              <li key={`${r.schedule_id} ${r.fire_at}`}>
                {exact(r.next_run)}{' '}
                <Link to="/fleet/schedules/$id" params={{ id: r.schedule_id }} search={{}}>
                  {r.schedule_name}
                </Link>
              </li>
            ))}
          </ul>
        </section>
      )}
      <section aria-label="At the same time">
        <h2>At the same time</h2>
        {at_once.length === 0 && <p className={css.fact}>No two schedules come in the same minute.</p>}
        <ul className={css.list}>
          {at_once.slice(0, 20).map((c) => (
            <li key={c.at}>
              {exact(c.at)}
              {c.runs.map((r) => (
                <Link key={r.schedule_id + r.fire_at} to="/fleet/schedules/$id" params={{ id: r.schedule_id }} search={{}}>
                  {r.schedule_name}
                </Link>
              ))}
            </li>
          ))}
        </ul>
        {at_once.length > 20 && <p className={css.hint}>And {at_once.length - 20} more minutes.</p>}
      </section>
    </>
  );
}
