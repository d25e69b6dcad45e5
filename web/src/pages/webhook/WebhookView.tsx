import { useState } from 'react';
import { call, type Schemas } from '../../api/client';
import { useAct } from '../../parts/act';
import { Confirm } from '../../parts/Confirm';
import { FormDialog } from '../../parts/FormDialog';
import css from '../../parts/parts';
import { Said } from '../../parts/Said';
import { Ago } from '../../parts/Time';
import { Sent } from './Sent';
import { WebhookDialog } from './WebhookDialog';
import { came, sends, type Try, underWay, type Webhook } from './webhooks';

interface Props {
  of: Webhook;
  onChanged: () => void;
  onGone: () => void;
  onSecret: (secret: string) => void;
}

/** The spans that can be sent again, up to what the server keeps for that. */
const spans = [
  { value: '3600', name: 'The last hour' },
  { value: '86400', name: 'The last day' },
  { value: '604800', name: 'The last 7 days' },
  { value: '1209000', name: 'The last 14 days' },
];

/** WebhookView is one webhook: what it sends, how it fares, and what was sent. */
export function WebhookView({ of: w, onChanged, onGone, onSecret }: Props) {
  const [open, setOpen] = useState<'edit' | 'rotate' | 'replay' | 'delete'>();
  const act = useAct();
  const at = `/webhooks-out/${w.webhook_id}`;
  const close = () => setOpen(undefined);
  const test = () => void act.run('Sending a test…', () => call<Try>('POST', `${at}/test`, undefined), came).then(onChanged);
  return (
    <section aria-label={w.name} className={css.panel}>
      <div className={css.bar}>
        <h2>{w.name}</h2>
        <span className={css.grow} />
        <button type="button" disabled={act.busy} onClick={test}>
          Send a test
        </button>
        <button type="button" disabled={!w.enabled} title={w.enabled ? undefined : 'Enable it first.'} onClick={() => setOpen('replay')}>
          Send again…
        </button>
        <button type="button" onClick={() => setOpen('rotate')}>
          Replace the secret…
        </button>
        <button type="button" onClick={() => setOpen('edit')}>
          Edit…
        </button>
        <button type="button" onClick={() => setOpen('delete')}>
          Delete…
        </button>
      </div>
      <Said act={act} />
      {w.description && <p>{w.description}</p>}
      <dl className={css.facts}>
        <dt>Sends</dt>
        <dd>
          {sends(w)}
          {(w.filter?.length ?? 0) > 0 && <div className={css.hint}>Only if {w.filter?.map((c) => JSON.stringify(c)).join(' and ')}</div>}
        </dd>
        <dt>To</dt>
        <dd className={css.mono}>{w.url}</dd>
        <dt>Pace</dt>
        <dd>
          {w.rate_per_second} calls a second at most{w.ordered ? ', those of one job or robot one after another' : ''}
        </dd>
        <dt>Events</dt>
        <dd>
          {w.delivered_count} delivered, {w.waiting_count + w.behind_count} waiting, {w.given_up_count} given up
          {w.missed_count > 0 && `, ${w.missed_count} were not kept long enough`}
          {w.replaying && '; older ones are being sent again'}
        </dd>
        {w.failing_since && (
          <>
            <dt>Failing since</dt>
            <dd>
              <Ago at={w.failing_since} />
              <div className={css.hint}>After 5 days without a success it is disabled.</div>
            </dd>
          </>
        )}
        {w.old_secret_until && (
          <>
            <dt>Old secret</dt>
            <dd>
              Signs too, until <Ago at={w.old_secret_until} />
            </dd>
          </>
        )}
      </dl>
      <Sent at={at} enabled={w.enabled} busy={underWay(w)} onChanged={onChanged} />
      {open === 'edit' && (
        <WebhookDialog
          of={w}
          onClose={close}
          onDone={() => {
            close();
            onChanged();
          }}
        />
      )}
      {open === 'rotate' && (
        <FormDialog
          title={`Replace the secret of ${w.name}`}
          action="Replace it"
          note="The new secret is shown once. For a while calls carry two signatures, by the new secret and by the old one, so that the receiver can change over."
          fields={[
            {
              key: 'keep',
              label: 'The old secret signs too for',
              kind: 'select',
              options: [
                { value: '86400', name: 'A day' },
                { value: '3600', name: 'An hour' },
                { value: '604800', name: '7 days' },
                { value: '0', name: 'No longer: it is known to others' },
              ],
            },
          ]}
          send={(v) => call<Schemas['NewWebhook']>('POST', `${at}/rotate-secret`, { keep_seconds: Number(v.keep) }).then((n) => onSecret(n.secret))}
          onClose={close}
          onDone={onChanged}
        />
      )}
      {open === 'replay' && (
        <FormDialog
          title={`Send again to ${w.name}`}
          action="Send again"
          note="Each event is sent under the same id as before: a receiver that keeps the ids takes none twice."
          fields={[{ key: 'span', label: 'What happened in', kind: 'select', options: spans }]}
          send={(v) => call('POST', `${at}/replay`, { from: new Date(Date.now() - 1000 * Number(v.span)).toISOString() })}
          onClose={close}
          onDone={() => {
            act.say('They are being sent again.');
            onChanged();
          }}
        />
      )}
      {open === 'delete' && (
        <Confirm
          title={`Delete the webhook ${w.name}?`}
          action="Delete the webhook"
          busy={act.busy}
          onClose={close}
          onConfirm={() => {
            close();
            void act
              .run(
                'Deleting…',
                () => call('DELETE', at).then(() => true),
                () => 'Deleted.',
              )
              .then((ok) => ok && onGone());
          }}
        >
          <p>Nothing more is sent, and what waits is dropped with the list of what was sent. It cannot be taken back.</p>
        </Confirm>
      )}
    </section>
  );
}
