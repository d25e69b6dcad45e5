import { call, type Schemas } from '../../api/client';
import { Lines } from '../../parts/Chart';
import { useEvery } from '../../parts/every';
import { useLive } from '../../parts/live';
import css from '../../parts/parts';
import { Fault, Loading } from '../../parts/States';
import { exact } from '../../parts/Time';
import { count, depthRanges } from './items';
import own from './queue.module.css';

/** Depth is how many items of a queue were new over time. It is read once a minute, so it is asked for as often. */
export function Depth({ at, range, onRange }: { at: string; range: string; onRange: (r: string) => void }) {
  const path = `${at}/depth?range=${range || '24h'}`;
  const asked = useLive<Schemas['QueueDepth']>(path, { topics: [], ask: (s) => call('GET', path, undefined, s) });
  useEvery(60_000, asked.again);
  const d = asked.data;
  if (!d) return asked.error ? <Fault error={asked.error} again={asked.again} /> : <Loading what="the course of the queue" />;
  const has = d.points.map((p) => p.readings > 0);
  const read = d.points.filter((p) => p.readings > 0);
  const peak = Math.max(0, ...read.map((p) => p.peak));
  return (
    <div className={own.depth}>
      <Lines
        title="New items over time"
        say={
          read.length === 0
            ? 'Nothing was read yet: the first reading comes within a minute.'
            : `At most ${count(peak)} new, ${count(read.at(-1)?.depth ?? 0)} at the end, ${count(read[0]?.depth ?? 0)} at the beginning.`
        }
        labels={d.points.map((p) => exact(p.at).slice(5, 16))}
        unit={count}
        least={1}
        has={has}
        series={[
          { name: 'Mean', tone: 'one', values: d.points.map((p) => p.depth) },
          { name: 'Most', tone: 'three', values: d.points.map((p) => p.peak) },
        ]}
      >
        <div className={css.bar}>
          {depthRanges.map((r) => (
            <button key={r.word} type="button" aria-pressed={(range || '24h') === r.word} onClick={() => onRange(r.word === '24h' ? '' : r.word)}>
              {r.name}
            </button>
          ))}
          {read.length === 0 && <span className={css.hint}>Nothing was read yet: the first reading comes within a minute.</span>}
        </div>
      </Lines>
    </div>
  );
}
