import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { fleet as store, stream, useConnection, useRobots } from '../parts/live';
import { type Connection, ofFleet, type PickerRobot } from '../parts/RobotPicker';
import { hidden, onShown } from '../parts/shown';
import { clock } from '../parts/Time';
import * as net from './net';
import { PickerRows } from './pickerrows';

export interface Fleet {
  meta: net.Meta | undefined;
  me: net.Me | undefined;
  robots: readonly PickerRobot[];
  asOf: string | undefined;
  connection: Connection;
  live: boolean;
  setLive: (on: boolean) => void;
  refresh: () => void;
  connect: ((url: string, key: string) => void) | undefined; // where the page may name another orchestrator
}

export const may = (me: net.Me | undefined, permission: string): boolean => me?.permissions.some((p) => p === permission) ?? false;

const every = 3000;

/** gone is what there is to do when the program on the author's own machine has ended. */
const gone = 'fleet canvas does not answer on this machine. Start it again; what is drawn here is kept as a draft.';

/** useFleet is what the picker shows: the server, the connection, the robots. */
export function useFleet(): Fleet {
  const [meta, setMeta] = useState<net.Meta>();
  const [me, setMe] = useState<net.Me>();
  const [robots, setRobots] = useState<readonly PickerRobot[]>([]);
  const [lost, setLost] = useState<{ since: string; why: string }>();
  const [seen, setSeen] = useState('');
  const [live, setLive] = useState(true);
  const [again, setAgain] = useState(0);

  // biome-ignore lint/correctness/useExhaustiveDependencies: again asks for another look
  useEffect(() => {
    const end = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let pages = 1; // of the list; a large fleet is looked at less often
    let asking = false;
    const look = async () => {
      if (hidden()) return; // being shown goes on
      asking = true;
      try {
        const m = await net.meta();
        if (end.signal.aborted) return;
        setMeta(m);
        const who = await net.me();
        if (end.signal.aborted) return;
        setMe(who);
        if (!m.orchestrator || m.orchestrator.state === 'connected') {
          if (may(who, 'robots:read') && stream.look().phase !== 'live') {
            const list = await net.robots(end.signal);
            if (end.signal.aborted) return;
            pages = Math.max(1, Math.ceil(list.length / 500));
            setRobots(list.map(asPicker));
          }
          setSeen(clock(Date.now()));
        }
        setLost(undefined);
      } catch (e) {
        if (end.signal.aborted) return;
        setLost((was) => was ?? { since: clock(Date.now()), why: e instanceof Error ? e.message : String(e) });
      }
      asking = false;
      if (live && !end.signal.aborted) timer = setTimeout(() => void look(), pages * every);
    };
    const leave = onShown(() => {
      if (!live || asking) return;
      clearTimeout(timer);
      void look();
    });
    void look();
    return () => {
      end.abort();
      leave();
      clearTimeout(timer);
    };
  }, [live, again]);

  const rows = useRobots();
  const follows = useConnection().phase === 'live' && store.loaded;
  const followed = useMemo(() => rows.map(ofFleet), [rows]);
  const kept = useRef<PickerRows>(null);
  kept.current ??= new PickerRows();
  const sources = { follows, live, followed, asked: robots };
  const shown = kept.current.next(sources);

  const link = meta?.orchestrator;
  const address = useRef(''); // the one that answered last
  if (link?.url) address.current = link.url;
  const since = seen || undefined;
  const connection: Connection = lost
    ? { state: 'offline', address: location.host, message: meta?.mode === 'canvas' ? gone : lost.why, since, tried: [] }
    : link
      ? { state: link.state, address: link.url ?? address.current, message: link.message, since, tried: link.tried }
      : { state: meta ? 'connected' : 'connecting', address: location.host, tried: [] };
  const connect = useCallback((url: string, key: string) => {
    net
      .connect(url, key)
      .catch(() => undefined) // the connection says how it went
      .finally(() => setAgain((n) => n + 1));
  }, []);

  return {
    meta,
    me,
    robots: shown,
    asOf: connection.state === 'connected' || connection.state === 'connecting' || shown.length === 0 ? undefined : seen,
    connection,
    live,
    setLive,
    refresh: () => {
      kept.current?.refresh(sources);
      setAgain((n) => n + 1);
    },
    connect: meta?.mode === 'canvas' && !lost ? connect : undefined,
  };
}

export function asPicker(r: net.Robot): PickerRobot {
  const max = r.slot_limit ? Math.min(r.wished_slots, r.slot_limit) : r.wished_slots;
  return {
    id: r.robot_id,
    name: r.name || r.robot_id,
    hostname: r.hostname,
    status: r.status,
    environment: r.environment,
    capabilities: r.capabilities,
    currentJobs: r.current_jobs,
    maxJobs: max,
    ...(r.mode_note ? { reason: r.mode_note } : {}),
  };
}
