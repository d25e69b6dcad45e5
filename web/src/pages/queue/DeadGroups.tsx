import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { call, type Schemas } from '../../api/client';
import type { Act } from '../../parts/act';
import { Confirm } from '../../parts/Confirm';
import { useLive } from '../../parts/live';
import css from '../../parts/parts';
import { Skeleton } from '../../parts/Skeleton';
import { Fault } from '../../parts/States';
import { Table } from '../../parts/Table';
import { Ago } from '../../parts/Time';

type Group = Schemas['DeadLetterGroup'];

export const groupHeads = [{ number: 'Jobs' }, 'Workflow', 'Failed of', 'First', 'Newest', 'Actions'];

/** DeadGroups are dead letters that failed of the same, each group with one way to try all of them again. */
export function DeadGroups({ act, mayRun, onDone }: { act: Act; mayRun: boolean; onDone: () => void }) {
  const list = useLive<Schemas['DeadLetterGroups']>('dlq groups', {
    topics: ['jobs'],
    ask: (s) => call('GET', '/dlq/groups', undefined, s),
    take: (_, f) => (['failed', 'timeout'].includes(f.to_state ?? '') || f.op === 'del' ? 'again' : undefined),
  });
  const [again, setAgain] = useState<Group>();
  if (list.error && !list.data) return <Fault error={list.error} again={list.again} />;
  if (!list.data) return <Skeleton what="groups" heads={groupHeads} />;
  return (
    <>
      <Table label="Groups" heads={groupHeads}>
        {list.data.groups.map((g) => (
          <tr key={g.fingerprint}>
            <td data-number>{g.count}</td>
            <td>{g.workflow_name}</td>
            <td>
              {g.message}
              <div className={css.hint}>
                {g.error_type}
                {g.node && ` at ${g.node}`}
              </div>
            </td>
            <td>
              <Ago at={g.first_failed_at} />
            </td>
            <td>
              <Link to="/fleet/jobs/$id" params={{ id: g.sample_job_id }} search={{}}>
                <Ago at={g.last_failed_at} />
              </Link>
            </td>
            <td>
              <button
                type="button"
                disabled={!mayRun || act.busy}
                aria-label={`Retry all ${g.count} of ${g.workflow_name}: ${g.message}`}
                onClick={() => setAgain(g)}
              >
                Retry {g.count === 1 ? 'it' : `all ${g.count}`}…
              </button>
            </td>
          </tr>
        ))}
      </Table>
      <p className={css.hint}>
        Alike are failures of one workflow and node whose messages differ in numbers and quoted names alone.
        {list.data.more && ' Older dead letters than the newest 2000 are in no group.'}
      </p>
      {again && (
        <Confirm
          title={`Retry ${again.count} ${again.count === 1 ? 'job' : 'jobs'} of ${again.workflow_name}?`}
          action="Make the new jobs"
          busy={act.busy}
          onClose={() => setAgain(undefined)}
          onConfirm={() => {
            setAgain(undefined);
            void act
              .run(
                'Retrying…',
                () => call<Schemas['GroupRetryAnswer']>('POST', `/dlq/groups/${encodeURIComponent(again.fingerprint)}/retry`),
                (a) => [a.message, ...a.refused.slice(0, 3).map((r) => `…${r.job_id.slice(-8)}: ${r.why}`)].join(' '),
              )
              .then(() => {
                list.again();
                onDone();
              });
          }}
        >
          <p>Each of them becomes a new job with the same version and inputs, 500 at once at most. All failed of: {again.message}</p>
        </Confirm>
      )}
    </>
  );
}
