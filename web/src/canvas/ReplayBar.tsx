import { clock } from '../parts/Time';
import { failedAt, told } from './replay';
import css from './replay.module.css';
import { duration } from './run';
import type { Replay } from './useReplay';

const speeds = [1, 2, 4, 8] as const;

/** precise is a time of day with thousandths: nodes take less than a second. */
const precise = (ms: number): string => `${clock(ms)}.${String(Math.floor(ms) % 1000).padStart(3, '0')}`;

/** ReplayBar plays a run, and goes to any moment of it. Arrows step, Home and End go to its ends, Space plays. */
export function ReplayBar({ replay: r, title, failedNode }: { replay: Replay; title: (id: string) => string; failedNode: string }) {
  const { recording, count } = r;
  const most = recording.moments.length;
  if (most === 0) return null;
  const at = count === 0 ? recording.from : (recording.moments[count - 1]?.at ?? recording.from);
  const failed = failedAt(recording, failedNode);
  const words = told(recording, count, title);
  const where = `${duration(at - recording.from)} of ${duration(recording.to - recording.from)}`;
  const keys = (e: React.KeyboardEvent) => {
    if (e.key !== ' ' || e.target instanceof HTMLButtonElement || e.target instanceof HTMLSelectElement) return;
    e.preventDefault();
    r.play(!r.playing);
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: Space plays; the button beside it does the same
    <div className={css.bar} onKeyDown={keys}>
      <button type="button" className={css.act} aria-label="To the first moment" title="First moment (Home)" disabled={count === 0} onClick={() => r.go(0)}>
        |◂
      </button>
      <button type="button" className={css.act} aria-label="One moment back" title="One back (←)" disabled={count === 0} onClick={() => r.go(count - 1)}>
        ◂
      </button>
      <button type="button" className={css.play} title={`${r.playing ? 'Pause' : 'Play'} (Space)`} onClick={() => r.play(!r.playing)}>
        {r.playing ? '‖ Pause' : '▶ Play'}
      </button>
      <button type="button" className={css.act} aria-label="One moment on" title="One on (→)" disabled={!r.back} onClick={() => r.go(count + 1)}>
        ▸
      </button>
      <button type="button" className={css.act} aria-label="To the last moment" title="Last moment (End)" disabled={!r.back} onClick={r.end}>
        ▸|
      </button>
      <input
        type="range"
        className={css.range}
        min={0}
        max={most}
        value={count}
        aria-label="Moment of the run"
        aria-valuetext={`${words}, ${where}`}
        title="← → one moment, Home and End the ends, Space plays"
        onChange={(e) => r.go(Number(e.target.value))}
      />
      <span className={css.when}>
        <time dateTime={new Date(at).toISOString()}>{precise(at)}</time> · {where} · {count} of {most}
      </span>
      <span className={css.what}>{words}</span>
      <label className={css.speed}>
        Speed
        <select value={r.speed} onChange={(e) => r.setSpeed(Number(e.target.value))}>
          {speeds.map((s) => (
            <option key={s} value={s}>
              {s} ×
            </option>
          ))}
        </select>
      </label>
      {failed !== undefined && (
        <button type="button" className={css.act} title="The moment at which it failed" onClick={() => r.go(failed)}>
          ✕ Failure
        </button>
      )}
      {r.live && r.back && (
        <button type="button" className={css.act} onClick={r.end}>
          Show live
        </button>
      )}
      {r.live && !r.back && <span className={css.live}>◑ Live</span>}
    </div>
  );
}
