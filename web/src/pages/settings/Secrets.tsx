import { useState } from 'react';
import { call, type Schemas } from '../../api/client';
import { useAct } from '../../parts/act';
import { Confirm } from '../../parts/Confirm';
import { FormDialog } from '../../parts/FormDialog';
import { onlyIf, useLive } from '../../parts/live';
import css from '../../parts/parts';
import { Said } from '../../parts/Said';
import { Scroll } from '../../parts/Scroll';
import { Empty, Fault, Loading } from '../../parts/States';
import { useMay } from '../../parts/session';
import { Ago } from '../../parts/Time';

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

type Secret = Schemas['Secret'];

/** Secrets can be set and taken away. No route gives a value back, so none is shown. */
export function Secrets() {
  const list = useLive<Schemas['SecretList']>('secrets', {
    topics: ['events'],
    ask: (s) => call('GET', '/secrets', undefined, s),
    take: onlyIf((f) => f.type.startsWith('secret.') && f.type !== 'secret.read'),
  });
  const [open, setOpen] = useState<Secret | 'new'>();
  const [gone, setGone] = useState<Secret>();
  const act = useAct();
  const secrets = list.data?.secrets ?? [];
  return (
    <section aria-label="Secrets">
      <div className={css.bar}>
        <h2>Secrets</h2>
        <span className={css.grow} />
        <button type="button" className={css.primary} onClick={() => setOpen('new')}>
          Set a secret…
        </button>
      </div>
      <Said act={act} />
      {list.error && <Fault error={list.error} asOf={list.data ? list.asOf : ''} again={list.again} />}
      {!list.data && !list.error && <Loading what="secrets" />}
      {list.data && secrets.length === 0 && (
        <Empty command="fleet secret set erp --json < erp.json">
          No secrets yet. A secret is a password or token that a workflow names and a robot gets while it runs; nobody can read it here again.
        </Empty>
      )}
      {secrets.length > 0 && (
        <Scroll label="Secrets, table" className={css.tableBox}>
          <table className={css.table}>
            <thead>
              <tr>
                <th>Name</th>
                <th>Values</th>
                <th>Only for</th>
                <th>Changed</th>
                <th>Actions</th>
              </tr>
            </thead>
            <tbody>
              {secrets.map((s) => (
                <tr key={s.name}>
                  <td>
                    <span className={css.mono}>{s.name}</span>
                    {s.description && <div className={css.hint}>{s.description}</div>}
                  </td>
                  <td>
                    {s.values.map((v) => (
                      <div key={`${v.environment} ${v.robot_id}`}>
                        {v.fields.join(', ')}{' '}
                        <span className={css.hint}>{v.robot_id ? `on ${v.robot_id}` : v.environment ? `in ${v.environment}` : 'everywhere'}</span>
                      </div>
                    ))}
                  </td>
                  <td>{[...s.environments.map((e) => `environment ${e}`), ...s.workflows.map((w) => `workflow ${w}`)].join(', ') || 'All jobs'}</td>
                  <td>
                    <Ago at={s.updated_at} /> {s.updated_by && <span className={css.hint}>by {s.updated_by}</span>}
                  </td>
                  <td>
                    <button type="button" aria-label={`Change ${s.name}`} onClick={() => setOpen(s)}>
                      Change…
                    </button>{' '}
                    <button type="button" aria-label={`Delete ${s.name}`} onClick={() => setGone(s)}>
                      Delete…
                    </button>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
      {open && (
        <FormDialog
          title={open === 'new' ? 'Set a secret' : `Change ${open.name}`}
          action="Set it"
          note="It cannot be read again: a robot gets it only for a job that names it."
          fields={[
            ...(open === 'new' ? [{ key: 'name', label: 'Name', required: true }] : []),
            { key: 'fields', label: 'Fields, a line each: user=ada', kind: 'area' as const, required: true, hint: 'One value alone needs no name.' },
            { key: 'description', label: 'What it is for' },
            { key: 'environment', label: 'The value is for jobs of this environment (all if left out)' },
            { key: 'environments', label: 'Only jobs of these environments may have it (all if left out)' },
          ]}
          initial={open === 'new' ? {} : { description: open.description ?? '', environments: open.environments.join(', ') }}
          send={(v) => {
            const body: Schemas['SecretBody'] = {
              fields: fieldsOf(v.fields ?? ''),
              environments: names(v.environments),
              workflows: open === 'new' ? [] : open.workflows,
            };
            if (v.description) body.description = v.description;
            if (v.environment) body.environment = v.environment;
            return call('PUT', `/secrets/${encodeURIComponent(open === 'new' ? (v.name ?? '') : open.name)}`, body);
          }}
          onClose={() => setOpen(undefined)}
          onDone={list.again}
        />
      )}
      {gone && (
        <Confirm
          title={`Delete the secret ${gone.name}?`}
          action="Delete the secret"
          onClose={() => setGone(undefined)}
          onConfirm={() => {
            setGone(undefined);
            void act
              .run(
                'Deleting…',
                () => call('DELETE', `/secrets/${encodeURIComponent(gone.name)}`).then(() => true),
                () => `${gone.name} is deleted.`,
              )
              .then(list.again);
          }}
        >
          <p>Jobs that name it fail at the step that asks for it. It cannot be brought back.</p>
        </Confirm>
      )}
    </section>
  );
}

type Asset = Schemas['Asset'];

/** typed reads a value as its type wants it. */
export function typed(type: string, text: string): unknown {
  if (type === 'text') return text;
  return JSON.parse(text);
}

/** Assets are settings that workflows share and that may be read. */
export function Assets() {
  const list = useLive<Schemas['AssetList']>('assets', {
    topics: ['events'],
    ask: (s) => call('GET', '/assets', undefined, s),
    take: onlyIf((f) => f.type.startsWith('asset.')),
  });
  const may = useMay('assets:manage');
  const [open, setOpen] = useState<Asset | 'new'>();
  const [gone, setGone] = useState<Asset>();
  const act = useAct();
  const assets = list.data?.assets ?? [];
  return (
    <section aria-label="Assets">
      <div className={css.bar}>
        <h2>Assets</h2>
        <span className={css.grow} />
        <button type="button" className={css.primary} disabled={!may} onClick={() => setOpen('new')}>
          Set an asset…
        </button>
      </div>
      <Said act={act} />
      {list.error && <Fault error={list.error} asOf={list.data ? list.asOf : ''} again={list.again} />}
      {!list.data && !list.error && <Loading what="assets" />}
      {list.data && assets.length === 0 && (
        <Empty command="fleet asset set erp_url https://erp.example">
          No assets yet. An asset is a setting that workflows share, such as an address; everybody who may see jobs may read it.
        </Empty>
      )}
      {assets.length > 0 && (
        <Scroll label="Assets, table" className={css.tableBox}>
          <table className={css.table}>
            <thead>
              <tr>
                <th>Name</th>
                <th>Type</th>
                <th>Value</th>
                <th>Changed</th>
                <th>Actions</th>
              </tr>
            </thead>
            <tbody>
              {assets.map((a) => (
                <tr key={a.name}>
                  <td>
                    <span className={css.mono}>{a.name}</span>
                    {a.description && <div className={css.hint}>{a.description}</div>}
                  </td>
                  <td>{a.type}</td>
                  <td className={css.mono}>
                    {a.value === undefined || a.value === null ? '–' : typeof a.value === 'string' ? a.value : JSON.stringify(a.value)}
                    {a.values.map((v) => (
                      <div key={`${v.environment} ${v.robot_id}`}>
                        {JSON.stringify(v.value)} <span className={css.hint}>{v.robot_id ? `on ${v.robot_id}` : `in ${v.environment}`}</span>
                      </div>
                    ))}
                  </td>
                  <td>
                    <Ago at={a.updated_at} /> {a.updated_by && <span className={css.hint}>by {a.updated_by}</span>}
                  </td>
                  <td>
                    <button type="button" disabled={!may} aria-label={`Change ${a.name}`} onClick={() => setOpen(a)}>
                      Change…
                    </button>{' '}
                    <button type="button" disabled={!may} aria-label={`Delete ${a.name}`} onClick={() => setGone(a)}>
                      Delete…
                    </button>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
      {open && (
        <FormDialog
          title={open === 'new' ? 'Set an asset' : `Change ${open.name}`}
          action="Set it"
          fields={[
            ...(open === 'new' ? [{ key: 'name', label: 'Name', required: true }] : []),
            {
              key: 'type',
              label: 'Type',
              kind: 'select' as const,
              options: [
                { value: 'text', name: 'Text' },
                { value: 'number', name: 'Number' },
                { value: 'bool', name: 'true or false' },
                { value: 'json', name: 'JSON' },
              ],
            },
            { key: 'value', label: 'Value', kind: 'area' as const, required: true },
            { key: 'description', label: 'What it is for' },
          ]}
          initial={
            open === 'new'
              ? {}
              : {
                  type: open.type,
                  description: open.description ?? '',
                  value: typeof open.value === 'string' && open.type === 'text' ? open.value : JSON.stringify(open.value ?? ''),
                }
          }
          send={async (v) => {
            const type = (v.type ?? 'text') as Schemas['AssetBody']['type'];
            const body: Schemas['AssetBody'] = { type, value: typed(type, v.value ?? ''), values: open === 'new' ? [] : open.values };
            if (v.description) body.description = v.description;
            return call('PUT', `/assets/${encodeURIComponent(open === 'new' ? (v.name ?? '') : open.name)}`, body);
          }}
          onClose={() => setOpen(undefined)}
          onDone={list.again}
        />
      )}
      {gone && (
        <Confirm
          title={`Delete the asset ${gone.name}?`}
          action="Delete the asset"
          onClose={() => setGone(undefined)}
          onConfirm={() => {
            setGone(undefined);
            void act
              .run(
                'Deleting…',
                () => call('DELETE', `/assets/${encodeURIComponent(gone.name)}`).then(() => true),
                () => `${gone.name} is deleted.`,
              )
              .then(list.again);
          }}
        >
          <p>Jobs that name it fail at the step that asks for it.</p>
        </Confirm>
      )}
    </section>
  );
}
