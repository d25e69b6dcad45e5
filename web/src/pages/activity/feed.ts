/** The events that the page of activity has read: one piece of the log without a hole. Pure. */
import type { Schemas } from '../../api/client';

type Event = Schemas['Event'];
type EventPage = Schemas['EventPage'];

export interface Feed {
  events: readonly Event[]; // newest last
  from: number; // every event after this number was read
  keep: number; // how many may be kept; the oldest go first
}

export const page = 500;
const bound = 5000;
const farthest = 4; // pages of news that are read; after more a new piece begins

/** Read asks for events after a number, the oldest first, at most limit. */
export type Read = (after: number | 'now', limit: number) => Promise<EventPage>;

const last = (f: Feed): number => f.events.at(-1)?.seq ?? f.from;

/** trim drops the oldest that are too many, and says where the piece begins now. */
function trim(f: Feed): Feed {
  const over = f.events.length - f.keep;
  return over > 0 ? { ...f, events: f.events.slice(over), from: f.events[over - 1]?.seq ?? f.from } : f;
}

/** add is the piece with newer events behind it; what it has already is left out. */
export function add(f: Feed, news: readonly Event[]): Feed {
  const after = last(f);
  const more = news.filter((e) => e.seq > after);
  return more.length === 0 ? f : trim({ ...f, events: [...f.events, ...more] });
}

/** older is the piece with events before it, all of those after the number from. */
export function older(f: Feed, events: readonly Event[], from: number): Feed {
  const more = events.filter((e) => e.seq > from && e.seq <= f.from);
  return { events: [...more, ...f.events], from, keep: Math.max(f.keep, f.events.length + more.length + page) };
}

/** fresh goes on with the piece that is there, or begins a new one at the end of the log. */
export async function fresh(read: Read, have: () => Feed | undefined): Promise<Feed> {
  const was = have();
  const head = (await read('now', 1)).head;
  if (was && head - last(was) <= farthest * page) {
    const news: Event[] = [];
    for (let after = last(was); ; ) {
      const p = await read(after, page);
      news.push(...p.events);
      const end = p.events.at(-1)?.seq ?? after;
      if (p.events.length < page || end >= head) break;
      after = end;
    }
    return add(have() ?? was, news); // older ones may have been read meanwhile
  }
  const from = Math.max(0, head - page);
  return { events: (await read(from, page)).events, from, keep: bound };
}

/** earlier reads the page before the piece. */
export async function earlier(read: Read, f: Feed): Promise<{ events: readonly Event[]; from: number }> {
  const from = Math.max(0, f.from - page);
  return { events: (await read(from, page)).events, from };
}
