import { Link } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { call, type Schemas } from '../../api/client';
import css from '../../parts/parts';
import { label } from '../../parts/words';
import own from './job.module.css';
import { Raw } from './panes';
import { isObject, outputsOf, type Variable, variablesOf } from './variables';

type Detail = Schemas['JobDetail'];

interface Props {
  job: Detail;
  nodes: readonly Schemas['NodeTime'][];
  node: string;
  onNode: (id: string) => void;
}

const none: ReadonlySet<string> = new Set();

/** Variables are what went in and what came out, and what is other than in the job that this one repeats. */
export function Variables({ job, nodes, node, onNode }: Props) {
  const [before, setBefore] = useState<Detail>();
  const { retry_of: of } = job;
  useEffect(() => {
    setBefore(undefined);
    if (!of) return;
    const end = new AbortController();
    call<Detail>('GET', `/jobs/${encodeURIComponent(of)}`, undefined, end.signal)
      .then(setBefore)
      .catch(() => undefined); // it may not be kept any more: then there is nothing to compare with
    return () => end.abort();
  }, [of]);
  const ran = new Set(nodes.map((n) => n.node_id));
  const went = isObject(job.variables) ? job.variables : {};
  const came = outputsOf(job.result);
  const labels = Object.entries(job.labels ?? {});
  const inputs = variablesOf(went, before && (isObject(before.variables) ? before.variables : {}), none);
  const outputs = came && variablesOf(came, before && outputsOf(before.result), ran);
  return (
    <>
      {before && (
        <p className={own.hint}>
          Compared with{' '}
          <Link to="/fleet/jobs/$id" params={{ id: before.job_id }} search={{ pane: 'variables' }}>
            …{before.job_id.slice(-8)}
          </Link>
          , which this job repeats ({label(before.status).toLowerCase()}).
        </p>
      )}
      <h2>Went in</h2>
      {inputs.length > 0 ? (
        <Table name="Went in" of={inputs} node={node} onNode={onNode} />
      ) : (
        <p className={own.hint}>The job was given no variables. Every attempt begins with the same.</p>
      )}
      <h2>Came out</h2>
      {outputs === undefined && job.result !== undefined && job.result !== null && <Raw value={job.result} />}
      {outputs === undefined && (job.result === undefined || job.result === null) && (
        <p className={own.hint}>
          {job.ended_at
            ? 'The job left no result.'
            : 'The result is there when the job has ended. While it runs its robot tells steps and lines of the log, and no values: a Log node shows one.'}
        </p>
      )}
      {outputs?.length === 0 && <p className={own.hint}>The job left an empty result.</p>}
      {outputs && outputs.length > 0 && <Table name="Came out" of={outputs} node={node} onNode={onNode} />}
      {labels.length > 0 && (
        <>
          <h2>Labels</h2>
          <Table name="Labels" of={variablesOf(Object.fromEntries(labels), undefined, none)} node={node} onNode={onNode} />
        </>
      )}
      <p className={own.hint}>Secrets are not among them: the server masks their values in everything that a robot tells, and gives none back.</p>
    </>
  );
}

const words = { new: 'New', changed: 'Changed', gone: 'Gone', '': '' } as const;

function Table({ name, of, node, onNode }: { name: string; of: readonly Variable[]; node: string; onNode: (id: string) => void }) {
  const by = of.some((v) => v.by !== '');
  const compared = of.some((v) => v.change !== '');
  return (
    <table className={own.table} aria-label={name}>
      <thead>
        <tr>
          <th>Name</th>
          <th>Type</th>
          <th>Value</th>
          {by && <th>By node</th>}
          {compared && <th>Against the job before</th>}
        </tr>
      </thead>
      <tbody>
        {of.map((v) => (
          <tr key={v.name}>
            <td className={css.mono}>{v.name}</td>
            <td>{v.type}</td>
            <td>
              <pre className={own.value}>{v.change === 'gone' ? '–' : v.value}</pre>
            </td>
            {by && (
              <td>
                {v.by ? (
                  <button type="button" className={own.linkButton} aria-pressed={v.by === node} onClick={() => onNode(v.by)}>
                    {v.by}
                  </button>
                ) : (
                  '–'
                )}
              </td>
            )}
            {compared && (
              <td>
                {words[v.change] || 'Same'}
                {v.was && (
                  <pre className={own.value}>
                    was <del>{v.was}</del>
                  </pre>
                )}
              </td>
            )}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
