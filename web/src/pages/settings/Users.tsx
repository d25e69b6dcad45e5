import { useState } from 'react';
import { call, type Schemas } from '../../api/client';
import type { Field, Values } from '../../parts/FormDialog';
import { onlyIf, useLive } from '../../parts/live';
import { Pager } from '../../parts/Pager';
import css from '../../parts/parts';
import { Empty } from '../../parts/States';
import { Ago } from '../../parts/Time';
import { label } from '../../parts/words';
import { type More, Things } from './Things';

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
  const at = (u: User) => `/users/${encodeURIComponent(u.user_id)}`;
  return (
    <Things
      title="Users"
      list={list}
      rows={list.data?.users ?? []}
      may
      add="New user"
      edit="Edit"
      empty={
        <Empty command="fleet user create bob --role operator">No users yet. People sign in with a name and a password, or through your OpenID issuer.</Empty>
      }
      after={<Pager trail={trail} next={list.data?.next_cursor} onTrail={setTrail} />}
      heads={['Name', 'Role', 'State', 'Signs in by', 'Last sign-in']}
      nameOf={(u) => u.name}
      idOf={(u) => u.user_id}
      cells={(u) => (
        <>
          <td>
            {u.name}
            {u.email && <div className={css.hint}>{u.email}</div>}
          </td>
          <td>{label(u.role)}</td>
          <td>{u.disabled ? 'Disabled' : 'Active'}</td>
          <td>{u.issuer ?? 'Password'}</td>
          <td>{u.last_sign_in_at ? <Ago at={u.last_sign_in_at} /> : 'Not yet'}</td>
        </>
      )}
      form={(u) =>
        u
          ? {
              title: `Edit ${u.name}`,
              action: 'Save',
              fields: [{ key: 'name', label: 'Name', required: true }, { key: 'email', label: 'Email', kind: 'email' }, role],
              initial: valuesOf(u),
              send: (v) => call('PATCH', at(u), Object.fromEntries(Object.entries(v).filter(([k, x]) => x !== valuesOf(u)[k]))),
            }
          : {
              title: 'New user',
              action: 'Make the user',
              fields: [
                { key: 'name', label: 'Name', required: true },
                { key: 'email', label: 'Email (may be left out)', kind: 'email' },
                role,
                { key: 'password', label: 'Password, at least 12 characters', kind: 'password', required: true },
              ],
              send: (v) => call('POST', '/users', Object.fromEntries(Object.entries(v).filter(([, x]) => x !== ''))),
            }
      }
      more={(u) => [
        {
          name: u.disabled ? 'Let in' : 'Keep out',
          label: `${u.disabled ? 'Let in' : 'Keep out'} ${u.name}`,
          send: () => call('PATCH', at(u), { disabled: !u.disabled }),
          done: u.disabled ? `${u.name} may sign in again.` : `${u.name} is kept out at once.`,
        },
        ...(u.issuer ? [] : [passwordOf(u, at(u))]),
      ]}
      remove={(u) => ({
        title: `Delete ${u.name}?`,
        action: 'Delete the user',
        path: at(u),
        note: 'Their sign-ins end, and keys that they made count no more. What they did stays in the audit.',
      })}
    />
  );
}

const valuesOf = (u: User): Values => ({ name: u.name, email: u.email ?? '', role: u.role });

const passwordOf = (u: User, at: string): More => ({
  name: 'Password…',
  label: `New password for ${u.name}`,
  form: {
    title: `New password for ${u.name}`,
    action: 'Set it',
    note: 'All their sign-ins end.',
    fields: [{ key: 'password', label: 'Password, at least 12 characters', kind: 'password', required: true }],
    send: (v) => call('PUT', `${at}/password`, v),
    done: 'The password is set.',
  },
});
