import { useEffect, useState } from 'react';
import { call, type Schemas, withTenant } from '../../api/client';
import { sentence } from '../../parts/act';
import { useLive } from '../../parts/live';
import css from '../../parts/parts';
import { Fault, Loading } from '../../parts/States';
import { Ago } from '../../parts/Time';
import own from './job.module.css';
import { bytes, previewOf, tableOf } from './preview';

type Artifact = Schemas['Artifact'];

const at = (a: Artifact) => `/api/v1${withTenant(`/jobs/${a.job_id}/artifacts/${encodeURIComponent(a.name)}?epoch=${a.epoch}`)}`;

/** useArtifacts are the files that a job left, followed live. */
export const useArtifacts = (id: string) =>
  useLive<Schemas['ArtifactList']>(`artifacts of ${id}`, {
    topics: [`job:${id}`],
    ask: (s) => call('GET', `/jobs/${encodeURIComponent(id)}/artifacts`, undefined, s),
    take: () => 'again',
  });

/** Artifacts are the files that a job left, each with a look into it. */
export function Artifacts({ id }: { id: string }) {
  const list = useArtifacts(id);
  const [open, setOpen] = useState('');
  if (list.error && !list.data) return <Fault error={list.error} again={list.again} />;
  if (!list.data) return <Loading what="artifacts" />;
  if (list.data.artifacts.length === 0)
    return <p className={own.hint}>The job left no files. What its workflow writes into the folder “artifacts” is kept here when the attempt ends.</p>;
  return (
    <>
      <table className={own.table}>
        <thead>
          <tr>
            <th>Name</th>
            <th>Attempt</th>
            <th>Size</th>
            <th>Kept</th>
            <th>Look</th>
          </tr>
        </thead>
        <tbody>
          {list.data.artifacts.map((a) => {
            const key = `${a.job_id} ${a.epoch} ${a.name}`;
            const kind = previewOf(a);
            return (
              <tr key={key}>
                <td>
                  <a href={at(a)} download={a.name} className={css.mono}>
                    {a.name}
                  </a>
                  {a.node_id && <span className={own.hint}> by {a.node_id}</span>}
                  {open === key && kind && <Preview a={a} kind={kind} />}
                </td>
                <td>{a.epoch}</td>
                <td>{bytes(a.size)}</td>
                <td>
                  <Ago at={a.created_at} />
                </td>
                <td>
                  {kind ? (
                    <button
                      type="button"
                      aria-expanded={open === key}
                      aria-label={`${open === key ? 'Close' : 'Look into'} ${a.name}`}
                      onClick={() => setOpen(open === key ? '' : key)}
                    >
                      {open === key ? 'Close' : 'Look'}
                    </button>
                  ) : (
                    <span className={own.hint}>Download only</span>
                  )}
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
      <p className={own.hint}>{bytes(list.data.bytes)} in all. They go with the job.</p>
    </>
  );
}

function Preview({ a, kind }: { a: Artifact; kind: 'image' | 'text' | 'json' | 'table' }) {
  const [text, setText] = useState<string>();
  const [why, setWhy] = useState('');
  const where = at(a);
  useEffect(() => {
    if (kind === 'image') return;
    const end = new AbortController();
    fetch(where, { signal: end.signal })
      .then((r) => (r.ok ? r.text() : Promise.reject(new Error(`The server answered ${r.status}.`))))
      .then(setText)
      .catch((e) => {
        if (!end.signal.aborted) setWhy(sentence(e));
      });
    return () => end.abort();
  }, [where, kind]);
  if (kind === 'image') return <img src={where} alt={`${a.name}, attempt ${a.epoch}`} className={own.picture} />;
  if (why) return <p role="alert">{why}</p>;
  if (text === undefined) return <Loading what={a.name} />;
  if (kind === 'table') {
    const t = tableOf(text, a.type === 'text/tab-separated-values');
    return (
      <table className={own.table} aria-label={a.name}>
        <tbody>
          {t.rows.map((r) => (
            <tr key={r.key}>
              {r.cells.map((c) => (
                <td key={c.key}>{c.text}</td>
              ))}
            </tr>
          ))}
        </tbody>
        {t.more > 0 && <caption>{t.more} more rows are in the file.</caption>}
      </table>
    );
  }
  return <pre className={own.raw}>{kind === 'json' ? pretty(text) : text}</pre>;
}

function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
