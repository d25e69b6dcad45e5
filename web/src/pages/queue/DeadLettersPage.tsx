import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { call, type Schemas } from '../../api/client';
import { useAct } from '../../parts/act';
import { Confirm } from '../../parts/Confirm';
import { useLive } from '../../parts/live';
import { PageHead } from '../../parts/PageHead';
import { Pager } from '../../parts/Pager';
import css from '../../parts/parts';
import { useRows } from '../../parts/rows';
import { Said } from '../../parts/Said';
import { Old, Skeleton } from '../../parts/Skeleton';
import { Empty, Fault } from '../../parts/States';
import { useMay } from '../../parts/session';
import { Table } from '../../parts/Table';
import { Ago } from '../../parts/Time';
import { label } from '../../parts/words';
import { DeadGroups, groupHeads } from './DeadGroups';

export type DeadView = 'open' | 'groups' | 'all';

type Entry = Schemas['DeadLetterEntry'];

const heads = ['Workflow', 'Job', 'Why', 'Error', 'Failed', 'Tries', 'Actions'];

/** DeadLettersPage lists jobs that failed for good, until somebody has looked after them. */
export function DeadLettersPage({ view, onView, onJob }: { view: DeadView; onView: (v: DeadView) => void; onJob: (id: string) => void }) {
  const all = view === 'all';
  const [trail, setTrail] = useState<string[]>([]);
  const cursor = trail.at(-1);
  const q = `limit=100${all ? '&all=true' : ''}${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`;
  const list = useLive<Schemas['DeadLetterList']>(`dlq ${q}`, {
    topics: ['jobs'],
    ask: (s) => call('GET', `/dlq?${q}`, undefined, s),
    take: (_, f) => (['failed', 'timeout'].includes(f.to_state ?? '') || f.op === 'del' ? 'again' : undefined),
  });
  const mayRun = useMay('jobs:run');
  const mayPurge = useMay('jobs:purge');
  const [gone, setGone] = useState<Entry>();
  const [purge, setPurge] = useState(false);
  const [days, setDays] = useState('30');
  const act = useAct();
  const rows = list.data?.entries ?? [];
  const row = useRows({
    ids: view === 'groups' ? [] : rows.map((e) => e.entry_id),
    open: (id) => void onJob(rows.find((e) => e.entry_id === id)?.job_id ?? ''),
  });
  return (
    <div className={css.page}>
      <PageHead title="Dead letters" facts={list.data && `${list.data.pending} to look after, ${list.data.total} in all`} fleet>
        <button type="button" disabled={!mayPurge || rows.length === 0} onClick={() => setPurge(true)}>
          Purge…
        </button>
      </PageHead>
      <div className={css.bar} data-filters>
        <button type="button" aria-pressed={view === 'open'} onClick={() => onView('open')}>
          To look after
        </button>
        <button type="button" aria-pressed={view === 'groups'} onClick={() => onView('groups')}>
          By failure
        </button>
        <button type="button" aria-pressed={all} onClick={() => onView('all')}>
          All
        </button>
      </div>
      <Said act={act} />
      {list.error && <Fault error={list.error} asOf={list.data ? list.asOf : ''} again={list.again} />}
      {!list.data && !list.error && <Skeleton what="dead letters" heads={view === 'groups' ? groupHeads : heads} />}
      {list.data && rows.length === 0 && (
        <Empty command="fleet deadletter list --all">
          {all ? 'No dead letters.' : 'No dead letter waits for you.'} A job lands here when it has failed and is not tried again by itself.
        </Empty>
      )}
      <Old when={list.error !== undefined && list.data !== undefined}>
        {view === 'groups' && rows.length > 0 && <DeadGroups act={act} mayRun={mayRun ?? false} onDone={list.again} />}
        {view !== 'groups' && rows.length > 0 && (
          <Table label="Dead letters" heads={heads}>
            {rows.map((e) => (
              <tr key={e.entry_id} {...row(e.entry_id)}>
                <td>{e.workflow_name}</td>
                <td>
                  <Link to="/fleet/jobs/$id" params={{ id: e.job_id }} search={{}} className={`${css.mono} ${css.keep}`}>
                    …{e.job_id.slice(-8)}
                  </Link>
                </td>
                <td>{label(e.reason)}</td>
                <td>
                  {e.error_message ?? label(e.error_class)}
                  {e.error_details?.node && <span className={css.hint}> at {e.error_details.node}</span>}
                </td>
                <td>
                  <Ago at={e.failed_at} />
                </td>
                <td>{e.retry_count + 1}</td>
                <td className={e.reprocessed_at ? undefined : css.keep}>
                  {e.reprocessed_at ? (
                    <span className={css.hint}>
                      Looked after <Ago at={e.reprocessed_at} />
                      {e.reprocessed_by && ` by ${e.reprocessed_by}`}
                    </span>
                  ) : (
                    <button
                      type="button"
                      disabled={!mayRun || act.busy}
                      aria-label={`Retry ${e.workflow_name} ${e.job_id}`}
                      onClick={() =>
                        void act
                          .run(
                            'Retrying…',
                            () => call<Schemas['RetryAnswer']>('POST', `/dlq/${e.entry_id}/retry`),
                            (a) => a.message,
                          )
                          .then(list.again)
                      }
                    >
                      Retry
                    </button>
                  )}{' '}
                  <button type="button" disabled={!mayPurge} aria-label={`Delete ${e.workflow_name} ${e.job_id}`} onClick={() => setGone(e)}>
                    Delete…
                  </button>
                </td>
              </tr>
            ))}
          </Table>
        )}
      </Old>
      {view !== 'groups' && <Pager trail={trail} next={list.data?.next_cursor} onTrail={setTrail} words={['Newer', 'Older']} />}
      {gone && (
        <Confirm
          title={`Delete the dead letter of ${gone.workflow_name}?`}
          action="Delete it"
          onClose={() => setGone(undefined)}
          onConfirm={() => {
            setGone(undefined);
            void act
              .run(
                'Deleting…',
                () => call<Schemas['DeletedDeadLetter']>('DELETE', `/dlq/${gone.entry_id}`),
                () => 'Deleted.',
              )
              .then(list.again);
          }}
        >
          <p>The entry goes; it cannot be brought back.</p>
        </Confirm>
      )}
      {purge && (
        <Confirm
          title="Purge dead letters"
          action="Purge"
          disabled={Number(days) < 0 || days === ''}
          onClose={() => setPurge(false)}
          onConfirm={() => {
            setPurge(false);
            void act
              .run(
                'Purging…',
                () => call<Schemas['PurgeAnswer']>('POST', '/dlq/purge', { older_than_days: Number(days) } satisfies Schemas['PurgeBody']),
                (a) => `${a.purged} went.`,
              )
              .then(list.again);
          }}
        >
          <label>
            Older than so many days <input type="number" min={0} value={days} onChange={(e) => setDays(e.target.value)} />
          </label>
          <p>They cannot be brought back.</p>
        </Confirm>
      )}
    </div>
  );
}
