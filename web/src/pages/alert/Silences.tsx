import { useState } from 'react';
import { call, type Schemas } from '../../api/client';
import { useAct } from '../../parts/act';
import { FormDialog } from '../../parts/FormDialog';
import { useLive } from '../../parts/live';
import css from '../../parts/parts';
import { Said } from '../../parts/Said';
import { useMay } from '../../parts/session';
import { Table } from '../../parts/Table';
import { exact, useNow } from '../../parts/Time';
import { minutes, type Rule, type Silence, silent } from './alerts';

/** Silences hold notices for a while. Incidents come all the same. */
export function Silences({ list, rules, again }: { list: readonly Silence[]; rules: readonly Rule[]; again: () => void }) {
  const may = useMay('alerts:run');
  const now = useNow();
  const [making, setMaking] = useState(false);
  const act = useAct();
  const calendars = useLive<Schemas['CalendarList']>('calendars for silences', { topics: [], ask: (s) => call('GET', '/calendars', undefined, s) });
  const nameOf = (id: string) => rules.find((r) => r.rule_id === id)?.name ?? id;
  const days = calendars.data?.calendars ?? [];
  const calendar = (id: string) => days.find((c) => c.calendar_id === id)?.name ?? id;
  return (
    <section aria-label="Silences">
      <div className={css.bar}>
        <h3>Silences</h3>
        <span className={css.grow} />
        <button type="button" disabled={!may} onClick={() => setMaking(true)}>
          New silence…
        </button>
      </div>
      <Said act={act} />
      {list.length === 0 && <p className={css.fact}>No silence. A silence holds notices for a while; what happens is an incident all the same.</p>}
      {list.length > 0 && (
        <Table label="Silences, table" heads={['Name', 'For', 'When', 'Actions']}>
          {list.map((s) => (
            <tr key={s.silence_id}>
              <td>
                {s.name}
                {s.note && <div className={css.hint}>{s.note}</div>}
              </td>
              <td>{s.all ? 'Every rule' : s.rules.map(nameOf).join(', ') || 'Rules that name it'}</td>
              <td>
                {s.calendar_id ? `Outside of the working time of ${calendar(s.calendar_id)}` : `Until ${exact(s.until ?? '')}`}
                {!s.calendar_id && (
                  <div className={css.hint}>{silent(s, now) ? 'Silent now' : Date.parse(s.until ?? '') <= now ? 'Over' : `From ${exact(s.from ?? '')}`}</div>
                )}
              </td>
              <td>
                <button
                  type="button"
                  disabled={!may || act.busy}
                  aria-label={`End ${s.name}`}
                  onClick={() =>
                    void act
                      .run(
                        'Ending…',
                        () => call('DELETE', `/silences/${encodeURIComponent(s.silence_id)}`),
                        () => `${s.name} is over. What it held and is open still is told.`,
                      )
                      .then(again)
                  }
                >
                  End
                </button>
              </td>
            </tr>
          ))}
        </Table>
      )}
      {making && (
        <FormDialog
          title="Hold notices for a while"
          action="Make the silence"
          note="Incidents come all the same. When it ends, those that are open still are told."
          fields={[
            { key: 'name', label: 'Name', required: true },
            { key: 'note', label: 'Why' },
            {
              key: 'rule',
              label: 'For',
              kind: 'select',
              options: [{ value: '', name: 'Every rule' }, ...rules.map((r) => ({ value: r.rule_id, name: r.name }))],
            },
            {
              key: 'calendar',
              label: 'When',
              kind: 'select',
              options: [
                { value: '', name: 'From now on, for some minutes' },
                ...days.map((c) => ({ value: c.calendar_id, name: `Outside of the working time of ${c.name}` })),
              ],
            },
            { key: 'minutes', label: 'Minutes', kind: 'number', min: 1, hint: 'Not with a calendar.' },
          ]}
          initial={{ minutes: '60' }}
          send={(v) => {
            const body: Schemas['SilenceBody'] = { name: v.name ?? '' };
            if (v.note) body.note = v.note;
            if (v.rule) body.rules = [v.rule];
            else body.all = true;
            const seconds = minutes(v.minutes);
            if (v.calendar) body.calendar_id = v.calendar;
            else if (seconds) body.until = new Date(now + 1000 * seconds).toISOString();
            return call('POST', '/silences', body);
          }}
          onClose={() => setMaking(false)}
          onDone={again}
        />
      )}
    </section>
  );
}
