import { call, type Schemas } from '../../api/client';
import { onlyIf, useLive } from '../../parts/live';
import css from '../../parts/parts';
import { Empty } from '../../parts/States';
import { Ago } from '../../parts/Time';
import { Things } from './Things';

/** fieldsOf reads lines of NAME=VALUE, or one value without a name. */
export function fieldsOf(text: string): Record<string, string> {
  const lines = text.split('\n').filter((l) => l.trim() !== '');
  if (lines.length === 1 && !/^[A-Za-z0-9_.-]+=/.test(lines[0] ?? '')) return { value: lines[0] ?? '' };
  return Object.fromEntries(
    lines.map((l) => {
      const i = l.indexOf('=');
      return i < 0 ? [l.trim(), ''] : [l.slice(0, i).trim(), l.slice(i + 1)];
    }),
  );
}

const names = (text: string | undefined) =>
  (text ?? '')
    .split(/[\s,]+/)
    .map((w) => w.trim())
    .filter(Boolean);

/** Secrets can be set and taken away. No route gives a value back, so none is shown. */
export function Secrets() {
  const list = useLive<Schemas['SecretList']>('secrets', {
    topics: ['events'],
    ask: (s) => call('GET', '/secrets', undefined, s),
    take: onlyIf((f) => f.type.startsWith('secret.') && f.type !== 'secret.read'),
  });
  return (
    <Things
      title="Secrets"
      list={list}
      rows={list.data?.secrets ?? []}
      may
      add="Set a secret"
      edit="Change"
      empty={
        <Empty command="fleet secret set erp --json < erp.json">
          No secrets yet. A secret is a password or token that a workflow names and a robot gets while it runs; nobody can read it here again.
        </Empty>
      }
      heads={['Name', 'Values', 'Only for', 'Changed']}
      nameOf={(s) => s.name}
      cells={(s) => (
        <>
          <td>
            <span className={css.mono}>{s.name}</span>
            {s.description && <div className={css.hint}>{s.description}</div>}
          </td>
          <td>
            {s.values.map((v) => (
              <div key={`${v.environment} ${v.robot_id}`}>
                {v.fields.join(', ')} <span className={css.hint}>{v.robot_id ? `on ${v.robot_id}` : v.environment ? `in ${v.environment}` : 'everywhere'}</span>
              </div>
            ))}
          </td>
          <td>{[...s.environments.map((e) => `environment ${e}`), ...s.workflows.map((w) => `workflow ${w}`)].join(', ') || 'All jobs'}</td>
          <td>
            <Ago at={s.updated_at} /> {s.updated_by && <span className={css.hint}>by {s.updated_by}</span>}
          </td>
        </>
      )}
      form={(s) => ({
        title: s ? `Change ${s.name}` : 'Set a secret',
        action: 'Set it',
        note: 'It cannot be read again: a robot gets it only for a job that names it.',
        fields: [
          ...(s ? [] : [{ key: 'name', label: 'Name', required: true }]),
          { key: 'fields', label: 'Fields, a line each: user=ada', kind: 'area', required: true, hint: 'One value alone needs no name.' },
          { key: 'description', label: 'What it is for' },
          { key: 'environment', label: 'The value is for jobs of this environment (all if left out)' },
          { key: 'environments', label: 'Only jobs of these environments may have it (all if left out)' },
        ],
        initial: s ? { description: s.description ?? '', environments: s.environments.join(', ') } : {},
        send: (v) => {
          const body: Schemas['SecretBody'] = { fields: fieldsOf(v.fields ?? ''), environments: names(v.environments), workflows: s?.workflows ?? [] };
          if (v.description) body.description = v.description;
          if (v.environment) body.environment = v.environment;
          return call('PUT', `/secrets/${encodeURIComponent(s?.name ?? v.name ?? '')}`, body);
        },
      })}
      remove={(s) => ({
        title: `Delete the secret ${s.name}?`,
        action: 'Delete the secret',
        path: `/secrets/${encodeURIComponent(s.name)}`,
        note: 'Jobs that name it fail at the step that asks for it. It cannot be brought back.',
      })}
    />
  );
}
