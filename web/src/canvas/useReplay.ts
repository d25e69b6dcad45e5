import { useCallback, useEffect, useMemo, useState } from 'react';
import type { Recording } from './passes';
import { recordingOf } from './passes';
import { pause, viewAt } from './replay';
import { final, type RunView } from './run';
import type { Watched } from './useRun';

export interface Replay {
  recording: Recording;
  view: RunView | undefined; // as it was then
  count: number; // moments that have been
  back: boolean; // an earlier moment is shown than the newest
  live: boolean; // the run goes on
  playing: boolean;
  speed: number;
  go: (count: number) => void;
  play: (on: boolean) => void;
  setSpeed: (n: number) => void;
  end: () => void; // shows the newest moment, and what comes
}

/** useReplay shows any moment of a run. It begins at the newest one and stays there until somebody goes back. */
export function useReplay(run: Watched): Replay {
  const recording = useMemo(() => recordingOf(run.passes), [run.passes]);
  const [at, setAt] = useState<number>(); // undefined: the newest moment
  const [playing, setPlaying] = useState(false);
  const [speed, setSpeed] = useState(1);
  const most = recording.moments.length;
  const count = at === undefined ? most : Math.min(at, most);
  const id = run.view?.id;
  // biome-ignore lint/correctness/useExhaustiveDependencies: another run begins at its own end
  useEffect(() => {
    setAt(undefined);
    setPlaying(false);
  }, [id]);
  const live = run.view !== undefined && !final(run.view.status);
  useEffect(() => {
    if (!playing) return;
    if (count >= most) {
      setPlaying(false);
      setAt(undefined);
      return;
    }
    const t = setTimeout(() => setAt(count + 1), pause(recording, count, speed));
    return () => clearTimeout(t);
  }, [playing, count, most, recording, speed]);
  const go = useCallback(
    (n: number) => {
      setPlaying(false);
      setAt(n >= most ? undefined : Math.max(0, n));
    },
    [most],
  );
  return {
    recording,
    view: useMemo(() => run.view && viewAt(run.view, recording, count), [run.view, recording, count]),
    count,
    back: count < most,
    live,
    playing,
    speed,
    go,
    play: (on) => {
      if (on && count >= most) setAt(0);
      else if (!on) setAt(count >= most ? undefined : count);
      setPlaying(on);
    },
    setSpeed,
    end: () => go(most),
  };
}
