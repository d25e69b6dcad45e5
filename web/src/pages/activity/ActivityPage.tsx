import { Link } from '@tanstack/react-router';
import { memo, useMemo, useState } from 'react';
import { call, type Schemas } from '../../api/client';
import { Fold } from '../../parts/Fold';
import { useLive } from '../../parts/live';
import { PageHead } from '../../parts/PageHead';
import css from '../../parts/parts';
import { Empty, Fault, Loading } from '../../parts/States';
import { clock, exact } from '../../parts/Time';
import { label } from '../../parts/words';
import { bursts, namesOf, nouns, summary, type Told, told } from '../../words/activity';
import { add, earlier, type Feed, fresh, older, type Read } from './feed';

type Event = Schemas['Event'];

const read: (signal?: AbortSignal) => Read = (signal) => (after, limit) =>
  call<Schemas['EventPage']>('GET', `/events?after=${after}&limit=${limit}`, undefined, signal);

const step = 200;

/** ActivityPage tells what happens, newest first, and goes on telling. */
export function ActivityPage({ noun, onNoun }: { noun: string; onNoun: (n: string) => void }) {
  const [why, setWhy] = useState('');
  const [most, setMost] = useState(step); // rows that are drawn
  const feed = useLive<Feed>('activity', {
    topics: ['events'],
    ask: (signal, have) => fresh(read(signal), have),
    take: (data, f) => {
      const next = f.d ? add(data, [f.d as Event]) : data;
      return next === data ? undefined : next;
    },
  });
  const list = useMemo(() => {
    const events = feed.data?.events ?? [];
    const names = namesOf(events);
    const all = events.filter((e) => !noun || e.type.startsWith(`${noun}.`));
    return bursts(all.map((e) => told(e, names)).reverse());
  }, [feed.data, noun]);
  const more = () => {
    setMost(most + step);
    if (most < list.length) return; // there is more that was read already
    const was = feed.data;
    if (!was) return;
    earlier(read(), was)
      .then((o) => {
        // Another piece may be there by now, or this one may be longer at its old end already.
        feed.patch((now) => (now.from === was.from ? older(now, o.events, o.from) : now));
        setWhy('');
      })
      .catch((e: Error) => setWhy(e.message));
  };
  let day = '';
  return (
    <div className={css.page}>
      <PageHead title="Activity" facts={feed.data && 'Newest first.'} />
      <Fold name={noun ? `Only: ${label(noun)}` : 'Filter'}>
        {() => (
          <div className={css.bar}>
            <button type="button" aria-pressed={!noun} onClick={() => onNoun('')}>
              All
            </button>
            {nouns.map((n) => (
              <button key={n} type="button" aria-pressed={noun === n} onClick={() => onNoun(noun === n ? '' : n)}>
                {label(n)}
              </button>
            ))}
          </div>
        )}
      </Fold>
      {feed.error && <Fault error={feed.error} asOf={feed.data ? feed.asOf : ''} again={feed.again} />}
      {!feed.data && !feed.error && <Loading what="activity" />}
      {feed.data && list.length === 0 && !noun && (
        <Empty command="fleet job submit examples/hello.json">Nothing has happened yet. What robots, jobs and people do appears here.</Empty>
      )}
      {feed.data && list.length === 0 && noun && (
        <div className={css.empty}>
          <p>
            Nothing of the kind “{label(noun)}” is among the {feed.data.events.length} events that were read.
          </p>
          <button type="button" onClick={() => onNoun('')}>
            Clear the filter
          </button>
        </div>
      )}
      <ul className={css.list}>
        {list.slice(0, most).map((b) => {
          const today = exact(b.first.at).slice(0, 10);
          const head = today !== day;
          day = today;
          return (
            <li key={(b.more.at(-1) ?? b.first).seq} style={{ display: 'block' }}>
              {head && <h2>{today}</h2>}
              {b.more.length > 0 ? (
                <details>
                  <summary>
                    <time dateTime={b.first.at} title={exact(b.first.at)}>
                      {clock(b.first.at)}
                    </time>{' '}
                    {summary(b)}
                  </summary>
                  <ul className={css.list}>
                    {[b.first, ...b.more].map((t) => (
                      <li key={t.seq}>
                        <Entry t={t} />
                      </li>
                    ))}
                  </ul>
                </details>
              ) : (
                <Entry t={b.first} />
              )}
            </li>
          );
        })}
      </ul>
      {why && <p role="alert">{why}</p>}
      {feed.data && (feed.data.from > 0 || list.length > most) && (
        <p>
          <button type="button" onClick={more}>
            Older
          </button>
        </p>
      )}
    </div>
  );
}

/** Entry is drawn anew only when it reads otherwise: in a busy fleet ten come each second. */
const Entry = memo(
  function Entry({ t }: { t: Told }) {
    return (
      <>
        <time dateTime={t.at} title={exact(t.at)}>
          {clock(t.at)}
        </time>{' '}
        <span>
          <Sentence t={t} />
        </span>{' '}
        {t.actor && <span className={css.fact}>by {t.actor}</span>}
      </>
    );
  },
  (a, b) => a.t.seq === b.t.seq && a.t.text === b.t.text,
);

/** Sentence is what happened; what it names leads there. */
function Sentence({ t }: { t: Told }) {
  if (t.does === '')
    return (
      <Link to="/incidents/$id" params={{ id: t.id }} search={{}}>
        {t.text}
      </Link>
    );
  if (t.count)
    return (
      <>
        {t.text} in{' '}
        <Link to="/fleet/queues/$id" params={{ id: t.id }} search={{}}>
          their queue
        </Link>
      </>
    );
  return (
    <>
      {label(t.noun)} <Named t={t} /> {t.does}
      {t.noun === 'job' && t.robot && (
        <>
          {t.type === 'job.assigned' ? ' to ' : ' on '}
          <Link to="/fleet/robots/$id" params={{ id: t.robot }} search={{}}>
            {t.robot}
          </Link>
        </>
      )}
    </>
  );
}

function Named({ t }: { t: Told }) {
  if (t.type.endsWith('.deleted')) return <>{t.name}</>;
  const params = { id: t.id };
  switch (t.noun) {
    case 'job':
      return (
        <Link to="/fleet/jobs/$id" params={params} search={{}}>
          {t.name}
        </Link>
      );
    case 'robot':
      return (
        <Link to="/fleet/robots/$id" params={params} search={{}}>
          {t.name}
        </Link>
      );
    case 'item':
      return t.queue ? (
        <Link to="/fleet/queues/$id" params={{ id: t.queue }} search={{ sel: t.id }}>
          {t.name}
        </Link>
      ) : (
        t.name
      );
    case 'key':
      return <Link to="/fleet/api-keys">{t.name}</Link>;
    case 'user':
    case 'secret':
    case 'asset':
    case 'tenant':
    case 'environment':
    case 'calendar':
    case 'reservation':
    case 'webhook':
      return (
        <Link to="/settings/$part" params={{ part: `${t.noun}s` }}>
          {t.name}
        </Link>
      );
    case 'queue':
      return (
        <Link to="/fleet/queues/$id" params={params} search={{}}>
          {t.name}
        </Link>
      );
    case 'schedule':
      return (
        <Link to="/fleet/schedules/$id" params={params} search={{}}>
          {t.name}
        </Link>
      );
    case 'trigger':
      return (
        <Link to="/fleet/triggers/$id" params={params} search={{}}>
          {t.name}
        </Link>
      );
    case 'workflow':
      return (
        <Link to="/workflows/$id" params={params} search={{}}>
          {t.name}
        </Link>
      );
    default:
      return <>{t.name}</>;
  }
}
