import { Link } from '@tanstack/react-router';
import { call, type Schemas } from '../../api/client';
import { type Act, useAct } from '../../parts/act';
import { type Asked, onlyIf, useLive } from '../../parts/live';
import { PageHead } from '../../parts/PageHead';
import css from '../../parts/parts';
import { Said } from '../../parts/Said';
import { Empty, Fault, Loading } from '../../parts/States';
import { Table } from '../../parts/Table';
import { Ago } from '../../parts/Time';

type List = Schemas['WorkflowList'];

const page = (cursor: string | undefined, s?: AbortSignal) =>
  call<List>('GET', `/workflows?limit=200${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`, undefined, s);

/** asMany reads as many workflows as were shown, so that a list that grew does not shrink when it is read anew. */
async function asMany(s: AbortSignal, shown: number): Promise<List> {
  let all = await page(undefined, s);
  while (all.next_cursor && all.workflows.length < shown) {
    const next = await page(all.next_cursor, s);
    all = { ...next, workflows: [...all.workflows, ...next.workflows] };
  }
  return all;
}

/** WorkflowsPage lists what can be opened: workflows of the orchestrator, and files of the folder. */
export function WorkflowsPage({ query, onQuery }: { query: string; onQuery: (q: string) => void }) {
  const files = useLive<Schemas['LocalFileList'] | undefined>('local files', {
    topics: [],
    ask: async (s) => {
      const meta = await call<Schemas['Meta']>('GET', '/meta', undefined, s);
      return meta.local.folder ? call<Schemas['LocalFileList']>('GET', '/local/files', undefined, s) : undefined;
    },
  });
  const stored = useLive<List>('workflows', {
    topics: ['events'],
    ask: (s, have) => asMany(s, have()?.workflows.length ?? 0),
    take: onlyIf((f) => f.type.startsWith('workflow.')),
  });
  const act = useAct();
  return (
    <div className={css.page}>
      <PageHead title="Workflows">
        <input type="search" aria-label="Search workflows" placeholder="Search" value={query} onChange={(e) => onQuery(e.target.value)} />
        <Link to="/workflows/$id" params={{ id: 'new' }} search={{}} className={css.primary}>
          New workflow
        </Link>
      </PageHead>
      {files.error && <Fault error={files.error} asOf={files.data ? files.asOf : ''} again={files.again} />}
      {files.data && <Files list={files.data} query={query} />}
      <section aria-label="Stored workflows">
        {files.data && <h2>On the orchestrator</h2>}
        <Stored list={stored} query={query} onQuery={onQuery} act={act} />
      </section>
    </div>
  );
}

const holds = (name: string, query: string) => name.toLowerCase().includes(query.trim().toLowerCase());

function Files({ list, query }: { list: Schemas['LocalFileList']; query: string }) {
  const shown = list.files.filter((f) => holds(f.path, query));
  return (
    <section aria-label="Files">
      <h2>
        Files <span className={css.fact}>{list.folder}</span>
      </h2>
      {list.files.length === 0 && <p className={css.hint}>No workflow file yet. A new workflow is saved here.</p>}
      {list.files.length > 0 && shown.length === 0 && <p className={css.hint}>No file matches {query}.</p>}
      {shown.length > 0 && (
        <Table label="Files, table" heads={['File', 'Changed', { number: 'Size' }]}>
          {shown.map((f) => (
            <tr key={f.path}>
              <td className={css.mono}>
                <Link to="/local/$" params={{ _splat: f.path }} search={{}}>
                  {f.path}
                </Link>
              </td>
              <td>
                <Ago at={f.modified_at} />
              </td>
              <td data-number>{Math.max(1, Math.round(f.size_bytes / 1024))} KiB</td>
            </tr>
          ))}
        </Table>
      )}
      {list.more && <p className={css.hint}>There are more files than are listed.</p>}
    </section>
  );
}

function Stored({ list, query, onQuery, act }: { list: Asked<List>; query: string; onQuery: (q: string) => void; act: Act }) {
  const all = list.data?.workflows ?? [];
  const shown = all.filter((w) => holds(w.workflow_name, query));
  const more = () =>
    void act
      .run(
        'Reading…',
        () => page(list.data?.next_cursor),
        () => '',
      )
      .then((next) => next && list.patch((have) => ({ ...next, workflows: [...have.workflows, ...next.workflows] })));
  return (
    <>
      {list.error && <Fault error={list.error} asOf={list.data ? list.asOf : ''} again={list.again} />}
      {!list.data && !list.error && <Loading what="workflows" />}
      {list.data && all.length === 0 && (
        <Empty command="fleet workflow push report.json">
          No workflows yet. A workflow is a graph of steps that robots run. Draw one, or push a file from a terminal.
        </Empty>
      )}
      {all.length > 0 && shown.length === 0 && (
        <div className={css.empty}>
          <p>No workflow matches {query}.</p>
          <button type="button" onClick={() => onQuery('')}>
            Clear the search
          </button>
        </div>
      )}
      {shown.length > 0 && (
        <Table label="Workflows, table" heads={['Name', { number: 'Version' }, 'Changed', 'Versions']}>
          {shown.map((w) => (
            <tr key={w.workflow_id}>
              <td>
                <Link to="/workflows/$id" params={{ id: w.workflow_id }} search={{}}>
                  {w.workflow_name}
                </Link>
              </td>
              <td data-number>{w.version}</td>
              <td>
                <Ago at={w.updated_at} />
              </td>
              <td>
                <Link to="/workflows/$id/versions" params={{ id: w.workflow_id }}>
                  All versions
                </Link>
              </td>
            </tr>
          ))}
        </Table>
      )}
      <Said act={act} />
      {list.data?.next_cursor && (
        <div className={css.bar}>
          <button type="button" disabled={act.busy} onClick={more}>
            Show more
          </button>
        </div>
      )}
    </>
  );
}
