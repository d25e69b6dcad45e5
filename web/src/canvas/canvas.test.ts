import { describe, expect, it } from 'vitest';
import { catalogOf, isExecOut, mayConnect, portsOf, search, titleOf } from './catalog';
import { differences } from './diff';
import { arranged } from './layout';
import { addNode, blank, connect, type Graph, open, setPlace, setProperty } from './model/graph';
import { type JObj, of } from './model/json';
import { numberOr } from './NodePanel';
import type { Job, LocalRun, LogLine, NodeType } from './net';
import type { Pass } from './passes';
import { chip, entryOf, joined, placementOf, readPlace, ringOf, whereOf, writePlace } from './place';
import { duration, fromLocal, fromLog, fromSteps, inWords, sentence } from './run';
import { cutWords, handsOver, placesOf, tintsOf } from './segments';

const type = (node_type: string, over: Partial<NodeType> = {}): NodeType => ({
  node_type,
  title: node_type.replace(/Node$/, ''),
  family: 'F',
  exec_in: true,
  exec_out: ['exec_out'],
  inputs: [],
  outputs: [],
  properties: [],
  native: true,
  wave: 1,
  ...over,
});
const cat = catalogOf({
  families: ['Names of saved files', 'F', 'Basic and variables'],
  node_types: [
    type('LogNode', { inputs: [{ name: 'message', type: 'str' }] }),
    type('DialogNode', { native: false }),
    type('IfNode', { exec_out: ['true', 'false'], inputs: [{ name: 'condition', type: 'any' }] }),
    type('SwitchNode', { exec_out: ['default'] }),
    type('GetVariableNode', { outputs: [{ name: 'value', type: 'any' }] }),
    type('ListSuperNode', { inputs: [{ name: 'list', type: 'list' }], actions: { join: { inputs: [{ name: 'sep', type: 'str' }], outputs: [] } } }),
  ],
});
const obj = (v: unknown) => of(v) as JObj;

describe('ports', () => {
  const node = (t: string, config: object = {}) => {
    const [g, id] = addNode(blank('x'), t, 0, 0);
    let out: Graph = g;
    for (const [k, v] of Object.entries(config)) out = setProperty(out, id, k, of(v));
    const n = out.nodes.find((x) => x.id === id);
    if (!n) throw new Error('no node');
    return n;
  };
  it('are those of the type, of its action, of its settings, and those that links use', () => {
    const names = (n: ReturnType<typeof node>) => {
      const p = portsOf(cat.byName.get(n.type), n, []);
      return [p.inputs.map((x) => x.name), p.outputs.map((x) => x.name)];
    };
    expect(names(node('LogNode'))).toEqual([['exec_in', 'message'], ['exec_out']]);
    expect(names(node('ListSuperNode', { action: 'join' }))).toEqual([['exec_in', 'sep'], ['exec_out']]);
    expect(names(node('SwitchNode', { cases: 'a, b' }))[1]).toEqual(['default', 'case_a', 'case_b']);
    const odd = node('NoSuchNode');
    const p = portsOf(undefined, odd, [{ key: '', raw: new Map(), source: odd.id, sourcePort: 'weird', target: 'z', targetPort: 'exec_in' }]);
    expect(p.outputs.map((x) => `${x.name} ${x.type}`)).toEqual(['exec_out exec', 'weird any']);
  });
  it('go together by their kind', () => {
    expect(isExecOut(cat.byName.get('IfNode'), 'true')).toBe(true);
    expect(isExecOut(cat.byName.get('GetVariableNode'), 'value')).toBe(false);
    expect(mayConnect({ name: 'a', type: 'exec' }, { name: 'b', type: 'any' })).toContain('flow');
    expect(mayConnect({ name: 'a', type: 'str' }, { name: 'b', type: 'int' })).toBeUndefined();
    expect(mayConnect(undefined, { name: 'b', type: 'int' })).toBeDefined();
  });
});

describe('the palette', () => {
  it('finds what begins with the word first, and shows what runs before the rest', () => {
    expect(search(cat, 'log').map((t) => t.node_type)).toEqual(['LogNode', 'DialogNode']);
    expect(search(cat, 'nothing of that')).toEqual([]);
    expect(cat.families).toEqual(['Basic and variables', 'F', 'Names of saved files']);
    expect(titleOf({ title: '', type: 'LogNode', id: 'x' } as never, cat.byName.get('LogNode'))).toBe('Log');
  });
});

describe('placement', () => {
  it('is read and written without loss', () => {
    const raw = obj({ required_capabilities: ['gpu'], placement: { tags: ['north'], pool: 'web' }, reason: 'r', is_active: false });
    const p = readPlace(raw);
    expect(p).toMatchObject({ kind: 'capability', capabilities: ['gpu'], tags: ['north'], active: false });
    expect(writePlace(raw, p)).toEqual(raw);
    expect(writePlace(raw, { ...p, kind: 'inherit' })).toBeUndefined();
    expect([...(writePlace(raw, { ...p, kind: 'robot', robot: 'bot-1' }) ?? [])].map(([k]) => k).sort()).toEqual([
      'is_active',
      'placement',
      'reason',
      'robot_id',
    ]);
    const whole = obj({ target_robot_id: 'bot-1', pool: 'web' });
    expect(placementOf(entryOf(whole))).toEqual(obj({ pool: 'web', target_robot_id: 'bot-1' }));
  });
  it('is told in few words, and neighbours share a colour', () => {
    let [g, a] = addNode(blank('x'), 'LogNode', 0, 0);
    const [h, b] = addNode(g, 'LogNode', 0, 0);
    g = setPlace(h, a, obj({ robot_id: 'r1' }));
    g = setPlace(g, b, obj({ same_as: a }));
    const say = (id: string) =>
      chip(
        g,
        id,
        () => 'Open SAP',
        () => 'bot-0042',
      );
    expect([say(a), say(b), say('start')]).toEqual(['on bot-0042', 'with "Open SAP"', '']);
    expect(whereOf(g, b)).toBe(whereOf(g, a));
    expect(
      tintsOf(
        g,
        placesOf(g, undefined, (r) => r),
      ),
    ).toMatchObject([{ words: 'on r1', nodes: 2 }]);
    expect(ringOf(g, a)).toEqual(new Set([a, b]));
    g = setPlace(g, a, obj({ same_as: b })); // a ring
    expect(whereOf(g, a)).toBe('');
    [g, a] = [setPlace(g, a, obj({ required_capabilities: ['gpu'] })), a];
    expect(say(a)).toBe('needs GPU');
  });
  const steps = (...list: object[]) => obj({ placement: { fallback: list } });
  it('says what becomes of a job whose robot does not come', () => {
    const base = { ...readPlace(undefined), kind: 'robot' as const, robot: 'bot-1', like: ['desktop'], wait: 60 };
    const any = writePlace(undefined, { ...base, fallback: 'any' });
    expect(any).toEqual(steps({ match: { robots: ['bot-1'] }, wait_seconds: 60 }, { match: { capabilities: ['desktop'] } }));
    expect(readPlace(any)).toMatchObject({ kind: 'robot', robot: 'bot-1', fallback: 'any', wait: 60, like: ['desktop'], own: false });
    const bare = writePlace(undefined, { ...base, fallback: 'any', like: [], wait: 0 });
    expect(bare).toEqual(steps({ match: { robots: ['bot-1'] } }, { match: { all: true } }));
    expect(readPlace(bare)).toMatchObject({ fallback: 'any', wait: 0 });
    const fails = writePlace(any, { ...readPlace(any), fallback: 'fail' });
    expect(fails).toEqual(steps({ match: { robots: ['bot-1'] }, wait_seconds: 60 }, { fail: true }));
    expect(readPlace(fails)).toMatchObject({ kind: 'robot', fallback: 'fail' });
    for (const raw of [any, bare, fails]) expect(writePlace(raw, readPlace(raw))).toEqual(raw); // without loss
    expect(writePlace(fails, { ...readPlace(fails), fallback: 'wait' })).toEqual(obj({ robot_id: 'bot-1' }));
    expect(writePlace(fails, { ...readPlace(fails), kind: 'capability', capabilities: ['gpu'] })).toEqual(obj({ required_capabilities: ['gpu'] }));
    // The same form for the workflow: it stands beside its other demands.
    expect(placementOf(any)).toEqual(obj({ fallback: [{ match: { robots: ['bot-1'] }, wait_seconds: 60 }, { match: { capabilities: ['desktop'] } }] }));
  });
  it('leaves a fallback alone that the form does not know', () => {
    const raw = obj({ required_capabilities: ['gpu'], placement: { fallback: [{ match: { pools: ['a'] } }, { match: { all: true } }, { fail: true }] } });
    const p = readPlace(raw);
    expect(p).toMatchObject({ kind: 'capability', own: true });
    expect(writePlace(raw, { ...p, tags: ['x'] })?.get('placement')).toEqual(
      obj({ fallback: [{ match: { pools: ['a'] } }, { match: { all: true } }, { fail: true }], tags: ['x'] }),
    );
  });
  it('is chipped with its way out', () => {
    const [g, a] = addNode(blank('x'), 'LogNode', 0, 0);
    const say = (fallback: 'any' | 'fail') => {
      const raw = writePlace(undefined, { ...readPlace(undefined), kind: 'robot', robot: 'r1', fallback });
      return chip(setPlace(g, a, raw), a, String, String);
    };
    expect([say('any'), say('fail')]).toEqual(['on r1, else any', 'on r1, else fail']);
  });
  it('counts within what the workflow demands, and what types need', () => {
    let g = setPlace(blank('x'), undefined, obj({ capabilities: ['browser'], tags: ['north'], environment: 'lab' }));
    const entry = obj({ required_capabilities: ['gpu'], placement: { tags: ['erp'], environment: 'shop' }, robot_id: 'r1' });
    expect(joined(g, entry, ['desktop'])).toEqual(
      obj({ required_capabilities: ['browser', 'desktop', 'gpu'], robot_id: 'r1', placement: { tags: ['north', 'erp'], environment: 'shop' } }),
    );
    g = { ...g, settings: obj({ fleet: { derive: false } }) };
    expect(joined(g, undefined, ['desktop'])).toEqual(new Map());
  });
  it('is drawn as the server cuts it: a colour for each place, a mark where one segment leads into another', () => {
    const nodes = Object.fromEntries(['s', 'a', 'b', 'c', 'd'].map((id) => [id, { node_id: id, node_type: id === 's' ? 'StartNode' : 'LogNode', config: {} }]));
    const g = open(JSON.stringify({ nodes, connections: [] }));
    const r1 = { target_robot_id: 'r1' };
    const places = placesOf(
      g,
      [
        { entry_node_id: 's', node_ids: ['s', 'a'], placement: {} },
        { entry_node_id: 'b', node_ids: ['b'], placement: r1 },
        { entry_node_id: 'c', node_ids: ['c'], placement: { capabilities: ['gpu'] } },
        { entry_node_id: 'd', node_ids: ['d'], placement: r1 },
      ],
      (id) => `bot of ${id}`,
    );
    expect(tintsOf(g, places).map((t) => `${t.words} ${t.nodes}`)).toEqual(['on bot of r1 2', 'needs GPU 1']);
    const over = (from: string, to: string) => handsOver(places, from, to);
    expect([over('s', 'a'), over('a', 'b'), over('b', 'c'), over('b', 'd')]).toEqual([false, true, true, true]); // there and back is handed over twice
    expect(over('a', 'just added')).toBe(false); // the server has not seen it yet
    expect(cutWords(places, 4)).toBe('4 segments, 3 hand-overs');
  });
  it('marks no hand-over where the server does not say how it is cut', () => {
    let [g, a] = addNode(blank('x'), 'LogNode', 0, 0);
    g = setPlace(g, a, obj({ robot_id: 'r1' }));
    const places = placesOf(g, undefined, (id) => id);
    expect(tintsOf(g, places)).toMatchObject([{ words: 'on r1', nodes: 1 }]);
    expect(handsOver(places, 'start', a)).toBe(false);
    expect(cutWords(places, 0)).toContain('once its problems are solved');
  });
});

describe('runs', () => {
  it('take the newest execution of each node', () => {
    const step = (epoch: number, seq: number, node_id: string, status: string): Pass => ({
      part: 0,
      epoch,
      seq,
      node_id,
      status,
      started_at: new Date(1000 * epoch + 10 * seq).toISOString(),
      duration_ms: 5,
    });
    const got = fromSteps([step(1, 1, 'a', 'failed'), step(2, 1, 'a', 'completed'), step(2, 3, 'a', 'running'), step(2, 2, 'b', 'completed')]);
    expect(got.get('a')).toMatchObject({ status: 'running', runs: 2 });
    expect(got.get('b')).toMatchObject({ status: 'completed', runs: 1 });
  });
  it('are read from the log where there are no steps', () => {
    const got = fromLog({ status: 'failed', current_node: 'b', error: { class: 'application', message: 'no', node: 'c' } } as unknown as Job, [
      { node_id: 'a' } as LogLine,
    ]);
    expect([...got].map(([id, n]) => `${id} ${n.status}`)).toEqual(['a completed', 'b completed', 'c failed']);
  });
  it('are told in words', () => {
    const run = fromLocal({
      run_id: 'x',
      workflow_name: 'w',
      host: 'desk',
      status: 'running',
      progress: 10,
      current_node: 'a',
      created_at: '',
      nodes: [{ node_id: 'a', status: 'running', runs: 2, duration_ms: 0 }],
      v: 2,
    } as LocalRun);
    expect(sentence(run, () => 'Log')).toBe('Runs on desk: Log');
    expect(inWords({ status: 'completed', runs: 3, ms: 12 })).toBe('Completed in 12 ms, 3 times');
    expect(inWords({ status: 'completed', runs: 1, ms: 0, before: true })).toBe('Done before');
    expect([duration(999), duration(1500), duration(61_000)]).toEqual(['999 ms', '1.5 s', '1 min 1 s']);
  });
});

describe('the rest', () => {
  it('tells two authors apart', () => {
    const a = open('{"nodes":{"x":{"node_id":"x","node_type":"LogNode","config":{"message":"1"}},"y":{"node_id":"y","node_type":"LogNode"}},"connections":[]}');
    let b = setProperty(a, 'x', 'message', '2');
    b = connect(b, { source: 'x', sourcePort: 'exec_out', target: 'y', targetPort: 'exec_in' }, false);
    const [c, id] = addNode(b, 'IfNode', 0, 0);
    expect(differences(a, c)).toEqual({ added: [id], removed: [], changed: ['x'], links: 1, settings: false });
    expect(differences(a, a)).toMatchObject({ links: 0, changed: [] });
  });
  it('arranges from left to right', () => {
    let [g, id] = addNode(blank('x'), 'LogNode', 0, 0);
    g = connect(g, { source: 'start', sourcePort: 'exec_out', target: id, targetPort: 'exec_in' }, false);
    const at = arranged(g, new Map());
    expect(at.get(id)?.x).toBeGreaterThan((at.get('start')?.x ?? 0) + 200);
    id = '';
  });
  it('keeps numbers as they were typed, and expressions as text', () => {
    expect(numberOr('10')).toBe(10);
    expect(String((numberOr('1.0') as { text: string }).text)).toBe('1.0');
    expect(numberOr('{{n}}')).toBe('{{n}}');
    expect(numberOr(' ')).toBeUndefined();
  });
});
