import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { call, type Schemas } from '../../api/client';
import { useAct } from '../../parts/act';
import { Confirm } from '../../parts/Confirm';
import { onlyIf, useLive } from '../../parts/live';
import css from '../../parts/parts';
import { Said } from '../../parts/Said';
import { Fault, Loading } from '../../parts/States';
import { Status } from '../../parts/Status';
import { useMay } from '../../parts/session';
import { Table } from '../../parts/Table';
import { Ago } from '../../parts/Time';
import { label } from '../../parts/words';
import { useAgain } from './again';
import { concerns, kinds, page } from './alerts';

/** IncidentView is one incident: what it is about, who was told, and who looks after it. */
export function IncidentView({ id, onChanged }: { id: string; onChanged: () => void }) {
  const at = `/incidents/${encodeURIComponent(id)}`;
  const one = useLive<Schemas['IncidentAnswer']>(at, { topics: ['events'], ask: (s) => call('GET', at, undefined, s), take: onlyIf(concerns) });
  const channels = useLive<Schemas['ChannelList']>('channels by name', { topics: [], ask: (s) => call('GET', '/alert-channels', undefined, s) });
  const mayRun = useMay('alerts:run');
  const [open, setOpen] = useState<'acknowledge' | 'resolve'>();
  const [note, setNote] = useState('');
  const act = useAct();
  const i = one.data;
  useAgain(one.again, i !== undefined && i.state !== 'resolved');
  if (!i) return one.error ? <Fault error={one.error} again={one.again} /> : <Loading what="the incident" />;
  const nameOf = (c: string) => channels.data?.channels.find((x) => x.channel_id === c)?.name ?? c;
  const there = page(i);
  const say = (what: 'acknowledge' | 'resolve') => {
    setOpen(undefined);
    void act
      .run(
        what === 'acknowledge' ? 'Acknowledging…' : 'Resolving…',
        () => call('POST', `${at}/${what}`, note ? { note } : {}),
        () => (what === 'acknowledge' ? 'It is yours: nobody else is told.' : 'It is resolved.'),
      )
      .then(() => {
        one.again();
        onChanged();
      });
  };
  return (
    <section aria-label={i.title}>
      <h2>{i.title}</h2>
      <div className={css.bar}>
        <Status word={i.state} />
        <Status word={i.severity} />
        <span className={css.grow} />
        {i.state === 'open' && (
          <button type="button" className={css.primary} disabled={!mayRun || act.busy} onClick={() => setOpen('acknowledge')}>
            Acknowledge…
          </button>
        )}
        {i.state !== 'resolved' && (
          <button type="button" disabled={!mayRun || act.busy} onClick={() => setOpen('resolve')}>
            Resolve…
          </button>
        )}
      </div>
      <Said act={act} />
      <dl className={css.facts}>
        <dt>Rule</dt>
        <dd>
          {kinds[i.rule] ?? i.rule}
          {!kinds[i.rule] && <div className={css.hint}>{kinds[i.kind] ?? i.kind}</div>}
        </dd>
        <dt>About</dt>
        <dd>{there ? <Link to={there.to as '/'}>{there.name}</Link> : label(i.subject.kind)}</dd>
        <dt>Seen</dt>
        <dd>
          {i.count === 1 ? 'once' : `${i.count} times`}, first <Ago at={i.first_at} />, last <Ago at={i.last_at} />
        </dd>
        {i.acknowledged_by && (
          <>
            <dt>With</dt>
            <dd>
              {i.acknowledged_by}, <Ago at={i.acknowledged_at} />
            </dd>
          </>
        )}
        {i.note && (
          <>
            <dt>Note</dt>
            <dd>{i.note}</dd>
          </>
        )}
        {i.state === 'resolved' && (
          <>
            <dt>Resolved</dt>
            <dd>
              <Ago at={i.resolved_at} />, {i.resolved_by ? `by ${i.resolved_by}` : 'by itself, after quiet'}
            </dd>
          </>
        )}
        {i.escalates_at && (
          <>
            <dt>Escalates</dt>
            <dd>
              if nobody acknowledges, <Ago at={i.escalates_at} />
            </dd>
          </>
        )}
      </dl>
      <h3>Who was told</h3>
      {i.notices.length === 0 && <p className={css.fact}>Nobody yet.</p>}
      {i.notices.length > 0 && (
        <Table label="Notices" heads={['Channel', 'What', 'How it went', 'When']}>
          {i.notices.map((n) => (
            <tr key={n.notice_id}>
              <td>{nameOf(n.channel_id)}</td>
              <td>{label(n.kind)}</td>
              <td>
                <Status word={n.held ? 'held' : n.state} />
                {n.fault && <div className={css.bad}>{n.fault}</div>}
              </td>
              <td>
                <Ago at={n.sent_at ?? n.due_at} />
              </td>
            </tr>
          ))}
        </Table>
      )}
      {open && (
        <Confirm
          title={open === 'acknowledge' ? 'Acknowledge the incident' : 'Resolve the incident'}
          action={open === 'acknowledge' ? 'Acknowledge' : 'Resolve'}
          busy={act.busy}
          onClose={() => setOpen(undefined)}
          onConfirm={() => say(open)}
        >
          <p>{open === 'acknowledge' ? 'You look after it: nobody else is told.' : 'It is over. More of the same makes another incident.'}</p>
          <label>
            Note (others see it) <input value={note} maxLength={500} onChange={(e) => setNote(e.target.value)} />
          </label>
        </Confirm>
      )}
    </section>
  );
}
