import { useState } from 'react';
import { call, type Schemas } from '../../api/client';
import { useAct } from '../../parts/act';
import { FormDialog } from '../../parts/FormDialog';
import { setSingleKeys, singleKeys } from '../../parts/keys';
import { useLive } from '../../parts/live';
import css from '../../parts/parts';
import { Said } from '../../parts/Said';
import { Fault } from '../../parts/States';
import { useMe } from '../../parts/session';
import { Table } from '../../parts/Table';
import { Ago } from '../../parts/Time';
import { label } from '../../parts/words';

/** Profile is who is signed in, what they may, and where else they are. */
export function Profile() {
  const me = useMe();
  const [open, setOpen] = useState(false);
  const [single, setSingle] = useState(singleKeys);
  if (!me) return null;
  return (
    <section aria-label="Profile">
      <h2>You</h2>
      <dl className={css.facts}>
        <dt>Name</dt>
        <dd>{me.name || '–'}</dd>
        <dt>Role</dt>
        <dd>{label(me.role)}</dd>
        <dt>Tenant</dt>
        <dd>{me.tenant_id}</dd>
        {me.environment && (
          <>
            <dt>Environment</dt>
            <dd>{me.environment}</dd>
          </>
        )}
        <dt>May</dt>
        <dd className={css.mono}>{me.permissions.join(', ')}</dd>
      </dl>
      {me.session_id && me.user_id ? (
        <>
          <p>
            <button type="button" onClick={() => setOpen(true)}>
              Change the password…
            </button>
          </p>
          <Sessions own={me.session_id} />
        </>
      ) : (
        <p className={css.hint}>
          {me.session_id
            ? 'You signed in with a key, so there is no password here. The sign-in ends with the key.'
            : 'This is no sign-in of a person, so it has no password here.'}
        </p>
      )}
      <h2>Keys</h2>
      <p>
        <label>
          <input
            type="checkbox"
            style={{ width: 24, height: 24, margin: 0, verticalAlign: 'middle' }}
            checked={single}
            onChange={(e) => {
              setSingleKeys(e.target.checked);
              setSingle(e.target.checked);
            }}
          />{' '}
          Letters alone do something
        </label>
        <span className={css.hint}> Press ? for what. This browser keeps the choice.</span>
      </p>
      {open && (
        <FormDialog
          title="Change the password"
          action="Change it"
          fields={[
            { key: 'current_password', label: 'The password of now', kind: 'password', required: true },
            { key: 'new_password', label: 'The new one, at least 12 characters', kind: 'password', required: true },
          ]}
          send={(v) => call('PUT', '/me/password', v)}
          onClose={() => setOpen(false)}
          onDone={() => undefined}
        />
      )}
    </section>
  );
}

function Sessions({ own }: { own: string }) {
  const list = useLive<Schemas['SessionList']>('sessions', { topics: [], ask: (s) => call('GET', '/me/sessions', undefined, s) });
  const act = useAct();
  return (
    <>
      <h2>Your sign-ins</h2>
      <Said act={act} />
      {list.error && <Fault error={list.error} again={list.again} />}
      <Table label="Your sign-ins" heads={['Sign-in', 'Begun', 'Last used', 'Actions']}>
        {list.data?.sessions.map((s) => (
          <tr key={s.session_id}>
            <td>
              {label(s.kind)} {s.session_id === own && '(this one)'}
              <div className={css.hint}>
                {s.address} {s.agent}
              </div>
            </td>
            <td>
              <Ago at={s.created_at} />
            </td>
            <td>
              <Ago at={s.last_seen_at} />
            </td>
            <td>
              <button
                type="button"
                aria-label={`End the sign-in of ${s.address}`}
                onClick={() =>
                  void act
                    .run(
                      'Ending…',
                      () => call('DELETE', `/me/sessions/${s.session_id}`).then(() => true),
                      () => 'The sign-in is ended.',
                    )
                    .then(list.again)
                }
              >
                End
              </button>
            </td>
          </tr>
        ))}
      </Table>
    </>
  );
}
