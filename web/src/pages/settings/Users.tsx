import { useState } from 'react';
import { call, type Schemas } from '../../api/client';
import { useAct } from '../../parts/act';
import { Confirm } from '../../parts/Confirm';
import { type Field, FormDialog } from '../../parts/FormDialog';
import { onlyIf, useLive } from '../../parts/live';
import { Pager } from '../../parts/Pager';
import css from '../../parts/parts';
import { Said } from '../../parts/Said';
import { Empty, Fault, Loading } from '../../parts/States';
import { Table } from '../../parts/Table';
import { Ago } from '../../parts/Time';
import { label } from '../../parts/words';

type User = Schemas['User'];

const role: Field = {
  key: 'role',
  label: 'Role',
  kind: 'select',
  options: ['viewer', 'operator', 'developer', 'admin', 'super_admin'].map((value) => ({ value, name: label(value) })),
};

/** Users lets people in, changes what they may, and keeps them out. */
export function Users() {
  const [trail, setTrail] = useState<string[]>([]);
  const cursor = trail.at(-1);
  const list = useLive<Schemas['UserList']>(`users ${cursor ?? ''}`, {
    topics: ['events'],
    ask: (s) => call('GET', `/users?limit=100${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`, undefined, s),
    take: onlyIf((f) => f.type.startsWith('user.')),
  });
  const [open, setOpen] = useState<{ what: 'add' } | { what: 'edit' | 'password' | 'delete'; user: User }>();
  const act = useAct();
  const close = () => setOpen(undefined);
  const users = list.data?.users ?? [];
  const at = (u: User) => `/users/${encodeURIComponent(u.user_id)}`;
  return (
    <section aria-label="Users">
      <div className={css.bar}>
        <h2>Users</h2>
        <span className={css.grow} />
        <button type="button" className={css.primary} onClick={() => setOpen({ what: 'add' })}>
          New user…
        </button>
      </div>
      <Said act={act} />
      {list.error && <Fault error={list.error} asOf={list.data ? list.asOf : ''} again={list.again} />}
      {!list.data && !list.error && <Loading what="users" />}
      {list.data && users.length === 0 && (
        <Empty command="fleet user create bob --role operator">No users yet. People sign in with a name and a password, or through your OpenID issuer.</Empty>
      )}
      {users.length > 0 && (
        <Table label="Users, table" heads={['Name', 'Role', 'State', 'Signs in by', 'Last sign-in', 'Actions']}>
          {users.map((u) => (
            <tr key={u.user_id}>
              <td>
                {u.name}
                {u.email && <div className={css.hint}>{u.email}</div>}
              </td>
              <td>{label(u.role)}</td>
              <td>{u.disabled ? 'Disabled' : 'Active'}</td>
              <td>{u.issuer ?? 'Password'}</td>
              <td>{u.last_sign_in_at ? <Ago at={u.last_sign_in_at} /> : 'Not yet'}</td>
              <td>
                <button type="button" aria-label={`Edit ${u.name}`} onClick={() => setOpen({ what: 'edit', user: u })}>
                  Edit…
                </button>{' '}
                <button
                  type="button"
                  aria-label={`${u.disabled ? 'Let in' : 'Keep out'} ${u.name}`}
                  disabled={act.busy}
                  onClick={() =>
                    void act
                      .run(
                        'Sending…',
                        () => call<User>('PATCH', at(u), { disabled: !u.disabled }),
                        () => (u.disabled ? `${u.name} may sign in again.` : `${u.name} is kept out at once.`),
                      )
                      .then(list.again)
                  }
                >
                  {u.disabled ? 'Let in' : 'Keep out'}
                </button>{' '}
                {!u.issuer && (
                  <button type="button" aria-label={`New password for ${u.name}`} onClick={() => setOpen({ what: 'password', user: u })}>
                    Password…
                  </button>
                )}{' '}
                <button type="button" aria-label={`Delete ${u.name}`} onClick={() => setOpen({ what: 'delete', user: u })}>
                  Delete…
                </button>
              </td>
            </tr>
          ))}
        </Table>
      )}
      <Pager trail={trail} next={list.data?.next_cursor} onTrail={setTrail} />
      {open?.what === 'add' && (
        <FormDialog
          title="New user"
          action="Make the user"
          fields={[
            { key: 'name', label: 'Name', required: true },
            { key: 'email', label: 'Email (may be left out)', kind: 'email' },
            role,
            { key: 'password', label: 'Password, at least 12 characters', kind: 'password', required: true },
          ]}
          send={(v) => call('POST', '/users', Object.fromEntries(Object.entries(v).filter(([, x]) => x !== '')))}
          onClose={close}
          onDone={list.again}
        />
      )}
      {open?.what === 'edit' && (
        <FormDialog
          title={`Edit ${open.user.name}`}
          action="Save"
          fields={[{ key: 'name', label: 'Name', required: true }, { key: 'email', label: 'Email', kind: 'email' }, role]}
          initial={{ name: open.user.name, email: open.user.email ?? '', role: open.user.role }}
          send={(v) =>
            call(
              'PATCH',
              at(open.user),
              Object.fromEntries(Object.entries(v).filter(([k, x]) => x !== ((open.user as unknown as Record<string, string>)[k] ?? ''))),
            )
          }
          onClose={close}
          onDone={list.again}
        />
      )}
      {open?.what === 'password' && (
        <FormDialog
          title={`New password for ${open.user.name}`}
          action="Set it"
          note="All their sign-ins end."
          fields={[{ key: 'password', label: 'Password, at least 12 characters', kind: 'password', required: true }]}
          send={(v) => call('PUT', `${at(open.user)}/password`, v)}
          onClose={close}
          onDone={() => act.say('The password is set.')}
        />
      )}
      {open?.what === 'delete' && (
        <Confirm
          title={`Delete ${open.user.name}?`}
          action="Delete the user"
          onClose={close}
          onConfirm={() => {
            const u = open.user;
            close();
            void act
              .run(
                'Deleting…',
                () => call('DELETE', at(u)).then(() => true),
                () => `${u.name} is deleted.`,
              )
              .then(list.again);
          }}
        >
          <p>Their sign-ins end, and keys that they made count no more. What they did stays in the audit.</p>
        </Confirm>
      )}
    </section>
  );
}
