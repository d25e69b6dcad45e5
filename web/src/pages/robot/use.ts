/** How the parts of the page of robots read the fleet: each only what it shows. */
import { useEffect, useMemo, useRef, useState, useSyncExternalStore } from 'react';
import { call, type Schemas } from '../../api/client';
import { useLive, useRobots } from '../../parts/live';
import { isPaused } from '../../parts/paused';
import { hidden } from '../../parts/shown';
import { type Detail, Details } from './details';
import { type Limits, type Listed, listOf, type RobotSearch } from './rows';

export const useListed = (search: RobotSearch): Listed => listOf(useRobots(), search);

const after = (ms: number, f: () => void) => {
  const t = setTimeout(f, ms);
  return () => clearTimeout(t);
};

export function useDetails(): Details {
  const [d] = useState(
    () =>
      new Details(
        (ids, signal) => {
          const q = new URLSearchParams({ limit: String(ids.length) });
          for (const id of ids) q.append('robot_id', id);
          return call<Schemas['RobotHealthList']>('GET', `/fleet/health?${q}`, undefined, signal).then((a) => a.robots);
        },
        { after, resting: () => hidden() || isPaused() },
      ),
  );
  useEffect(() => {
    d.start();
    return () => d.stop();
  }, [d]);
  return d;
}

export function useDetail(d: Details, id: string): Detail | undefined {
  const sub = useMemo(() => (f: () => void) => d.sub(id, f), [d, id]);
  return useSyncExternalStore(sub, () => d.get(id));
}

export type LimitsOf = ReadonlyMap<string, Limits>;
const noLimits: LimitsOf = new Map();

/** useLimits are the times of silence that hold in each environment. */
export function useLimits(): LimitsOf {
  const list = useLive<Schemas['EnvironmentList']>('environments', {
    topics: ['events'],
    ask: (s) => call('GET', '/environments', undefined, s),
    take: (_, f) => (f.type === 'environment.changed' || f.type === 'robot.registered' ? 'again' : undefined),
  });
  return useMemo(
    () =>
      list.data
        ? new Map(list.data.environments.flatMap((e) => (e.timing ? [[e.name, { suspect: e.timing.suspect_seconds, lost: e.timing.lost_after_seconds }]] : [])))
        : noLimits,
    [list.data],
  );
}

/** useStable is a function that stays the same while what it does changes. */
export function useStable<A extends unknown[], R>(f: (...a: A) => R): (...a: A) => R {
  const now = useRef(f);
  now.current = f;
  const [same] = useState(
    () =>
      (...a: A): R =>
        now.current(...a),
  );
  return same;
}
