import { Link } from '@tanstack/react-router';
import { useMemo, useState } from 'react';
import { call, type Schemas } from '../../api/client';
import { useLive } from '../../parts/live';
import css from '../../parts/parts.module.css';
import { Empty, Fault, Loading } from '../../parts/States';
import { clock, exact } from '../../parts/Time';
import { label } from '../../parts/words';
import { bursts, namesOf, nouns, summary, type Told, told } from '../../words/activity';

type Event = Schemas['Event'];

interface Feed {
  events: Event[]; // newest last
  from: number; // what is before this number was not read
}

const page = 500;
const bound = 5000;

async function read(after: number, signal?: AbortSignal): Promise<Event[]> {
  return (await call<Schemas['EventPage']>('GET', `/events?after=${Math.max(0, after)}&limit=${page}`, undefined, signal)).events;
}

/** ActivityPage tells what happens, newest first, and goes on telling. */
export function ActivityPage({ noun, onNoun }: { noun: string; onNoun: (n: string) => void }) {
  const [older, setOlder] = useState<Event[]>([]);
  const [oldest, setOldest] = useState<number>();
  const [why, setWhy] = useState('');
  const feed = useLive<Feed>('activity', {
    topics: ['events'],
    ask: async (signal) => {
      const head = (await call<Schemas['EventPage']>('GET', '/events?after=now&limit=1', undefined, signal)).head;
      const from = Math.max(0, head - page);
      return { events: await read(from, signal), from };
    },
    take: (data, f) => {
      const e = f.d as Event | undefined;
      if (!e || e.seq <= (data.events.at(-1)?.seq ?? data.from)) return undefined;
      return { ...data, events: [...data.events, e].slice(-bound) };
    },
  });
  const begin = oldest ?? feed.data?.from ?? 0;
  const list = useMemo(() => {
    const read = [...older, ...(feed.data?.events ?? [])];
    const names = namesOf(read);
    const all = read.filter((e) => !noun || e.type.startsWith(`${noun}.`));
    return bursts(all.map((e) => told(e, names)).reverse());
  }, [older, feed.data, noun]);
  const more = () =>
    read(begin - page)
      .then((events) => {
        setOlder((was) => [...events.filter((e) => e.seq <= begin), ...was]);
        setOldest(Math.max(0, begin - page));
        setWhy('');
      })
      .catch((e: Error) => setWhy(e.message));
  let day = '';
  return (
    <div className={css.page}>
      <div className={css.head}>
        <h1>Activity</h1>
        {feed.data && <span className={css.fact}>Newest first.</span>}
      </div>
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
      {feed.error && <Fault error={feed.error} asOf={feed.data ? feed.asOf : ''} again={feed.again} />}
      {!feed.data && !feed.error && <Loading what="activity" />}
      {feed.data && list.length === 0 && !noun && (
        <Empty command="fleet job submit examples/hello.json">Nothing has happened yet. What robots, jobs and people do appears here.</Empty>
      )}
      {feed.data && list.length === 0 && noun && (
        <div className={css.empty}>
          <p>
            Nothing of the kind “{label(noun)}” is among the {older.length + feed.data.events.length} events that were read.
          </p>
          <button type="button" onClick={() => onNoun('')}>
            Clear the filter
          </button>
        </div>
      )}
      <ul className={css.list}>
        {list.map((b) => {
          const today = exact(b.first.at).slice(0, 10);
          const head = today !== day;
          day = today;
          return (
            <li key={b.first.seq} style={{ display: 'block' }}>
              {head && <h2>{today}</h2>}
              {b.more.length > 0 ? (
                <details>
                  <summary>
                    <time dateTime={b.first.at}>{clock(b.first.at)}</time> {summary(b)}
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
      {feed.data && begin > 0 && (
        <p>
          <button type="button" onClick={() => void more()}>
            Older
          </button>
        </p>
      )}
    </div>
  );
}

function Entry({ t }: { t: Told }) {
  return (
    <>
      <time dateTime={t.at} title={exact(t.at)}>
        {clock(t.at)}
      </time>{' '}
      <span>{t.text}</span>{' '}
      {t.job && (
        <Link to="/fleet/jobs/$id" params={{ id: t.job }} search={{}}>
          Open the job
        </Link>
      )}{' '}
      {t.robot && !t.job && (
        <Link to="/fleet/robots/$id" params={{ id: t.robot }} search={{}}>
          Open the robot
        </Link>
      )}{' '}
      {t.actor && <span className={css.fact}>by {t.actor}</span>}
    </>
  );
}
