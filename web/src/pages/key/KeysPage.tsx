import { useState } from 'react';
import { call, type Schemas } from '../../api/client';
import { useAct } from '../../parts/act';
import { Confirm } from '../../parts/Confirm';
import { FleetTabs } from '../../parts/FleetTabs';
import { onlyIf, useLive } from '../../parts/live';
import css from '../../parts/parts.module.css';
import { Said } from '../../parts/Said';
import { Scroll } from '../../parts/Scroll';
import { ShownOnce } from '../../parts/ShownOnce';
import { Empty, Fault, Loading } from '../../parts/States';
import { useMay } from '../../parts/session';
import { Ago, exact } from '../../parts/Time';
import { label } from '../../parts/words';
import { Enrolments } from './Enrolments';
import { prefix, scopeOf } from './keys';
import { NewKeyDialog } from './NewKeyDialog';

type Key = Schemas['Key'];

/** KeysPage lists the keys of programs and robots. A secret is shown once, when it is made. */
export function KeysPage() {
  const list = useLive<Schemas['KeyList']>('keys', {
    topics: ['events'],
    ask: (s) => call('GET', '/keys', undefined, s),
    take: onlyIf((f) => f.type.startsWith('key.')),
  });
  const may = useMay('keys:manage');
  const [making, setMaking] = useState(false);
  const [secret, setSecret] = useState<Schemas['NewKey']>();
  const [rotate, setRotate] = useState<Key>();
  const [overlap, setOverlap] = useState('86400');
  const [revoke, setRevoke] = useState<Key>();
  const [ended, setEnded] = useState(false);
  const act = useAct();
  const all = list.data?.keys ?? [];
  const keys = all.filter((k) => ended || !['revoked', 'expired'].includes(k.status));
  return (
    <div className={css.page}>
      <div className={css.head}>
        <h1>API Keys</h1>
        {list.data && <span className={css.fact}>{keys.length} shown</span>}
        <span className={css.grow} />
        <button type="button" className={css.primary} disabled={!may} onClick={() => setMaking(true)}>
          New key…
        </button>
      </div>
      <FleetTabs />
      {may === false && <p className={css.fact}>Your role cannot manage keys. Ask an admin for the permission keys:manage.</p>}
      <Said act={act} />
      {list.error && may !== false && <Fault error={list.error} asOf={list.data ? list.asOf : ''} again={list.again} />}
      {!list.data && !list.error && <Loading what="keys" />}
      {list.data && all.length === 0 && (
        <Empty command="fleet key create service ci --role developer > ci.key">
          No keys yet. Programs and robots show a key with each request; people sign in. A key is shown once, when it is made.
        </Empty>
      )}
      {all.length > 0 && (
        <>
          <div className={css.bar}>
            <label>
              <input
                type="checkbox"
                style={{ width: 24, height: 24, margin: 0, verticalAlign: 'middle' }}
                checked={ended}
                onChange={(e) => setEnded(e.target.checked)}
              />{' '}
              Also those that have ended
            </label>
          </div>
          <Scroll label="Keys" className={css.tableBox}>
            <table className={css.table}>
              <thead>
                <tr>
                  <th>Name</th>
                  <th>Key</th>
                  <th>For</th>
                  <th>State</th>
                  <th>Created</th>
                  <th>Expires</th>
                  <th>Last used</th>
                  <th>Actions</th>
                </tr>
              </thead>
              <tbody>
                {keys.map((k) => {
                  const open = !['revoked', 'expired'].includes(k.status);
                  return (
                    <tr key={k.key_id}>
                      <td>
                        {k.name}
                        {k.description && <div className={css.hint}>{k.description}</div>}
                      </td>
                      <td className={css.mono}>
                        {prefix(k.kind)}…{k.hint}
                      </td>
                      <td>{scopeOf(k)}</td>
                      <td>
                        {label(k.status)}
                        {k.used_after_rotation_at && (
                          <div className={css.warn}>
                            Used after its rotation, <Ago at={k.used_after_rotation_at} />
                          </div>
                        )}
                      </td>
                      <td>
                        <Ago at={k.created_at} />
                      </td>
                      <td>{k.expires_at ? exact(k.expires_at) : 'Never'}</td>
                      <td>
                        {k.last_used_at ? (
                          <>
                            <Ago at={k.last_used_at} />
                            <div className={css.hint}>{k.last_used_ip}</div>
                          </>
                        ) : (
                          'Not yet'
                        )}
                      </td>
                      <td>
                        {open && (
                          <>
                            {!k.replaced_by && (
                              <button type="button" disabled={!may} aria-label={`Rotate ${k.name}`} onClick={() => setRotate(k)}>
                                Rotate…
                              </button>
                            )}{' '}
                            <button type="button" disabled={!may} aria-label={`Revoke ${k.name}`} onClick={() => setRevoke(k)}>
                              Revoke…
                            </button>
                          </>
                        )}
                      </td>
                    </tr>
                  );
                })}
              </tbody>
            </table>
          </Scroll>
        </>
      )}
      {may && <Enrolments />}
      {making && (
        <NewKeyDialog
          onClose={() => setMaking(false)}
          onMade={(k) => {
            setMaking(false);
            setSecret(k);
            list.again();
          }}
        />
      )}
      {secret && (
        <ShownOnce
          title={`The key ${secret.name}`}
          what="key"
          secret={secret.secret}
          lines={[
            { name: 'In a .env file', text: `FLEET_API_KEY=${secret.secret}` },
            secret.kind === 'robot'
              ? { name: 'Start the robot', text: `fleet robot run --url ${location.origin} --key-file robot.key` }
              : { name: 'Try it', text: `curl -H "Authorization: Bearer $FLEET_API_KEY" ${location.origin}/api/v1/me` },
          ]}
          onClose={() => setSecret(undefined)}
        />
      )}
      {rotate && (
        <Confirm
          title={`Rotate ${rotate.name}`}
          action="Make the new key"
          busy={act.busy}
          onClose={() => setRotate(undefined)}
          onConfirm={() => {
            setRotate(undefined);
            void act
              .run(
                'Rotating…',
                () => call<Schemas['NewKey']>('POST', `/keys/${rotate.key_id}/rotate`, { overlap_seconds: Number(overlap) } satisfies Schemas['RotateBody']),
                () => 'The new key is made.',
              )
              .then((k) => {
                list.again();
                if (k) setSecret(k);
              });
          }}
        >
          <p>A new key that may do what the old one may is made, and shown once.</p>
          <label>
            The old one goes on for{' '}
            <select value={overlap} onChange={(e) => setOverlap(e.target.value)}>
              <option value="0">no time: it ends at once</option>
              <option value="3600">1 hour</option>
              <option value="86400">24 hours</option>
              <option value="604800">7 days</option>
            </select>
          </label>
        </Confirm>
      )}
      {revoke && (
        <Confirm
          title={`Revoke ${revoke.name}?`}
          action="Revoke the key"
          busy={act.busy}
          onClose={() => setRevoke(undefined)}
          onConfirm={() => {
            setRevoke(undefined);
            void act
              .run(
                'Revoking…',
                () => call('DELETE', `/keys/${revoke.key_id}`).then(() => true),
                () => `${revoke.name} is revoked.`,
              )
              .then(list.again);
          }}
        >
          <p>
            {revoke.robot_id
              ? `The robot ${revoke.robot_id} drops within seconds, and its jobs with it.`
              : 'Programs that use it are refused within seconds, and their streams end.'}{' '}
            It cannot be taken back.
          </p>
        </Confirm>
      )}
    </div>
  );
}
