import { useEffect, useId, useState } from 'react';
import { capabilities, type PickerRobot, RobotPicker } from '../parts/RobotPicker';
import { seen } from '../parts/shown';
import { cause } from '../words/waiting';
import { type Graph, placeOf, setPlace } from './model/graph';
import type { JObj } from './model/json';
import * as net from './net';
import { type Else, entryOf, joined, type Kind, type Place, placementOf, readPlace, ringOf, writePlace } from './place';
import css from './placement.module.css';
import { duration } from './run';
import ui from './ui.module.css';

export interface PlacementPanelProps {
  graph: Graph;
  node: string | undefined; // none: the workflow itself
  title: (id: string) => string;
  robots: readonly PickerRobot[];
  connected: boolean;
  readOnly: boolean;
  derived: readonly string[]; // what the types of its nodes need
  show: boolean;
  onShow: (on: boolean) => void;
  onRefresh: () => void;
  onChange: (next: (g: Graph) => Graph, what: string, mark?: string) => void;
}

const none: ReadonlySet<string> = new Set();

/** PlacementPanel says where a node, or the whole workflow, is to run. */
export function PlacementPanel(p: PlacementPanelProps) {
  const id = useId();
  const kept = placeOf(p.graph, p.node);
  const raw = p.node === undefined ? entryOf(kept) : kept;
  const [kind, setKind] = useState<Kind>();
  const read = readPlace(raw);
  const place: Place = kind ? { ...read, kind } : read;
  // biome-ignore lint/correctness/useExhaustiveDependencies: another node has another kind
  useEffect(() => setKind(undefined), [p.node]);

  const put = (next: Place) => {
    setKind(next.kind);
    const entry = writePlace(raw, next);
    p.onChange(
      (g) => setPlace(g, p.node, p.node === undefined ? placementOf(entry) : entry),
      p.node === undefined ? 'Place the workflow' : 'Place a node',
      `place ${p.node ?? ''}`,
    );
  };
  const ring = p.node === undefined ? none : ringOf(p.graph, p.node);
  const others = p.graph.nodes.filter((n) => !ring.has(n.id) && n.type !== 'CommentNode');
  const likeOf = (robot: string, was: string[]) => [...(p.robots.find((r) => r.id === robot)?.capabilities ?? was)].sort();
  const robotName = p.robots.find((r) => r.id === place.robot)?.name ?? place.robot;
  const counted = joined(p.graph, writePlace(raw, place), p.derived);
  return (
    <form onSubmit={(e) => e.preventDefault()} aria-label="Placement">
      <p className={ui.hint}>{p.node === undefined ? 'The whole workflow. Select a node to place it by itself.' : p.title(p.node)}</p>
      <fieldset disabled={p.readOnly} className={ui.bare}>
        <fieldset className={css.kinds}>
          <legend>Runs</legend>
          {(
            [
              ['inherit', p.node === undefined ? 'On any robot' : 'As the workflow does'],
              ['robot', 'On a specific robot'],
              ['capability', 'By capability'],
              ...(p.node === undefined ? [] : ([['same', 'On the same robot as another node']] as const)),
            ] as const
          ).map(([k, label]) => (
            <label key={k} className={ui.check}>
              <input type="radio" name={`${id}-kind`} checked={place.kind === k} onChange={() => put({ ...place, kind: k })} /> {label}
            </label>
          ))}
        </fieldset>
        {place.kind === 'robot' && (
          <div className={css.placePicker}>
            <RobotPicker
              robots={p.robots}
              mode="cloud"
              selected={place.robot || null}
              connection={{ state: p.connected ? 'connected' : 'offline', address: '', tried: [] }}
              local={{ enabled: false, host: '', reason: '' }}
              submission={{ state: 'idle' }}
              live
              actions={false}
              onRobotSelected={(robot) => !p.readOnly && put({ ...place, robot: robot ?? '', like: likeOf(robot ?? '', []) })}
              onExecutionModeChanged={() => undefined}
              onRefreshRequested={p.onRefresh}
              onSubmitToCloudRequested={() => undefined}
            />
            {!place.robot && <p className={ui.hint}>Select a robot.</p>}
          </div>
        )}
        {place.kind === 'robot' && place.robot && (
          <Otherwise
            place={place}
            robot={robotName}
            readOnly={p.readOnly}
            onElse={(fallback) => put({ ...place, fallback, like: likeOf(place.robot, place.like) })}
            onWait={(wait) => put({ ...place, wait })}
          />
        )}
        {place.kind === 'capability' && (
          <>
            <fieldset className={css.kinds}>
              <legend>Needs</legend>
              {capabilities.map((c) => (
                <label key={c.word} className={ui.check}>
                  <input
                    type="checkbox"
                    checked={place.capabilities.includes(c.word)}
                    onChange={(e) =>
                      put({ ...place, capabilities: e.target.checked ? [...place.capabilities, c.word] : place.capabilities.filter((w) => w !== c.word) })
                    }
                  />{' '}
                  {c.name}
                </label>
              ))}
            </fieldset>
            <label className={ui.field}>
              Tags
              <input
                value={place.tags.join(' ')}
                placeholder="north erp"
                onChange={(e) =>
                  put({ ...place, tags: e.target.value === '' ? [] : e.target.value.split(/[\s,]/).filter((t, i, all) => t !== '' || i === all.length - 1) })
                }
                onBlur={() => put({ ...place, tags: place.tags.filter(Boolean) })}
              />
            </label>
            <label className={ui.field}>
              Environment
              <input value={place.environment} placeholder="any" onChange={(e) => put({ ...place, environment: e.target.value.trim() })} />
            </label>
            {!place.own && place.capabilities.length + place.tags.length === 0 && !place.environment && (
              <p className={ui.hint}>Nothing is demanded yet: choose a capability, a tag or an environment.</p>
            )}
          </>
        )}
        {place.kind === 'same' && (
          <label className={ui.field}>
            Node
            <select value={place.same} onChange={(e) => put({ ...place, same: e.target.value })}>
              <option value="">Choose a node</option>
              {others.map((n) => (
                <option key={n.id} value={n.id}>
                  {p.title(n.id)}
                </option>
              ))}
            </select>
          </label>
        )}
        {place.kind !== 'inherit' && p.node !== undefined && (
          <>
            <label className={ui.field}>
              Reason
              <input value={place.reason} maxLength={500} placeholder="SAP is there" onChange={(e) => put({ ...place, reason: e.target.value })} />
            </label>
            <label className={ui.check}>
              <input type="checkbox" checked={place.active} onChange={(e) => put({ ...place, active: e.target.checked })} /> Active
            </label>
          </>
        )}
      </fieldset>
      {place.kind !== 'same' && <Fits entry={counted} connected={p.connected} />}
      <label className={ui.check}>
        <input type="checkbox" checked={p.show} onChange={(e) => p.onShow(e.target.checked)} /> Show placement on the graph
      </label>
    </form>
  );
}

const waits = [0, 60, 300, 900, 3600, 86_400];

/** Otherwise says what becomes of a job whose robot does not come. */
function Otherwise(p: { place: Place; robot: string; readOnly: boolean; onElse: (e: Else) => void; onWait: (seconds: number) => void }) {
  const { place } = p;
  const like = place.like.length > 0 ? place.like.map((w) => capabilities.find((c) => c.word === w)?.name ?? w).join(', ') : '';
  const list = waits.includes(place.wait) ? waits : [...waits, place.wait].sort((a, b) => a - b);
  return (
    <>
      <label className={ui.field}>
        Else
        <select value={place.fallback} onChange={(e) => p.onElse(e.target.value as Else)}>
          <option value="wait">Wait for it</option>
          <option value="any">Any robot with the same capabilities</option>
          <option value="fail">Fail</option>
        </select>
      </label>
      {place.fallback !== 'wait' && (
        <label className={ui.field}>
          After
          <select value={place.wait} onChange={(e) => p.onWait(Number(e.target.value))}>
            {list.map((s) => (
              <option key={s} value={s} disabled={s === 0 && place.fallback === 'fail'}>
                {s === 0
                  ? 'no wait at all'
                  : `${s < 3600 ? duration(s * 1000).replace(/ 0 s$|\.0/, '') : s < 86_400 ? `${s / 3600} h` : `${s / 86_400} d`} of waiting`}
              </option>
            ))}
          </select>
        </label>
      )}
      <p className={ui.hint}>
        {place.own
          ? 'The document has a fallback of its own. It is kept.'
          : place.fallback === 'wait'
            ? `The job waits for ${p.robot}, however long it takes.`
            : place.fallback === 'fail'
              ? `If ${p.robot} has not taken it by then, the job ends as timeout.`
              : `${p.robot} goes first; then any robot ${like ? `with ${like}` : 'that fits'}.`}
      </p>
    </>
  );
}

/** often is how long the number of robots that fit stands still. */
const often = 5000;

/** Fits asks the orchestrator how many robots fit now, and goes on asking. */
function Fits({ entry, connected }: { entry: JObj; connected: boolean }) {
  const [line, setLine] = useState<{ text: string; warn: boolean }>();
  const key = JSON.stringify([...entry], (_, v) => (v instanceof Map ? [...v] : v));
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key says what is in the entry
  useEffect(() => {
    setLine(undefined);
    if (!connected) return;
    const end = new AbortController();
    let timer: ReturnType<typeof setTimeout>;
    const wait = (ms: number) =>
      new Promise<void>((go) => {
        timer = setTimeout(go, ms);
      });
    const count = () =>
      net
        .preview(entry, end.signal)
        .then((e) => {
          const c = e.counts;
          const reasons = Object.entries(c.by_first_reason)
            .sort((a, b) => b[1] - a[1])
            .slice(0, 4)
            .map(([why, n]) => `${n} ${cause(why)}`);
          setLine(
            c.fit === 0
              ? { text: `No robot fits${reasons.length > 0 ? `: ${reasons.join(' · ')}` : ', as there is none'}`, warn: true }
              : { text: `${c.fit} robot${c.fit === 1 ? ' fits' : 's fit'}, ${c.fit_and_free} free now`, warn: false },
          );
        })
        .catch((e: unknown) => {
          if (!end.signal.aborted) setLine({ text: e instanceof Error ? e.message : String(e), warn: true });
        });
    const goOn = async () => {
      await wait(300);
      while (!end.signal.aborted) {
        await seen(end.signal);
        await count();
        await wait(often);
      }
    };
    void goOn();
    return () => {
      clearTimeout(timer);
      end.abort();
    };
  }, [key, connected]);
  return (
    <p role="status" className={line?.warn ? ui.warn : ui.hint}>
      {connected ? (line?.text ?? 'Counting the robots…') : 'Not connected: no robot is counted.'}
    </p>
  );
}
