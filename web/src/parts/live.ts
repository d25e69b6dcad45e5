/** The one stream of this page, and the hooks by which parts of it read. */
import { useEffect, useMemo, useSyncExternalStore } from 'react';
import { call, type Me, Refusal, type Schemas, tenantQuery } from '../api/client';
import { FleetStore } from '../live/fleetstore';
import type { Fact, LiveRobot, Sample, Snapshot } from '../live/frames';
import { LiveQuery, type Query } from '../live/query';
import { type Socket, type State, Stream } from '../live/stream';
import { setPause, useStill } from './paused';
import { hidden, onShown } from './shown';
import { clock, setServerTime } from './Time';

export interface Asked<T> {
  data: T | undefined;
  error: Refusal | undefined;
  asOf: string; // when data was read
  again: () => void;
  /** patch changes what is there, for what a page has read beside the question. */
  patch: (change: (data: T) => T) => void;
}

const after = (ms: number, f: () => void) => {
  const t = setTimeout(f, ms);
  return () => clearTimeout(t);
};

function open(query: string): Socket {
  const ws = new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/api/v1/stream?${query}${tenantQuery('&')}`, 'fleet.stream');
  const s: Socket = { onopen: null, onmessage: null, onclose: null, send: (t) => ws.send(t), close: () => ws.close() };
  ws.onopen = () => s.onopen?.();
  ws.onmessage = (e) => s.onmessage?.(String(e.data));
  ws.onclose = (e) => s.onclose?.(e.code);
  return s;
}

export const fleet = new FleetStore({ frame: (f) => requestAnimationFrame(f), after: (ms, f) => void setTimeout(f, ms) });

let askWho: () => Promise<number | undefined> = () => Promise.resolve(0);

export const stream = new Stream(
  {
    open,
    snapshot: () => call<Schemas['FleetSnapshot']>('GET', '/fleet/snapshot') as Promise<Snapshot>,
    refused: () => askWho(),
    now: () => Date.now(),
    random: () => Math.random(),
    after,
  },
  { load: (s) => fleet.load(s), fact: (f) => fleet.fact(f), sample: (s) => fleet.sample(s), time: setServerTime },
);

const needs: Readonly<Record<string, string>> = { robots: 'robots:read', jobs: 'jobs:read', job: 'jobs:read', log: 'jobs:read' };

/** follow starts the stream for who is signed in. who is asked when a handshake was refused. */
export function follow(me: Me, who: () => Promise<number | undefined>): void {
  askWho = who;
  stream.allowed = (topic) => me.permissions.includes(needs[topic.split(':')[0] ?? ''] ?? 'events:read');
  if (me.permissions.includes('robots:read')) stream.start();
}

/** unfollow ends it, and forgets what only who was signed in may see. */
export function unfollow(): void {
  stream.stop();
  fleet.clear();
  setPause(undefined);
}

const hiddenTooLong = 10 * 60_000;
let rest: (() => void) | undefined;
if (typeof document !== 'undefined') {
  document.addEventListener('visibilitychange', () => {
    rest?.();
    if (document.hidden) rest = after(hiddenTooLong, () => stream.rest());
    else stream.retry();
  });
  window.addEventListener('online', () => stream.retry());
}

/** useGone is since when nothing is heard, ms; 0: the connection stands, or nobody follows anything. */
export const useGone = (): number => useSyncExternalStore(stream.watch, () => (stream.look().phase === 'offline' ? stream.look().since : 0));

export const useConnection = (): State => useSyncExternalStore(stream.watch, stream.look);

/** useRobots is the list of all robots, told at most twice a second. */
export const useRobots = (): readonly LiveRobot[] => useStill(useSyncExternalStore(fleet.onList, fleet.all), (list) => list.length > 0);

export interface FleetList {
  robots: readonly LiveRobot[];
  loaded: boolean;
  error: Refusal | undefined;
  asOf: string; // when the connection was lost; empty: it is live
}

/** useFleetList is the list of robots with what can be said about it. Without a stream it asks by the clock. */
export function useFleetList(): FleetList {
  const robots = useRobots();
  const s = useConnection();
  const asked = useLive('fleet', {
    topics: ['robots'],
    ask: askFleet,
    take: () => undefined,
  });
  const why = s.phase === 'idle' ? asked.error : s.trouble;
  return {
    robots,
    loaded: fleet.loaded,
    error: why === undefined ? undefined : why instanceof Refusal ? why : new Refusal(String(why), 0, '', ''),
    asOf: s.phase === 'offline' ? clock(s.since) : '',
  };
}

export interface FleetState {
  loaded: boolean;
  none: boolean; // there is no robot at all
  error: Refusal | undefined;
  asOf: string;
}

const some = () => fleet.all().length > 0;

/** useFleetState is what can be said about the list without the list: it draws only when that changes. */
export function useFleetState(): FleetState {
  const any = useSyncExternalStore(fleet.onList, some);
  const loaded = useSyncExternalStore(fleet.onList, () => fleet.loaded);
  const at = useSyncExternalStore(stream.watch, standing);
  const asked = useLive('fleet', { topics: ['robots'], ask: askFleet, take: () => undefined });
  const s = stream.look();
  const why = at.startsWith('idle') ? asked.error : s.trouble;
  return {
    loaded,
    none: !any,
    error: why === undefined ? undefined : why instanceof Refusal ? why : new Refusal(String(why), 0, '', ''),
    asOf: s.phase === 'offline' ? clock(s.since) : '',
  };
}

const standing = () => `${stream.look().phase} ${stream.look().trouble === undefined ? '' : String(stream.look().trouble)}`;

/** askFleet asks by the clock, where no stream tells of the fleet. */
async function askFleet(): Promise<null> {
  const phase = stream.look().phase;
  if (phase === 'idle' || (phase === 'offline' && Date.now() - stream.look().since > 30_000))
    fleet.load((await call<Schemas['FleetSnapshot']>('GET', '/fleet/snapshot')) as Snapshot);
  return null;
}

/** useRobot is one row, told with the frames of the screen. */
export function useRobot(id: string): LiveRobot | undefined {
  const sub = useMemo(() => (f: () => void) => fleet.sub(id, f), [id]);
  return useStill(
    useSyncExternalStore(sub, () => fleet.row(id)),
    (r) => r?.robot_id === id,
  );
}

/** useLive asks when key changes, and is kept up to date by the facts of its topics. What it has stays when a later question fails. */
export function useLive<T>(key: string, query: Query<T>): Asked<T> {
  // biome-ignore lint/correctness/useExhaustiveDependencies: key says all of the query
  const q = useMemo(() => new LiveQuery<T>(stream, { now: Date.now, after, hidden, shown: onShown }, query), [key]);
  useEffect(() => {
    q.start();
    return () => q.stop();
  }, [q]);
  const s = useStill({ q, ...useSyncExternalStore(q.watch, q.look) }, (v) => v.q === q && v.data !== undefined);
  return {
    data: s.data,
    error: s.error === undefined ? undefined : s.error instanceof Refusal ? s.error : new Refusal(String(s.error), 0, '', ''),
    asOf: s.at ? clock(s.at) : '',
    again: q.again,
    patch: q.patch,
  };
}

/** onlyIf makes a query ask again for the facts that concern it. */
export const onlyIf =
  (concerns: (f: Fact) => boolean) =>
  <T>(_: T, f: Fact): 'again' | undefined =>
    concerns(f) ? 'again' : undefined;

type Job = Schemas['Job'];
type Line = Schemas['JobLine'];

/** takeJob patches a row of a list of jobs. A job that enters or leaves the list is for the server to tell. */
export const takeJob =
  (belongs: (j: Job) => boolean) =>
  (data: Schemas['JobList'], f: Fact): Schemas['JobList'] | 'again' | undefined => {
    if (f.topic !== 'jobs') return undefined;
    const i = data.jobs.findIndex((j) => j.job_id === f.id);
    const have = data.jobs[i];
    if (f.op === 'del') return have ? 'again' : undefined;
    const row = f.op === 'put' ? (f.d as Job | undefined) : undefined;
    if (!have) return row === undefined || belongs(row) || f.from_state !== undefined ? 'again' : undefined;
    if (!row) return undefined; // a later fact carries the row
    if (row.version <= have.version) return undefined;
    if (!belongs(row)) return 'again';
    // A fact does not say what a list has beside a job; what it said holds as long as it is about the same.
    const line: Line = { ...row, trigger: have.trigger };
    if (have.robot_name && row.robot_id === have.robot_id) line.robot_name = have.robot_name;
    // Both are between times that the server gave.
    const since = (from?: string, to?: string) => (from && to ? Math.max(0, Date.parse(to) - Date.parse(from)) : undefined);
    const waited = since(row.created_at, row.first_started_at);
    const lasted = since(row.started_at, row.ended_at);
    if (waited !== undefined) line.waited_ms = waited;
    if (lasted !== undefined) line.duration_ms = lasted;
    if (have.retried_as) line.retried_as = have.retried_as;
    if (row.status === 'pending' && have.status === 'pending' && have.waiting_summary) line.waiting_summary = have.waiting_summary;
    return { ...data, jobs: data.jobs.map((j, k) => (k === i ? line : j)) };
  };

/** touchJob takes a sample of a job's progress. It never goes back within an attempt. */
export function touchJob(data: Schemas['JobList'], s: Sample): Schemas['JobList'] | undefined {
  const [kind, id, epoch, progress, node] = s as [string, string, number, number, string];
  const i = kind === 'j' ? data.jobs.findIndex((j) => j.job_id === id && j.epoch === epoch && j.progress <= progress) : -1;
  const have = data.jobs[i];
  if (!have || (have.progress === progress && have.current_node === node)) return undefined;
  return { ...data, jobs: data.jobs.map((j, k) => (k === i ? { ...j, progress, current_node: node } : j)) };
}
