import { useState } from 'react';
import { call, type Schemas } from '../../api/client';
import { useAct } from '../../parts/act';
import { FormDialog } from '../../parts/FormDialog';
import { setSingleKeys, singleKeys } from '../../parts/keys';
import { useLive } from '../../parts/live';
import css from '../../parts/parts';
import { choices, ownZone, setPrefs, usePrefs, zoneThere } from '../../parts/prefs';
import { Said } from '../../parts/Said';
import { Fault } from '../../parts/States';
import { useMe } from '../../parts/session';
import { Table } from '../../parts/Table';
import { Ago, exact, useNow } from '../../parts/Time';
import { label } from '../../parts/words';
import own from './settings.module.css';

/** Profile is who is signed in, what they may, and where else they are. */
export function Profile() {
  const me = useMe();
  const [open, setOpen] = useState(false);
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
        <dd>
          <details>
            <summary className={own.more}>{me.permissions.length === 1 ? '1 permission' : `${me.permissions.length} permissions`}</summary>
            <span className={css.mono}>{me.permissions.join(', ')}</span>
          </details>
        </dd>
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
      <Looks />
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

const names: { readonly [K in keyof typeof choices]: { label: string; of: Readonly<Record<string, string>> } } = {
  theme: { label: 'Colours', of: { system: 'As the system', dark: 'Dark', light: 'Light' } },
  density: { label: 'Rows', of: { compact: 'Compact', normal: 'Normal', comfortable: 'Comfortable' } },
  hours: { label: 'Clock', of: { 24: '24 hours', 12: '12 hours' } },
  motion: { label: 'Motion', of: { system: 'As the system', none: 'None' } },
};

/** Looks is how somebody wants to see the pages, in this browser. */
function Looks() {
  const now = usePrefs();
  const [single, setSingle] = useState(singleKeys);
  const [zone, setZone] = useState(now.zone);
  const at = useNow();
  const known = zone.trim() === '' || zoneThere(zone.trim());
  return (
    <>
      <h2>How pages look</h2>
      <p className={css.hint}>This browser keeps it.</p>
      <div className={own.looks}>
        {(Object.keys(names) as (keyof typeof names)[]).map((k) => (
          <label key={k}>
            {names[k].label}
            <select value={now[k]} onChange={(e) => setPrefs({ [k]: e.target.value })}>
              {choices[k].map((c) => (
                <option key={c} value={c}>
                  {names[k].of[c]}
                </option>
              ))}
            </select>
          </label>
        ))}
        <label>
          Time zone
          <input
            list="zones"
            value={zone}
            placeholder={ownZone()}
            aria-invalid={!known}
            aria-describedby={known ? undefined : 'zone-wrong'}
            onChange={(e) => {
              const z = e.target.value.trim();
              setZone(e.target.value);
              if (z === '' || zoneThere(z)) setPrefs({ zone: z });
            }}
          />
        </label>
        <datalist id="zones">
          {Intl.supportedValuesOf('timeZone').map((z) => (
            <option key={z} value={z} />
          ))}
        </datalist>
      </div>
      {known ? (
        <p className={css.hint}>
          Times are those of {ownZone()}. Now: {exact(at)}
        </p>
      ) : (
        <p id="zone-wrong" className={css.bad} role="alert">
          There is no time zone {zone}. Times stay those of {ownZone()}.
        </p>
      )}
      <p>
        <label>
          <input
            type="checkbox"
            className={css.switch}
            style={{ verticalAlign: 'middle' }}
            checked={single}
            onChange={(e) => {
              setSingleKeys(e.target.checked);
              setSingle(e.target.checked);
            }}
          />{' '}
          Letters alone do something
        </label>
        <span className={css.hint}> Press ? for what.</span>
      </p>
    </>
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
