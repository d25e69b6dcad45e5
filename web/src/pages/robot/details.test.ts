import { describe, expect, it } from 'vitest';
import { type Detail, Details } from './details';

/** A clock that stands until it is told to go on. */
function world() {
  const waiting: { at: number; f: () => void }[] = [];
  let now = 0;
  let resting = false;
  const asked: string[][] = [];
  let answer: (ids: readonly string[]) => Promise<Detail[]> = async (ids) => ids.map((id) => ({ robot_id: id, health: 'healthy' }) as Detail);
  const d = new Details(
    (ids) => {
      asked.push([...ids]);
      return answer(ids);
    },
    {
      after: (ms, f) => {
        const one = { at: now + ms, f };
        waiting.push(one);
        return () => void (waiting.includes(one) && waiting.splice(waiting.indexOf(one), 1));
      },
      resting: () => resting,
    },
  );
  const go = async (ms: number) => {
    now += ms;
    for (const one of waiting.filter((w) => w.at <= now)) {
      waiting.splice(waiting.indexOf(one), 1);
      one.f();
    }
    await new Promise((r) => setTimeout(r));
  };
  return { d, asked, go, rest: (on: boolean) => (resting = on), answers: (f: typeof answer) => (answer = f) };
}

describe('what is told of the robots on the screen', () => {
  it('is asked for once the list rests, for all of them at once', async () => {
    const w = world();
    w.d.look(['a', 'b'], '');
    await w.go(100);
    w.d.look(['b', 'c'], '');
    await w.go(200);
    expect(w.asked).toEqual([]);
    await w.go(100);
    expect(w.asked).toEqual([['b', 'c']]);
    expect(w.d.get('b')?.health).toBe('healthy');
    await w.go(9000);
    expect(w.asked.length).toBe(1);
    await w.go(2000);
    expect(w.asked.length).toBe(2);
  });
  it('tells only those of whom something has changed', async () => {
    const w = world();
    const told: string[] = [];
    w.d.sub('a', () => told.push('a'));
    w.d.sub('b', () => told.push('b'));
    w.d.look(['a', 'b'], '');
    await w.go(300);
    expect(told).toEqual(['a', 'b']);
    w.answers(async (ids) => ids.map((id) => ({ robot_id: id, health: id === 'a' ? 'failing' : 'healthy' }) as Detail));
    await w.go(10_000);
    expect(told).toEqual(['a', 'b', 'a']);
  });
  it('asks sooner when what they run has changed, and not while nobody looks', async () => {
    const w = world();
    w.d.look(['a'], '0');
    await w.go(300);
    w.d.look(['a'], '1');
    await w.go(1000);
    expect(w.asked.length).toBe(1);
    w.rest(true);
    await w.go(1000);
    expect(w.asked.length).toBe(1);
    w.rest(false);
    await w.go(10_000);
    expect(w.asked.length).toBe(2);
  });
  it('goes on after an answer that failed, and ends when it is stopped', async () => {
    const w = world();
    w.answers(() => Promise.reject(new Error('no')));
    w.d.look(['a'], '');
    await w.go(300);
    expect(w.d.get('a')).toBeUndefined();
    await w.go(10_000);
    expect(w.asked.length).toBe(2);
    w.d.stop();
    await w.go(60_000);
    expect(w.asked.length).toBe(2);
  });
});
