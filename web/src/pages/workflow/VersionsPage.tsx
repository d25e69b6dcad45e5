import { useEffect, useState } from 'react';
import { Ago } from '../../parts/Time';
import css from './workflow.module.css';

interface Version {
  version: number;
  hash: string;
  node_count?: number;
  created_at: string;
  created_by?: string;
}

/** VersionsPage lists the versions of a workflow; each opens in the canvas. */
export function VersionsPage({ id, canvasHref, versionHref }: { id: string; canvasHref: string; versionHref: (n: number) => string }) {
  const [list, setList] = useState<Version[]>();
  const [name, setName] = useState('');
  const [why, setWhy] = useState('');
  useEffect(() => {
    const get = async (path: string) => {
      const r = await fetch(`/api/v1/workflows/${encodeURIComponent(id)}${path}`);
      const body = (await r.json()) as { detail?: string };
      if (!r.ok) throw new Error(body.detail ?? `The server answered ${r.status}.`);
      return body;
    };
    Promise.all([get('/versions'), get('')])
      .then(([v, w]) => {
        setList((v as unknown as { versions: Version[] }).versions);
        setName((w as unknown as { workflow_name: string }).workflow_name);
      })
      .catch((e: Error) => setWhy(e.message));
  }, [id]);
  return (
    <div className={css.page}>
      <header className={css.head}>
        <h1>{name ? `Versions of ${name}` : 'Versions'}</h1>
        <a className={css.primary} href={canvasHref}>
          Open in the canvas
        </a>
      </header>
      {why && (
        <p role="alert" className={css.failed}>
          {why}
        </p>
      )}
      {list && (
        <table className={css.table}>
          <thead>
            <tr>
              <th className={css.number}>Version</th>
              <th>Stored</th>
              <th>By</th>
              <th>Content</th>
            </tr>
          </thead>
          <tbody>
            {list.map((v) => (
              <tr key={v.version}>
                <td className={css.number}>
                  <a href={versionHref(v.version)}>{v.version}</a>
                </td>
                <td>
                  <Ago at={v.created_at} />
                </td>
                <td>{v.created_by ?? '–'}</td>
                <td className={css.mono}>{v.hash.slice(0, 12)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </div>
  );
}
