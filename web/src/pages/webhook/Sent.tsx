import { useEffect, useState } from 'react';
import { call, type Schemas } from '../../api/client';
import { useAct } from '../../parts/act';
import { Confirm } from '../../parts/Confirm';
import { useEvery } from '../../parts/every';
import { onlyIf, useLive } from '../../parts/live';
import css from '../../parts/parts';
import { Said } from '../../parts/Said';
import { Fault, Loading } from '../../parts/States';
import { Status } from '../../parts/Status';
import { Table } from '../../parts/Table';
import { Ago } from '../../parts/Time';
import { came, type Delivery, type DeliveryState, pretty, states } from './webhooks';

/** soon is how often one looks while something is on its way, of whose arrival no event tells. */
const soon = 3000;

/** Sent is what was and is to be sent to a webhook, the newest events first. */
export function Sent({ at, enabled, busy, onChanged }: { at: string; enabled: boolean; busy: boolean; onChanged: () => void }) {
  const [state, setState] = useState<DeliveryState | ''>('');
  const [trail, setTrail] = useState<string[]>([]);
  const [open, setOpen] = useState<string>();
  const act = useAct();
  const q = new URLSearchParams({ limit: '25', ...(state ? { state } : {}), ...(trail.length > 0 ? { cursor: trail.at(-1) ?? '' } : {}) });
  const list = useLive<Schemas['DeliveryList']>(`${at}/deliveries?${q}`, {
    topics: ['events'],
    take: onlyIf(() => enabled),
    ask: (s) => call('GET', `${at}/deliveries?${q}`, undefined, s),
  });
  const look = list.again;
  useEvery(soon, () => busy && look());
  useEffect(() => {
    if (!busy) look(); // the last of it has arrived
  }, [busy, look]);
  const rows = list.data?.deliveries ?? [];
  const replay = (d: Delivery) =>
    void act
      .run(
        'Asking…',
        () => call('POST', `${at}/replay`, { delivery_id: d.delivery_id }),
        () => 'It is sent again, under the same id.',
      )
      .then(() => {
        look();
        onChanged();
      });
  return (
    <>
      <div className={css.bar}>
        <h2>Deliveries</h2>
        <span className={css.grow} />
        <label>
          State{' '}
          <select
            value={state}
            onChange={(e) => {
              setTrail([]);
              setState(e.target.value as DeliveryState | '');
            }}
          >
            <option value="">All</option>
            {Object.entries(states).map(([k, name]) => (
              <option key={k} value={k}>
                {name}
              </option>
            ))}
          </select>
        </label>
      </div>
      <Said act={act} />
      {list.error && <Fault error={list.error} asOf={list.data ? list.asOf : ''} again={list.again} />}
      {!list.data && !list.error && <Loading what="deliveries" />}
      {list.data && rows.length === 0 && trail.length === 0 && (
        <p className={css.hint}>{state ? `Nothing is ${states[state].toLowerCase()}.` : 'Nothing was sent yet.'}</p>
      )}
      {rows.length > 0 && (
        <Table label="Deliveries" heads={['Happened', 'Event', 'State', { number: 'Tries' }, 'Actions']}>
          {rows.map((d) => (
            <tr key={d.delivery_id}>
              <td>
                <Ago at={d.event_at} />
              </td>
              <td>
                <span className={css.mono}>{d.event_type}</span>
                <div className={css.hint}>{d.subject}</div>
              </td>
              <td>
                <Status word={d.state} />
                {d.reason && <div className={css.hint}>{d.reason}</div>}
                {d.state === 'waiting' && d.tries > 0 && d.next_at && (
                  <div className={css.hint}>
                    Next try <Ago at={d.next_at} />
                  </div>
                )}
              </td>
              <td data-number>{d.tries}</td>
              <td>
                <button type="button" aria-label={`Show ${d.event_type} of ${d.subject}`} onClick={() => setOpen(d.delivery_id)}>
                  Show…
                </button>{' '}
                <button type="button" aria-label={`Send ${d.event_type} of ${d.subject} again`} disabled={!enabled || act.busy} onClick={() => replay(d)}>
                  Send again
                </button>
              </td>
            </tr>
          ))}
        </Table>
      )}
      {(trail.length > 0 || list.data?.next_cursor) && (
        <div className={css.actions}>
          <button type="button" disabled={trail.length === 0} onClick={() => setTrail(trail.slice(0, -1))}>
            Newer
          </button>
          <button type="button" disabled={!list.data?.next_cursor} onClick={() => setTrail([...trail, list.data?.next_cursor ?? ''])}>
            Older
          </button>
        </div>
      )}
      {open && <One at={at} id={open} onClose={() => setOpen(undefined)} />}
    </>
  );
}

/** One is a delivery with what was sent and what was answered, try by try. */
function One({ at, id, onClose }: { at: string; id: string; onClose: () => void }) {
  const one = useLive<Delivery>(`${at}/deliveries/${id}`, { topics: [], ask: (s) => call('GET', `${at}/deliveries/${id}`, undefined, s) });
  const d = one.data;
  const log = d?.log ?? [];
  const last = log.at(-1);
  return (
    <Confirm wide title="Delivery" action="Close" onConfirm={onClose} onClose={onClose}>
      {one.error && <Fault error={one.error} asOf="" again={one.again} />}
      {!d && !one.error && <Loading what="the delivery" />}
      {d && (
        <>
          <p>
            <Status word={d.state} /> <span className={css.mono}>{d.event_type}</span> of {d.subject}
          </p>
          <h3>Answers</h3>
          {log.length === 0 && <p className={css.hint}>It was not sent yet.</p>}
          {log.map((t, i) => (
            <div key={t.at}>
              <p>
                {i + 1}. <Ago at={t.at} />. {came(t)}
                {t.retry_after && ` It asks to be tried again after ${t.retry_after}.`}
              </p>
              {t.answer && <pre className={css.pre}>{t.answer}</pre>}
            </div>
          ))}
          <h3>Request</h3>
          {last && (
            <pre className={css.pre}>
              {[`POST ${last.url}`, ...Object.entries(last.request_headers ?? {}).map(([k, v]) => `${k}: ${v}`), 'Webhook-Signature: not kept'].join('\n')}
            </pre>
          )}
          <pre className={css.pre}>{pretty(d.request_body)}</pre>
        </>
      )}
    </Confirm>
  );
}
