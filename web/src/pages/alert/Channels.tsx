import { useState } from 'react';
import { call, type Schemas } from '../../api/client';
import { useAct } from '../../parts/act';
import { Confirm } from '../../parts/Confirm';
import { type Field, FormDialog } from '../../parts/FormDialog';
import css from '../../parts/parts';
import { Said } from '../../parts/Said';
import { ShownOnce } from '../../parts/ShownOnce';
import { Switch } from '../../parts/Switch';
import { useMay } from '../../parts/session';
import { Table } from '../../parts/Table';
import { Ago } from '../../parts/Time';
import { type Channel, goesTo, ids } from './alerts';

type Way = 'webhook' | 'email';

const common: readonly Field[] = [
  { key: 'default', label: 'Rules that name no channel use it', kind: 'check' },
  { key: 'resolved', label: 'Tell the end of an incident too', kind: 'check' },
];

const fields: Readonly<Record<Way, readonly Field[]>> = {
  webhook: [
    { key: 'name', label: 'Name', required: true },
    { key: 'url', label: 'Address that is called', required: true, hint: 'It begins with https.' },
    ...common,
  ],
  email: [
    { key: 'name', label: 'Name', required: true },
    { key: 'host', label: 'Mail server', required: true },
    {
      key: 'security',
      label: 'Encrypted',
      kind: 'select',
      options: [
        { value: 'tls', name: 'From the first byte (TLS)' },
        { value: 'starttls', name: 'By STARTTLS' },
      ],
    },
    { key: 'port', label: 'Port', kind: 'number', min: 1, max: 65_535, hint: '465, or 587 with STARTTLS, if left out.' },
    { key: 'username', label: 'Signs in as', hint: 'Nobody, if left out.' },
    { key: 'secret', label: 'Secret with the password', hint: 'NAME or NAME.FIELD of the vault.' },
    { key: 'from', label: 'Sender', kind: 'email', required: true },
    { key: 'to', label: 'Who gets it', required: true, hint: 'Addresses with commas between.' },
    ...common,
  ],
};

const initial = (c: Channel | undefined): Record<string, string> => ({
  name: c?.name ?? '',
  url: c?.webhook?.url ?? '',
  host: c?.email?.host ?? '',
  security: c?.email?.security ?? 'tls',
  port: c?.email?.port ? String(c.email.port) : '',
  username: c?.email?.username ?? '',
  secret: c?.email?.secret ?? '',
  from: c?.email?.from ?? '',
  to: c?.email?.to.join(', ') ?? '',
  default: String(c?.default ?? true),
  resolved: String(c?.resolved ?? false),
});

/** bodyOf is what a form asks for. */
function bodyOf(way: Way, v: Record<string, string>): Schemas['ChannelBody'] {
  const body: Schemas['ChannelBody'] = { name: v.name ?? '', default: v.default === 'true', resolved: v.resolved === 'true' };
  if (way === 'webhook') return { ...body, webhook: { url: v.url ?? '' } };
  const email: Schemas['EmailWay'] = { host: v.host ?? '', from: v.from ?? '', to: ids(v.to), security: v.security as 'tls' | 'starttls' };
  if (v.port) email.port = Number(v.port);
  if (v.username) email.username = v.username;
  if (v.secret) email.secret = v.secret;
  return { ...body, email };
}

/** Channels are the ways in which people are told. */
export function Channels({ list, again }: { list: readonly Channel[]; again: () => void }) {
  const may = useMay('alerts:manage');
  const [open, setOpen] = useState<{ way: Way; of?: Channel }>();
  const [gone, setGone] = useState<Channel>();
  const [rotating, setRotating] = useState<Channel>();
  const [shown, setShown] = useState<Channel>();
  const act = useAct();
  const at = (c: Channel) => `/alert-channels/${encodeURIComponent(c.channel_id)}`;
  const test = (c: Channel) =>
    void act
      .run(
        `Sending a test by ${c.name}…`,
        () => call<Schemas['ChannelTest']>('POST', `${at(c)}/test`, {}),
        (t) => (t.sent ? `The test was sent by ${c.name}.` : `The test could not be sent by ${c.name}: ${t.fault}`),
      )
      .then(again);
  return (
    <section aria-label="Channels">
      <div className={css.bar}>
        <h3>Channels</h3>
        <span className={css.grow} />
        <button type="button" disabled={!may} onClick={() => setOpen({ way: 'webhook' })}>
          New webhook…
        </button>
        <button type="button" disabled={!may} onClick={() => setOpen({ way: 'email' })}>
          New mail…
        </button>
      </div>
      <Said act={act} />
      <Table label="Channels, table" heads={['Enabled', 'Name', 'Tells', 'Last sent', 'Actions']}>
        {list.map((c) => (
          <tr key={c.channel_id}>
            <td>
              <Switch
                label={`${c.name} enabled`}
                on={c.enabled}
                disabled={!may || c.kind === 'log' || act.busy}
                onFlip={() =>
                  void act
                    .run(
                      'Changing…',
                      () => call('PUT', at(c), { enabled: !c.enabled }),
                      () => `${c.name} is ${c.enabled ? 'disabled' : 'enabled'}.`,
                    )
                    .then(again)
                }
              />
            </td>
            <td>
              {c.name}
              {c.default && <div className={css.hint}>For rules that name none</div>}
            </td>
            <td>
              {goesTo(c)}
              {c.kind === 'log' && <div className={css.hint}>Where no other channel is.</div>}
              {c.failures_in_a_row > 0 && (
                <div className={css.bad}>
                  Failed, {c.failures_in_a_row} in a row: {c.fault}
                </div>
              )}
            </td>
            <td>{c.last_sent_at ? <Ago at={c.last_sent_at} /> : 'Not yet'}</td>
            <td>
              <button type="button" disabled={!may || act.busy} aria-label={`Test ${c.name}`} onClick={() => test(c)}>
                Test
              </button>{' '}
              {c.kind !== 'log' && (
                <>
                  <button type="button" disabled={!may} aria-label={`Change ${c.name}`} onClick={() => setOpen({ way: c.kind as Way, of: c })}>
                    Change…
                  </button>{' '}
                  {c.webhook && (
                    <>
                      <button type="button" disabled={!may} aria-label={`New secret for ${c.name}`} onClick={() => setRotating(c)}>
                        New secret…
                      </button>{' '}
                    </>
                  )}
                  <button type="button" disabled={!may} aria-label={`Delete ${c.name}`} onClick={() => setGone(c)}>
                    Delete…
                  </button>
                </>
              )}
            </td>
          </tr>
        ))}
      </Table>
      {open && (
        <FormDialog
          title={open.of ? `Change ${open.of.name}` : open.way === 'webhook' ? 'Tell by a web call' : 'Tell by mail'}
          action={open.of ? 'Change it' : 'Make the channel'}
          fields={fields[open.way]}
          initial={initial(open.of)}
          send={async (v) => {
            const body = bodyOf(open.way, v);
            if (open.of) return call('PUT', at(open.of), body);
            const made = await call<Channel>('POST', '/alert-channels', body);
            if (made.secret) setShown(made);
            return made;
          }}
          onClose={() => setOpen(undefined)}
          onDone={again}
        />
      )}
      {gone && (
        <Confirm
          title={`Delete the channel ${gone.name}?`}
          action="Delete the channel"
          busy={act.busy}
          onClose={() => setGone(undefined)}
          onConfirm={() => {
            const c = gone;
            setGone(undefined);
            void act
              .run(
                'Deleting…',
                () => call('DELETE', at(c)),
                () => `${c.name} is deleted.`,
              )
              .then(again);
          }}
        >
          <p>Rules that name it tell their other channels, or the log of the server.</p>
        </Confirm>
      )}
      {rotating && (
        <Confirm
          title={`A new secret for ${rotating.name}?`}
          action="Make a new secret"
          busy={act.busy}
          onClose={() => setRotating(undefined)}
          onConfirm={() => {
            const c = rotating;
            setRotating(undefined);
            void act
              .run(
                'Making a secret…',
                () => call<Channel>('POST', `${at(c)}/rotate-secret`, {}),
                () => `${c.name} has a new secret.`,
              )
              .then((made) => made && setShown(made));
          }}
        >
          <p>Calls are signed with it from now on. The old secret counts no more.</p>
        </Confirm>
      )}
      {shown && (
        <ShownOnce
          title={`The secret of ${shown.name}`}
          what="secret"
          secret={shown.secret ?? ''}
          lines={[{ name: 'The calls are signed as Standard Webhooks say, over these and the body:', text: 'webhook-id . webhook-timestamp . body' }]}
          onClose={() => setShown(undefined)}
        />
      )}
    </section>
  );
}
