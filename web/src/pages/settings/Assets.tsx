import { call, type Schemas } from '../../api/client';
import type { Field, Values } from '../../parts/FormDialog';
import { onlyIf, useLive } from '../../parts/live';
import css from '../../parts/parts';
import { Empty } from '../../parts/States';
import { useMay } from '../../parts/session';
import { Ago } from '../../parts/Time';
import { Things } from './Things';

type Asset = Schemas['Asset'];

/** typed reads a value as its type wants it. */
export function typed(type: string, text: string): unknown {
  if (type === 'text') return text;
  return JSON.parse(text);
}

const fields: readonly Field[] = [
  {
    key: 'type',
    label: 'Type',
    kind: 'select',
    options: [
      { value: 'text', name: 'Text' },
      { value: 'number', name: 'Number' },
      { value: 'bool', name: 'true or false' },
      { value: 'json', name: 'JSON' },
    ],
  },
  { key: 'value', label: 'Value', kind: 'area', required: true },
  { key: 'description', label: 'What it is for' },
];

const valuesOf = (a: Asset): Values => ({
  type: a.type,
  description: a.description ?? '',
  value: typeof a.value === 'string' && a.type === 'text' ? a.value : JSON.stringify(a.value ?? ''),
});

/** Assets are settings that workflows share and that may be read. */
export function Assets() {
  const list = useLive<Schemas['AssetList']>('assets', {
    topics: ['events'],
    ask: (s) => call('GET', '/assets', undefined, s),
    take: onlyIf((f) => f.type.startsWith('asset.')),
  });
  const may = useMay('assets:manage');
  return (
    <Things
      title="Assets"
      list={list}
      rows={list.data?.assets ?? []}
      may={may === true}
      add="Set an asset"
      edit="Change"
      empty={
        <Empty command="fleet asset set erp_url https://erp.example">
          No assets yet. An asset is a setting that workflows share, such as an address; everybody who may see jobs may read it.
        </Empty>
      }
      heads={['Name', 'Type', 'Value', 'Changed']}
      nameOf={(a) => a.name}
      cells={(a) => (
        <>
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
        </>
      )}
      form={(a) => ({
        title: a ? `Change ${a.name}` : 'Set an asset',
        action: 'Set it',
        fields: a ? fields : [{ key: 'name', label: 'Name', required: true }, ...fields],
        initial: a ? valuesOf(a) : {},
        send: async (v) => {
          const type = (v.type ?? 'text') as Schemas['AssetBody']['type'];
          const body: Schemas['AssetBody'] = { type, value: typed(type, v.value ?? ''), values: a?.values ?? [] };
          if (v.description) body.description = v.description;
          return call('PUT', `/assets/${encodeURIComponent(a?.name ?? v.name ?? '')}`, body);
        },
      })}
      remove={(a) => ({
        title: `Delete the asset ${a.name}?`,
        action: 'Delete the asset',
        path: `/assets/${encodeURIComponent(a.name)}`,
        note: 'Jobs that name it fail at the step that asks for it.',
      })}
    />
  );
}
