import { useState } from 'react';
import { Refusal } from '../api/client';

export interface Act {
  said: string; // what became of it, or what is being done
  bad: boolean;
  busy: boolean;
  /** run does something and tells how it went: what was asked first, what happened when the server says so. */
  run: <T>(doing: string, what: () => Promise<T>, done: (answer: T) => string) => Promise<T | undefined>;
  say: (text: string) => void;
}

export const sentence = (e: unknown): string =>
  e instanceof Refusal ? [e.message, e.fix].filter(Boolean).join(' ') : e instanceof Error ? e.message : String(e);

/** useAct keeps what a page says about what it does. */
export function useAct(): Act {
  const [s, set] = useState({ said: '', bad: false, busy: false });
  return {
    ...s,
    run: async (doing, what, done) => {
      set({ said: doing, bad: false, busy: true });
      try {
        const answer = await what();
        set({ said: done(answer), bad: false, busy: false });
        return answer;
      } catch (e) {
        set({ said: sentence(e), bad: true, busy: false });
        return undefined;
      }
    },
    say: (said) => set({ said, bad: false, busy: false }),
  };
}
