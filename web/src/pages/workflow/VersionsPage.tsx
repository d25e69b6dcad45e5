import { Link } from '@tanstack/react-router';
import { call, type Schemas } from '../../api/client';
import { onlyIf, useLive } from '../../parts/live';
import { PageHead } from '../../parts/PageHead';
import css from '../../parts/parts';
import { Fault, Loading } from '../../parts/States';
import { Table } from '../../parts/Table';
import { Ago } from '../../parts/Time';

/** VersionsPage lists the versions of a workflow; each opens in the canvas. */
export function VersionsPage({ id }: { id: string }) {
  const at = `/workflows/${encodeURIComponent(id)}`;
  const list = useLive<{ name: string; versions: Schemas['WorkflowVersion'][] }>(`versions ${id}`, {
    topics: ['events'],
    ask: async (s) => {
      const [v, w] = await Promise.all([
        call<Schemas['VersionList']>('GET', `${at}/versions`, undefined, s),
        call<Schemas['Workflow']>('GET', at, undefined, s),
      ]);
      return { name: w.workflow_name, versions: v.versions };
    },
    take: onlyIf((f) => f.id === id && f.type.startsWith('workflow.')),
  });
  return (
    <div className={css.page}>
      <PageHead title={list.data ? `Versions of ${list.data.name}` : 'Versions'}>
        <Link to="/workflows/$id" params={{ id }} search={{}} className={css.primary}>
          Open in the canvas
        </Link>
      </PageHead>
      {list.error && <Fault error={list.error} asOf={list.data ? list.asOf : ''} again={list.again} />}
      {!list.data && !list.error && <Loading what="versions" />}
      {list.data && (
        <Table label="Versions, table" heads={['Version', 'Stored', 'By', 'Content']}>
          {list.data.versions.map((v) => (
            <tr key={v.version}>
              <td>
                <Link to="/workflows/$id/versions/$v" params={{ id, v: String(v.version) }} search={{}}>
                  {v.version}
                </Link>
              </td>
              <td>
                <Ago at={v.created_at} />
              </td>
              <td>{v.created_by ?? '–'}</td>
              <td className={css.mono}>{v.hash.slice(0, 12)}</td>
            </tr>
          ))}
        </Table>
      )}
    </div>
  );
}
