import { useEffect, useState } from 'react';
import { call, type Schemas } from '../../api/client';
import { clock } from '../../parts/Time';
import css from './job.module.css';
import { ansi } from './log';

const shown = 10;
const part = 5000;
const parts = 4; // at most this many of an attempt that is not the first

/** LastLines are the last words of an attempt. */
export function LastLines({ id, epoch, open }: { id: string; epoch: number; open?: boolean }) {
  const [lines, setLines] = useState<Schemas['LogLine'][]>([]);
  useEffect(() => {
    const end = new AbortController();
    const get = <T,>(path: string) => call<T>('GET', `/jobs/${id}/${path}`, undefined, end.signal);
    const read = async () => {
      let from = 1;
      // Lines are counted over all attempts, so that the end of the first alone is known.
      if (epoch === 1) from = Math.max(1, (await get<Schemas['LogFound']>('log/search?limit=1')).lines - shown + 1);
      let last: Schemas['LogLine'][] = [];
      for (let i = 0; i < parts; i++) {
        const page = await get<Schemas['LogPage']>(`log?epoch=${epoch}&from_line=${from}&limit=${part}`);
        last = [...last, ...page.lines.filter((l) => l.epoch === epoch)].slice(-shown);
        if (page.lines.length < part || page.next_epoch !== epoch) break;
        from = page.next_line;
      }
      setLines(last);
    };
    read().catch(() => undefined); // the log says itself what is wrong with it
    return () => end.abort();
  }, [id, epoch]);
  if (lines.length === 0) return null;
  return (
    <details open={open}>
      <summary>{lines.length === 1 ? 'Its last line' : `Its last ${lines.length} lines`}</summary>
      <pre className={css.value}>
        {lines.map((l) => (
          <span key={`${l.epoch}.${l.line}`}>
            {clock(l.at)} {l.level.toUpperCase()} {l.node_id ? `${l.node_id} ` : ''}
            {ansi(l.message.trimEnd())
              .map((r) => r.text)
              .join('')}
            {'\n'}
          </span>
        ))}
      </pre>
    </details>
  );
}
