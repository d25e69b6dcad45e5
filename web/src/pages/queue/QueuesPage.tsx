import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { call, type Schemas } from '../../api/client';
import { useAct } from '../../parts/act';
import { Confirm } from '../../parts/Confirm';
import { useEvery } from '../../parts/every';
import { useLive } from '../../parts/live';
import { PageHead } from '../../parts/PageHead';
import css from '../../parts/parts';
import { Said } from '../../parts/Said';
import { Spark } from '../../parts/Spark';
import { Empty, Fault, Loading } from '../../parts/States';
import { Status } from '../../parts/Status';
import { useMay } from '../../parts/session';
import { span } from '../../parts/words';
import { glance, type QueueSearch } from './items';
import { QueueView } from './QueueView';

type Queue = Schemas['QueueAnswer'];
type Figures = Schemas['QueueFigures'];

/** QueuesPage lists transaction queues, and shows the one that is chosen. */
export function QueuesPage({
  id,
  search,
  onSearch,
  onOpen,
}: {
  id: string;
  search: QueueSearch;
  onSearch: (s: QueueSearch, typing?: boolean) => void;
  onOpen: (id: string, search?: QueueSearch) => void;
}) {
  const list = useLive<Schemas['QueueList']>('queues', {
    topics: ['queues'],
    ask: (s) => call('GET', '/queues', undefined, s),
  });
  const figures = useLive<Schemas['QueueFiguresList']>('queue figures', {
    topics: [],
    ask: (s) => call('GET', '/queue-figures', undefined, s),
  });
  useEvery(30_000, figures.again);
  const mayWrite = useMay('queues:write');
  const [making, setMaking] = useState(false);
  const queues = list.data?.queues ?? [];
  const shown = id || queues[0]?.id || ''; // the first one, until somebody chooses
  return (
    <div className={css.page}>
      <PageHead title="Queues" facts={list.data && `${list.data.total} ${list.data.total === 1 ? 'queue' : 'queues'}`} fleet>
        <Link to="/fleet/dead-letters" search={{}}>
          Dead letters
        </Link>
        <button
          type="button"
          className={css.primary}
          disabled={!mayWrite}
          title={mayWrite === false ? 'This needs the permission queues:write.' : undefined}
          onClick={() => setMaking(true)}
        >
          New queue…
        </button>
      </PageHead>
      {list.error && <Fault error={list.error} asOf={list.data ? list.asOf : ''} again={list.again} />}
      {!list.data && !list.error && <Loading what="queues" />}
      {list.data && queues.length === 0 && (
        <Empty command={'fleet queue create invoices\nfleet item add invoices --reference 4711 --data \'{"amount": 12}\''}>
          No queues yet. A queue is a list of business work, such as invoices to pay: somebody fills it, robots take its items one by one, and people settle
          what went wrong.
        </Empty>
      )}
      {queues.length > 0 && (
        <div className={css.split}>
          <nav className={css.side} aria-label="Queues">
            {queues.map((q) => (
              <Entry key={q.id} queue={q} figures={figures.data?.queues.find((f) => f.queue_id === q.id)} chosen={q.id === shown} />
            ))}
          </nav>
          <QueueView
            key={shown}
            id={shown}
            others={queues.filter((q) => q.id !== shown)}
            search={search}
            onSearch={(s, typing) => (id ? onSearch(s, typing) : onOpen(shown, s))}
            onGone={() => onOpen('')}
          />
        </div>
      )}
      {making && (
        <NewQueue
          onClose={() => setMaking(false)}
          onMade={(q) => {
            setMaking(false);
            list.again();
            onOpen(q.id);
          }}
        />
      )}
    </div>
  );
}

function Entry({ queue: q, figures: f, chosen }: { queue: Queue; figures: Figures | undefined; chosen: boolean }) {
  const sla = f && glance(f.sla);
  return (
    <Link to="/fleet/queues/$id" params={{ id: q.id }} search={{}} {...(chosen ? { 'aria-current': 'page' as const } : {})}>
      <strong>{q.name}</strong> {q.paused && <Status word="paused" />}
      <br />
      <span className={css.hint}>
        {q.counts.new} new · {q.counts.in_progress} in progress · {q.counts.failed} failed
      </span>
      {f && (f.oldest_age_seconds > 0 || sla) && (
        <>
          <br />
          <span className={css.hint}>
            {f.oldest_age_seconds > 0 && <>Oldest {span(1000 * f.oldest_age_seconds)}</>}
            {f.oldest_age_seconds > 0 && sla && ' · '}
            {sla && (
              <>
                <span className={css.glyph} data-tone={sla.tone} aria-hidden="true">
                  {sla.shape}
                </span>
                {sla.word}
              </>
            )}
          </span>
        </>
      )}
      {f && <Spark values={f.course.map((p) => p.depth)} has={f.course.map((p) => p.readings > 0)} />}
    </Link>
  );
}

function NewQueue({ onClose, onMade }: { onClose: () => void; onMade: (q: Queue) => void }) {
  const [name, setName] = useState('');
  const [description, setDescription] = useState('');
  const [order, setOrder] = useState<NonNullable<Schemas['QueueBody']['order']>>('default');
  const [unique, setUnique] = useState<NonNullable<Schemas['QueueBody']['unique']>>('none');
  const [retries, setRetries] = useState('3');
  const act = useAct();
  const send = () =>
    act
      .run(
        'Making…',
        () =>
          call<Queue>('POST', '/queues', {
            name,
            order,
            unique,
            max_retries: Number(retries),
            auto_retry: Number(retries) > 0,
            ...(description ? { description } : {}),
          } satisfies Schemas['QueueBody']),
        (q) => `${q.name} is made.`,
      )
      .then((q) => q && onMade(q));
  return (
    <Confirm title="New queue" action="Make the queue" busy={act.busy} onConfirm={() => void send()} onClose={onClose}>
      <label>
        Name <input required value={name} onChange={(e) => setName(e.target.value)} />
      </label>
      <label>
        What it is for <input value={description} onChange={(e) => setDescription(e.target.value)} />
      </label>
      <label>
        Which item is next{' '}
        <select value={order} onChange={(e) => setOrder(e.target.value as typeof order)}>
          <option value="default">With a deadline first, by priority and deadline; then by priority, first in first out</option>
          <option value="fifo">First in, first out</option>
          <option value="earliest_deadline_first">The earliest deadline</option>
        </select>
      </label>
      <label>
        A reference stands once{' '}
        <select value={unique} onChange={(e) => setUnique(e.target.value as typeof unique)}>
          <option value="none">Never mind</option>
          <option value="while_active">Among what has not ended</option>
          <option value="forever">In the whole queue</option>
        </select>
      </label>
      <label>
        Tries after an application error <input type="number" min={0} max={100} value={retries} onChange={(e) => setRetries(e.target.value)} />
      </label>
      <Said act={act} />
    </Confirm>
  );
}
