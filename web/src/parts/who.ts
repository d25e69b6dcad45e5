import { useCallback, useEffect, useState } from 'react';
import type { Me, Schemas } from '../api/client';
import { hidden, onShown } from './shown';
import { setServerTime } from './Time';

export interface Who {
  meta: Schemas['Meta'] | undefined;
  me: Me | undefined; // nobody while nobody is signed in
  state: 'asking' | 'in' | 'out' | 'lost';
  /** ask asks who is signed in: ms to wait as the server wants it, or undefined when it is nobody. */
  ask: () => Promise<number | undefined>;
  /** again asks for everything at once. */
  again: () => void;
}

const often = 10_000;
const lostOften = 3000;

interface Asked {
  meta: Promise<Response>;
  me: Promise<Response>;
}

/** question asks both at once: each of them is a way to the server and back. */
function question(): Asked {
  const asked = { meta: fetch('/api/v1/meta'), me: fetch('/api/v1/me') };
  asked.me.catch(() => undefined); // whoever waits for it first is told
  return asked;
}

let early: Asked | undefined;

/** askEarly asks while the page is still being built; the first round takes the answers. */
export function askEarly(): void {
  if (hidden()) return; // by the time that somebody looks the answers would be old
  early = question();
  early.meta.catch(() => undefined);
}

/** useWho keeps asking the server what it is and who is signed in, while somebody looks. */
export function useWho(): Who {
  const [meta, setMeta] = useState<Schemas['Meta']>();
  const [me, setMe] = useState<Me>();
  const [state, setState] = useState<Who['state']>('asking');
  const [turn, setTurn] = useState(0);
  const take = useCallback(async (asked: Promise<Response>): Promise<number | undefined> => {
    const r = await asked;
    if (r.status === 401) {
      setMe(undefined);
      setState('out');
      return undefined;
    }
    if (!r.ok) throw new Error(`The server answered ${r.status}.`);
    const got = (await r.json()) as Me;
    setMe((was) => (JSON.stringify(was) === JSON.stringify(got) ? was : got));
    setState('in');
    return 1000 * Number(r.headers.get('Retry-After') ?? 0);
  }, []);
  const ask = useCallback(() => take(fetch('/api/v1/me')), [take]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: turn asks once more
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let gone = false;
    let asking = false;
    const round = async () => {
      timer = undefined;
      if (hidden()) return; // being shown goes on
      asking = true;
      let next = often;
      try {
        const asked = early ?? question();
        early = undefined;
        const m = await asked.meta;
        if (gone) return;
        if (m.ok) {
          const got = (await m.json()) as Schemas['Meta'];
          if (gone) return;
          setServerTime(got.now);
          setMeta(got);
        }
        await take(asked.me);
      } catch {
        if (gone) return;
        setState('lost');
        next = lostOften;
      } finally {
        asking = false;
        if (!gone) timer = setTimeout(() => void round(), next);
      }
    };
    const leave = onShown(() => {
      if (asking) return;
      clearTimeout(timer);
      void round();
    });
    void round();
    return () => {
      gone = true;
      leave();
      clearTimeout(timer);
    };
  }, [turn, take]);
  return { meta, me, state, ask, again: useCallback(() => setTurn((n) => n + 1), []) };
}
