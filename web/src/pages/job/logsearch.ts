import { useEffect, useState } from 'react';
import { call, type Schemas } from '../../api/client';

export interface LogSearch {
  text: string;
  step: (by: number) => void; // to the next match, or back
  found: number;
  words: string;
}

/** useLogSearch asks the server through all lines, and walks its matches. */
export function useLogSearch(id: string, level: string, text: string, go: (m: { epoch: number; line: number }) => void): LogSearch {
  const [got, setGot] = useState<{ text: string; found: Schemas['LogFound'] }>();
  const [at, setAt] = useState(-1);
  useEffect(() => {
    setAt(-1);
    if (text === '') return setGot(undefined);
    const end = new AbortController();
    const timer = setTimeout(() => {
      const q = new URLSearchParams({ q: text, limit: '5000' });
      if (level) q.set('level', level);
      call<Schemas['LogFound']>('GET', `/jobs/${id}/log/search?${q}`, undefined, end.signal)
        .then((found) => setGot({ text, found }))
        .catch(() => undefined); // the next letter asks again
    }, 200);
    return () => {
      clearTimeout(timer);
      end.abort();
    };
  }, [id, level, text]);
  const mine = got?.text === text ? got.found : undefined;
  const step = (by: number) => {
    const list = mine?.matches ?? [];
    if (list.length === 0) return;
    const next = ((((at < 0 && by < 0 ? 0 : at) + by) % list.length) + list.length) % list.length;
    const m = list[next];
    setAt(next);
    if (m) go({ epoch: m.epoch, line: m.line });
  };
  const found = mine?.found ?? 0;
  const more = mine && mine.found > mine.matches.length ? `, the first ${mine.matches.length} can be walked` : '';
  const words =
    text === ''
      ? ''
      : mine === undefined
        ? 'Searching…'
        : found === 0
          ? 'No line has it.'
          : `${at >= 0 ? `${at + 1} of ` : ''}${found} ${found === 1 ? 'line' : 'lines'}${more}`;
  return { text, step, found, words };
}

/** whole reads all lines of a log, for a file. */
export async function whole(id: string, level: string, each: (lines: readonly Schemas['LogLine'][]) => void): Promise<void> {
  for (let epoch = 1, line = 1; ; ) {
    const q = new URLSearchParams({ epoch: String(epoch), from_line: String(line), limit: '5000' });
    if (level) q.set('level', level);
    const p = await call<Schemas['LogPage']>('GET', `/jobs/${id}/log?${q}`);
    each(p.lines);
    if (p.lines.length < 5000) return;
    [epoch, line] = [p.next_epoch, p.next_line];
  }
}
