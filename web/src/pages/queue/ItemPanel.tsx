import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { call, type Schemas } from '../../api/client';
import { useAct } from '../../parts/act';
import { Confirm } from '../../parts/Confirm';
import { Drawer } from '../../parts/Drawer';
import { later } from '../../parts/later';
import { useLive } from '../../parts/live';
import css from '../../parts/parts';
import { Said } from '../../parts/Said';
import { Fault, Loading } from '../../parts/States';
import { Status } from '../../parts/Status';
import { exact } from '../../parts/Time';
import { label, priority, span } from '../../parts/words';
import { may } from './items';

type Item = Schemas['QueueItem'];

/** firstLine is what of a message is looked for in a log. */
const firstLine = (text: string): string => (text.split('\n')[0] ?? '').slice(0, 80);

/** ItemPanel is one item: what it holds, what became of it, and all tries of it. */
export function ItemPanel({
  id,
  mayRun,
  onOpen,
  onClose,
  onDone,
}: {
  id: string;
  mayRun: boolean | undefined;
  onOpen: (id: string) => void;
  onClose: () => void;
  onDone: () => void;
}) {
  const at = `/queue-items/${encodeURIComponent(id)}`;
  const item = useLive<Item>(at, { topics: ['queues'], ask: (s) => call('GET', at, undefined, s) });
  const chain = useLive<Schemas['ItemList']>(`${at}/chain`, { topics: ['queues'], ask: (s) => call('GET', `${at}/chain`, undefined, s) });
  const [open, setOpen] = useState<'postpone' | 'comment'>();
  const [until, setUntil] = useState('');
  const [text, setText] = useState('');
  const act = useAct();
  const i = item.data;
  const all = () => {
    item.again();
    chain.again();
    onDone();
  };
  if (!i)
    return (
      <Drawer label="Item" onClose={onClose}>
        {item.error ? <Fault error={item.error} again={item.again} /> : <Loading what="the item" />}
        <button type="button" onClick={onClose}>
          Close
        </button>
      </Drawer>
    );
  const name = i.reference ?? `…${i.id.slice(-8)}`;
  const remove = () => {
    later(
      `${name} is deleted in 8 s; no robot takes it any more.`,
      () =>
        void act
          .run(
            'Deleting…',
            () => call('DELETE', at).then(() => true),
            () => 'Deleted.',
          )
          .then(onDone),
    );
    onClose();
  };
  return (
    <Drawer label={`Item ${name}`} onClose={onClose}>
      <div className={css.bar}>
        <h2>{name}</h2>
        <Status word={i.status} {...(i.review ? { more: `· ${label(i.review)}${i.reviewer ? ` by ${i.reviewer}` : ''}` } : {})} />
        <span className={css.grow} />
        {may.retry(i) && (
          <button
            type="button"
            disabled={!mayRun || act.busy}
            onClick={() =>
              void act
                .run(
                  'Retrying…',
                  () => call<Item>('POST', `${at}/retry`),
                  (n) => `It is tried again as item …${n.id.slice(-8)}.`,
                )
                .then((n) => {
                  all();
                  if (n) onOpen(n.id);
                })
            }
          >
            Retry
          </button>
        )}
        {may.postpone(i) && (
          <button type="button" disabled={!mayRun} onClick={() => setOpen('postpone')}>
            Postpone…
          </button>
        )}
        {may.review(i) && i.review !== 'verified' && (
          <button
            type="button"
            disabled={!mayRun || act.busy}
            onClick={() =>
              void act
                .run(
                  'Noting…',
                  () => call('POST', `${at}/review`, { review: 'verified' } satisfies Schemas['ReviewBody']),
                  () => 'It is marked as looked at.',
                )
                .then(all)
            }
          >
            Mark as verified
          </button>
        )}
        <button type="button" disabled={!mayRun} onClick={() => setOpen('comment')}>
          Comment…
        </button>
        {may.remove(i) && (
          <button type="button" disabled={!mayRun} onClick={remove}>
            Delete
          </button>
        )}
        <button type="button" onClick={onClose}>
          Close
        </button>
      </div>
      <Said act={act} />
      {i.error_message && (
        <p className={css.bad}>
          {i.processing_exception_type ? `${label(i.processing_exception_type.replace('Exception', ''))} error: ` : ''}
          {i.error_message} {i.error_type && !/Exception$/.test(i.error_type) && `(${i.error_type})`}
        </p>
      )}
      <dl className={css.facts}>
        <dt>Item</dt>
        <dd className={css.mono}>{i.id}</dd>
        <dt>Priority (0 goes first)</dt>
        <dd>{priority(i.priority)}</dd>
        <dt>Created</dt>
        <dd>{exact(i.created_at)}</dd>
        {i.not_before && (
          <>
            <dt>Not before</dt>
            <dd>{exact(i.not_before)}</dd>
          </>
        )}
        {i.deadline && (
          <>
            <dt>Deadline</dt>
            <dd>
              {exact(i.deadline)} {i.overdue && <span className={css.warn}>overdue</span>}
            </dd>
          </>
        )}
        {i.job_id && (
          <>
            <dt>Job</dt>
            <dd>
              <Link to="/fleet/jobs/$id" params={{ id: i.job_id }} search={{}}>
                …{i.job_id.slice(-8)}
              </Link>{' '}
              {i.robot_name ?? i.robot_id}{' '}
              <Link to="/fleet/jobs/$id" params={{ id: i.job_id }} search={{ pane: 'log', ...(i.error_message ? { logq: firstLine(i.error_message) } : {}) }}>
                {i.error_message ? 'The line of its log' : 'Its log'}
              </Link>
            </dd>
          </>
        )}
        {i.duration_ms !== undefined && (
          <>
            <dt>Took</dt>
            <dd>{span(i.duration_ms)}</dd>
          </>
        )}
      </dl>
      <h2>Data</h2>
      <pre className={css.pre}>{JSON.stringify(i.data ?? null, null, 2)}</pre>
      {i.output !== undefined && i.output !== null && (
        <>
          <h2>Output</h2>
          <pre className={css.pre}>{JSON.stringify(i.output, null, 2)}</pre>
        </>
      )}
      {(chain.data?.items.length ?? 0) > 1 && (
        <>
          <h2>All tries</h2>
          <ol className={css.list}>
            {chain.data?.items.map((c) => (
              <li key={c.id}>
                <span>Try {c.retry_no + 1}</span>
                <Status word={c.status} />
                {c.id === i.id ? (
                  'this one'
                ) : (
                  <button type="button" className={css.link} onClick={() => onOpen(c.id)}>
                    …{c.id.slice(-8)}
                  </button>
                )}
                {c.job_id && (
                  <Link
                    to="/fleet/jobs/$id"
                    params={{ id: c.job_id }}
                    search={{ pane: 'log', ...(c.error_message ? { logq: firstLine(c.error_message) } : {}) }}
                  >
                    {c.error_message ? 'line of the log' : 'log'}
                  </Link>
                )}
                <span className={css.fact}>
                  {exact(c.created_at)} {c.error_message}
                </span>
              </li>
            ))}
          </ol>
        </>
      )}
      {(i.comments?.length ?? 0) > 0 && (
        <>
          <h2>Comments</h2>
          <ul className={css.list}>
            {i.comments?.map((c) => (
              <li key={c.at + c.text}>
                {c.text}
                <span className={css.fact}>
                  {c.by}, {exact(c.at)}
                </span>
              </li>
            ))}
          </ul>
        </>
      )}
      {open === 'postpone' && (
        <Confirm
          title={`Postpone ${name}`}
          action="Postpone"
          disabled={until === ''}
          onClose={() => setOpen(undefined)}
          onConfirm={() => {
            setOpen(undefined);
            void act
              .run(
                'Postponing…',
                () => call<Item>('POST', `${at}/postpone`, { until: new Date(until).toISOString() }),
                (n) => `Nobody takes it before ${exact(n.not_before ?? until)}.`,
              )
              .then(all);
          }}
        >
          <label>
            Nobody takes it before <input type="datetime-local" required value={until} onChange={(e) => setUntil(e.target.value)} />
          </label>
        </Confirm>
      )}
      {open === 'comment' && (
        <Confirm
          title={`Comment on ${name}`}
          action="Add the comment"
          disabled={text.trim() === ''}
          onClose={() => setOpen(undefined)}
          onConfirm={() => {
            setOpen(undefined);
            void act
              .run(
                'Noting…',
                () => call('POST', `${at}/comments`, { text }),
                () => 'The comment is kept.',
              )
              .then(all);
            setText('');
          }}
        >
          <label>
            Comment <textarea value={text} onChange={(e) => setText(e.target.value)} />
          </label>
        </Confirm>
      )}
    </Drawer>
  );
}
