import { useEffect, useState } from 'react';
import { call, type Schemas } from '../../api/client';
import { useAct } from '../../parts/act';
import { onlyIf, useLive } from '../../parts/live';
import { PageHead } from '../../parts/PageHead';
import css from '../../parts/parts';
import { Said } from '../../parts/Said';
import { ShownOnce } from '../../parts/ShownOnce';
import { Empty, Fault, Loading } from '../../parts/States';
import { useMay } from '../../parts/session';
import { useAgain } from '../alert/again';
import { Changes } from './Changes';
import { Enrolments } from './Enrolments';
import { RevokeDialog, RotateDialog } from './KeyDialogs';
import { KeyTable } from './KeyTable';
import { changes, hasEnded, linesOf } from './keys';
import { NewKeyDialog } from './NewKeyDialog';

type Key = Schemas['Key'];
/** KeysPage lists the keys of programs and robots. A secret is shown once, when it is made. */
export function KeysPage({ ended, onEnded }: { ended: boolean; onEnded: (ended: boolean) => void }) {
  const list = useLive<Schemas['KeyList']>('keys', {
    topics: ['events'],
    ask: (s) => call('GET', '/keys', undefined, s),
    take: onlyIf((f) => f.type.startsWith('key.')),
  });
  const may = useMay('keys:manage');
  const [making, setMaking] = useState(false);
  const [secret, setSecret] = useState<Schemas['NewKey']>();
  const [rotate, setRotate] = useState<Key>();
  const [revoke, setRevoke] = useState<Key>();
  const act = useAct();
  const all = list.data?.keys ?? [];
  const keys = all.filter((k) => ended || !hasEnded(k));
  const replaced = changes(all);
  const people = usePeople();
  const waits = replaced.some((c) => c.still);
  useAgain(list.again, waits); // no event tells of the use of a key
  return (
    <div className={css.page}>
      <PageHead title="API Keys" facts={list.data && `${keys.length} of ${all.length} shown`} fleet>
        <button type="button" className={css.primary} disabled={!may} onClick={() => setMaking(true)}>
          New key…
        </button>
      </PageHead>
      {may === false && <p className={css.fact}>Your role cannot manage keys. Ask an admin for the permission keys:manage.</p>}
      <Said act={act} />
      {list.error && may !== false && <Fault error={list.error} asOf={list.data ? list.asOf : ''} again={list.again} />}
      {!list.data && !list.error && <Loading what="keys" />}
      {list.data && all.length === 0 && (
        <Empty command="fleet key create service ci --role developer > ci.key">
          No keys yet. Programs and robots show a key with each request; people sign in. A key is shown once, when it is made.
        </Empty>
      )}
      <Changes list={replaced} />
      {all.length > 0 && (
        <>
          <div className={css.bar}>
            <button type="button" aria-pressed={ended} onClick={() => onEnded(!ended)}>
              Also those that have ended
            </button>
          </div>
          <KeyTable keys={keys} may={may === true} people={people} onRotate={setRotate} onRevoke={setRevoke} />
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
          lines={linesOf(secret, location.origin)}
          onClose={() => setSecret(undefined)}
        />
      )}
      {rotate && (
        <RotateDialog
          of={rotate}
          busy={act.busy}
          onClose={() => setRotate(undefined)}
          onRotate={(overlap_seconds) => {
            setRotate(undefined);
            void act
              .run(
                'Rotating…',
                () => call<Schemas['NewKey']>('POST', `/keys/${rotate.key_id}/rotate`, { overlap_seconds } satisfies Schemas['RotateBody']),
                () => 'The new key is made.',
              )
              .then((k) => {
                list.again();
                if (k) setSecret(k);
              });
          }}
        />
      )}
      {revoke && (
        <RevokeDialog
          of={revoke}
          busy={act.busy}
          onClose={() => setRevoke(undefined)}
          onRevoke={() => {
            setRevoke(undefined);
            void act
              .run(
                'Revoking…',
                () => call('DELETE', `/keys/${revoke.key_id}`).then(() => true),
                () => `${revoke.name} is revoked.`,
              )
              .then(list.again);
          }}
        />
      )}
    </div>
  );
}

const nobody: ReadonlyMap<string, string> = new Map();

/** usePeople are the names of users, for who may see them. */
function usePeople(): ReadonlyMap<string, string> {
  const may = useMay('users:manage');
  const [people, setPeople] = useState(nobody);
  useEffect(() => {
    if (!may) return;
    const end = new AbortController();
    call<Schemas['UserList']>('GET', '/users', undefined, end.signal)
      .then((l) => setPeople(new Map(l.users.map((u) => [u.user_id, u.name]))))
      .catch(() => undefined); // the end of the id stays
    return () => end.abort();
  }, [may]);
  return people;
}
