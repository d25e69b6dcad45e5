import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { call, type Schemas } from '../../api/client';
import { useAct } from '../../parts/act';
import { useEvery } from '../../parts/every';
import { useLive } from '../../parts/live';
import css from '../../parts/parts';
import { Said } from '../../parts/Said';
import { ShownOnce } from '../../parts/ShownOnce';
import { Empty, Fault, Loading } from '../../parts/States';
import { Status } from '../../parts/Status';
import { Switch } from '../../parts/Switch';
import { Table } from '../../parts/Table';
import { Ago } from '../../parts/Time';
import { WebhookDialog } from './WebhookDialog';
import { WebhookView } from './WebhookView';
import { sends, standing, underWay, type Webhook } from './webhooks';

/** soon is how often one looks while something is on its way, of whose arrival no event tells. */
const soon = 3000;

/** Webhooks are the addresses that events are sent to. */
export function Webhooks() {
  const list = useLive<Schemas['WebhookList']>('webhooks', {
    topics: ['events'],
    ask: (s) => call('GET', '/webhooks-out', undefined, s),
    // Each event may be one that is sent: it is counted as waiting until it has arrived.
    take: (data, f) => (f.type.startsWith('webhook.') || data.webhooks.some((w) => w.enabled) ? 'again' : undefined),
  });
  const { of: id } = useSearch({ from: '/settings/$part' });
  const navigate = useNavigate({ from: '/settings/$part' });
  const [making, setMaking] = useState(false);
  const [told, setTold] = useState<{ name: string; id: string; secret: string }>();
  const act = useAct();
  const rows = list.data?.webhooks ?? [];
  useEvery(soon, () => rows.some(underWay) && list.again());
  const chosen = rows.find((w) => w.webhook_id === id);
  const flip = (w: Webhook) =>
    void act
      .run(
        w.enabled ? 'Disabling…' : 'Enabling…',
        () => call('PUT', `/webhooks-out/${w.webhook_id}/${w.enabled ? 'disable' : 'enable'}`, {}),
        () => `${w.name} is ${w.enabled ? 'disabled: what happens meanwhile waits' : 'enabled: it goes on where it stopped'}.`,
      )
      .then(list.again);
  return (
    <section aria-label="Webhooks">
      <div className={css.bar}>
        <h2>Webhooks</h2>
        <span className={css.grow} />
        <button type="button" className={css.primary} onClick={() => setMaking(true)}>
          New webhook…
        </button>
      </div>
      <Said act={act} />
      {list.error && <Fault error={list.error} asOf={list.data ? list.asOf : ''} again={list.again} />}
      {!list.data && !list.error && <Loading what="webhooks" />}
      {list.data && rows.length === 0 && (
        <Empty command="fleet webhook add pager https://example.org/events --on job.failed">
          No webhooks yet. A webhook sends events of the fleet to another system, signed, and tries again for days when it does not answer.
        </Empty>
      )}
      {rows.length > 0 && (
        <Table label="Webhooks, table" heads={['Enabled', 'Name', 'Sends', 'State', 'Last arrived', { number: 'Waiting' }]}>
          {rows.map((w) => (
            <tr key={w.webhook_id} data-chosen={w.webhook_id === id || undefined}>
              <td>
                <Switch label={`${w.name} enabled`} on={w.enabled} disabled={act.busy} onFlip={() => flip(w)} />
              </td>
              <td>
                <Link to="/settings/$part" params={{ part: 'webhooks' }} search={{ of: w.webhook_id }}>
                  {w.name}
                </Link>
                <div className={css.hint}>{w.url}</div>
              </td>
              <td>{sends(w)}</td>
              <td>
                <Status word={standing(w)} />
                {w.note && <div className={css.hint}>{w.note}</div>}
                {w.enabled && w.fault && <div className={css.hint}>{w.fault}</div>}
              </td>
              <td>{w.last_success_at ? <Ago at={w.last_success_at} /> : 'Not yet'}</td>
              <td data-number>{w.waiting_count + w.behind_count}</td>
            </tr>
          ))}
        </Table>
      )}
      {chosen && (
        <WebhookView
          key={chosen.webhook_id}
          of={chosen}
          onChanged={list.again}
          onGone={() => {
            void navigate({ search: {} });
            list.again();
          }}
          onSecret={(secret) => setTold({ name: chosen.name, id: chosen.webhook_id, secret })}
        />
      )}
      {making && (
        <WebhookDialog
          onClose={() => setMaking(false)}
          onDone={(w, secret) => {
            setMaking(false);
            list.again();
            setTold({ name: w.name, id: w.webhook_id, secret });
          }}
        />
      )}
      {told && (
        <ShownOnce
          title={`The secret of ${told.name}`}
          what="secret"
          secret={told.secret}
          lines={[
            {
              name: 'How the receiver proves a call, as Standard Webhooks say',
              text: 'webhook-signature: v1,BASE64(HMAC-SHA256(secret, webhook-id.webhook-timestamp.body))\nthe secret is what stands behind whsec_, decoded from base64',
            },
          ]}
          onClose={() => {
            void navigate({ search: { of: told.id } });
            setTold(undefined);
            list.again();
          }}
        />
      )}
    </section>
  );
}
