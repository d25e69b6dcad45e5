import { describe, expect, it } from 'vitest';
import type { Schemas } from '../../api/client';
import { add, earlier, type Feed, fresh, older, page, type Read } from './feed';

const event = (seq: number) => ({ seq, type: 'job.submitted' }) as unknown as Schemas['Event'];

/** log is a server with events 1 to head; each third belongs to another tenant and is not shown. */
function log(head: number) {
  const state = { head };
  const read: Read = async (after, limit) => {
    const events: Schemas['Event'][] = [];
    for (let seq = after === 'now' ? state.head + 1 : after + 1; seq <= state.head && events.length < limit; seq++) if (seq % 3 !== 0) events.push(event(seq));
    return { head: state.head, events } as unknown as Schemas['EventPage'];
  };
  return { state, read };
}

/** whole says that a piece has every event that is shown between its ends. */
function whole(f: Feed, head: number): void {
  const want: number[] = [];
  for (let seq = f.from + 1; seq <= head; seq++) if (seq % 3 !== 0) want.push(seq);
  expect(f.events.map((e) => e.seq)).toEqual(want);
}

describe('the events of the activity page', () => {
  it('have no hole, also when older ones are read while new ones come and the line is cut', async () => {
    const { state, read } = log(4000);
    let f = await fresh(read, () => undefined);
    whole(f, 4000);
    for (let i = 1; i <= 7; i++) {
      const old = earlier(read, f);
      state.head += 100;
      f = add(f, (await read(state.head - 100, page)).events); // told by the stream
      const o = await old;
      f = older(f, o.events, o.from);
      state.head += 700; // nobody told of these
      f = await fresh(read, () => f);
      whole(f, state.head);
    }
    expect(f.from).toBe(0);
  });
  it('keep older ones that come while news are asked for', async () => {
    const { state, read } = log(3000);
    let f = await fresh(read, () => undefined);
    state.head += 10;
    f = await fresh(
      async (after, limit) => {
        const p = await read(after, limit);
        if (after === 'now') return p;
        const o = await earlier(read, f);
        f = older(f, o.events, o.from);
        return p;
      },
      () => f,
    );
    whole(f, 3010);
    expect(f.from).toBe(2000);
  });
  it('are a new piece when too much was missed, and never more than are kept', async () => {
    const { state, read } = log(1000);
    let f = await fresh(read, () => undefined);
    state.head = 50_000;
    f = await fresh(read, () => f);
    expect(f.from).toBe(49_500);
    for (let i = 0; i < 20; i++) {
      state.head += 900;
      f = await fresh(read, () => f);
    }
    whole(f, state.head);
    expect(f.events.length).toBe(5000);
    expect(add(f, [event(5)])).toBe(f);
  });
});
