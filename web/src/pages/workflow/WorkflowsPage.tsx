import { useCallback, useEffect, useMemo, useState } from 'react';
import { Loading } from '../../parts/States';
import { Ago } from '../../parts/Time';
import css from './workflow.module.css';

interface Workflow {
  workflow_id: string;
  workflow_name: string;
  version: number;
  updated_at: string;
}
interface File {
  path: string;
  size_bytes: number;
  modified_at: string;
}

async function get<T>(path: string): Promise<T> {
  const r = await fetch(`/api/v1${path}`);
  if (r.ok) return (await r.json()) as T;
  const p = (await r.json().catch(() => ({}))) as { detail?: string; request_id?: string };
  throw new Error(`${p.detail ?? `The server answered ${r.status}.`}${p.request_id ? ` Request ${p.request_id}` : ''}`);
}

export interface WorkflowsPageProps {
  query: string;
  onQuery: (q: string) => void;
  workflowHref: (id: string) => string;
  fileHref: (path: string) => string;
  newHref: string;
}

type Loaded<T> = { state: 'loading' } | { state: 'failed'; why: string } | { state: 'ready'; value: T };

/** WorkflowsPage lists what can be opened: workflows of the orchestrator, and files of the folder. */
export function WorkflowsPage(p: WorkflowsPageProps) {
  const [stored, setStored] = useState<Loaded<{ list: Workflow[]; more: string }>>({ state: 'loading' });
  const [files, setFiles] = useState<Loaded<{ folder: string; files: File[]; more: boolean }>>();
  const load = useCallback(() => {
    setStored({ state: 'loading' });
    get<{ workflows: Workflow[]; next_cursor?: string }>('/workflows?limit=200')
      .then((v) => setStored({ state: 'ready', value: { list: v.workflows, more: v.next_cursor ?? '' } }))
      .catch((e: Error) => setStored({ state: 'failed', why: e.message }));
    get<{ local: { folder: boolean } }>('/meta')
      .then((m) => {
        if (!m.local.folder) return;
        setFiles({ state: 'loading' });
        return get<{ folder: string; files: File[]; more: boolean }>('/local/files').then((v) => setFiles({ state: 'ready', value: v }));
      })
      .catch((e: Error) => setFiles({ state: 'failed', why: e.message }));
  }, []);
  useEffect(load, [load]);
  const more = () => {
    if (stored.state !== 'ready' || !stored.value.more) return;
    const have = stored.value;
    get<{ workflows: Workflow[]; next_cursor?: string }>(`/workflows?limit=200&cursor=${encodeURIComponent(have.more)}`)
      .then((v) => setStored({ state: 'ready', value: { list: [...have.list, ...v.workflows], more: v.next_cursor ?? '' } }))
      .catch((e: Error) => setStored({ state: 'failed', why: e.message }));
  };
  const q = p.query.trim().toLowerCase();
  const shown = useMemo(() => (stored.state === 'ready' ? stored.value.list.filter((w) => w.workflow_name.toLowerCase().includes(q)) : []), [stored, q]);
  const shownFiles = files?.state === 'ready' ? files.value.files.filter((f) => f.path.toLowerCase().includes(q)) : [];

  return (
    <div className={css.page}>
      <header className={css.head}>
        <h1>Workflows</h1>
        <input
          type="search"
          className={css.search}
          aria-label="Search workflows"
          placeholder="Search"
          value={p.query}
          onChange={(e) => p.onQuery(e.target.value)}
        />
        <a className={css.primary} href={p.newHref}>
          New workflow
        </a>
      </header>
      {files && (
        <section aria-label="Files">
          <h2>Files{files.state === 'ready' && <span className={css.fact}> {files.value.folder}</span>}</h2>
          {files.state === 'failed' && <Failed why={files.why} again={load} />}
          {files.state === 'ready' && files.value.files.length === 0 && <p className={css.hint}>No workflow file yet. A new workflow is saved here.</p>}
          {files.state === 'ready' && files.value.files.length > 0 && shownFiles.length === 0 && <p className={css.hint}>No file matches {p.query}.</p>}
          {shownFiles.length > 0 && (
            <table className={css.table}>
              <thead>
                <tr>
                  <th>File</th>
                  <th>Changed</th>
                  <th className={css.number}>Size</th>
                </tr>
              </thead>
              <tbody>
                {shownFiles.map((f) => (
                  <tr key={f.path}>
                    <td>
                      <a className={css.mono} href={p.fileHref(f.path)}>
                        {f.path}
                      </a>
                    </td>
                    <td>
                      <Ago at={f.modified_at} />
                    </td>
                    <td className={css.number}>{Math.max(1, Math.round(f.size_bytes / 1024))} KiB</td>
                  </tr>
                ))}
              </tbody>
            </table>
          )}
          {files.state === 'ready' && files.value.more && <p className={css.hint}>There are more files than are listed.</p>}
        </section>
      )}
      <section aria-label="Stored workflows">
        {files && <h2>On the orchestrator</h2>}
        {stored.state === 'loading' && <Loading what="workflows" />}
        {stored.state === 'failed' && <Failed why={stored.why} again={load} />}
        {stored.state === 'ready' && stored.value.list.length === 0 && (
          <div className={css.empty}>
            <p>No workflows yet. A workflow is a graph of steps that robots run. Draw one, or push a file from a terminal.</p>
            <p>
              <code>fleet workflow push report.json</code>
            </p>
          </div>
        )}
        {stored.state === 'ready' && stored.value.list.length > 0 && shown.length === 0 && (
          <p className={css.hint}>
            No workflow matches {p.query}.{' '}
            <button type="button" className={css.link} onClick={() => p.onQuery('')}>
              Clear the search
            </button>
          </p>
        )}
        {shown.length > 0 && (
          <table className={css.table}>
            <thead>
              <tr>
                <th>Name</th>
                <th className={css.number}>Version</th>
                <th>Changed</th>
                <th>Versions</th>
              </tr>
            </thead>
            <tbody>
              {shown.map((w) => (
                <tr key={w.workflow_id}>
                  <td>
                    <a href={p.workflowHref(w.workflow_id)}>{w.workflow_name}</a>
                  </td>
                  <td className={css.number}>{w.version}</td>
                  <td>
                    <Ago at={w.updated_at} />
                  </td>
                  <td>
                    <a href={`${p.workflowHref(w.workflow_id)}/versions`}>All versions</a>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
        {stored.state === 'ready' && stored.value.more && (
          <button type="button" className={css.button} onClick={more}>
            Show more
          </button>
        )}
      </section>
    </div>
  );
}

function Failed({ why, again }: { why: string; again: () => void }) {
  return (
    <div role="alert" className={css.failed}>
      {why}{' '}
      <button type="button" className={css.button} onClick={again}>
        Try again
      </button>
    </div>
  );
}
