import { describe, expect, it } from 'vitest';
import { catalogOf, isExecOut, mayConnect, portsOf, search, titleOf } from './catalog';
import { differences } from './diff';
import { arranged } from './layout';
import { addNode, blank, connect, type Graph, open, setPlace, setProperty } from './model/graph';
import { type JObj, of } from './model/json';
import { numberOr } from './NodePanel';
import type { Job, LocalRun, LogLine, NodeType } from './net';
import type { Pass } from './passes';
import { chip, colours, entryOf, placementOf, readPlace, whereOf, writePlace } from './place';
import { duration, fromLocal, fromLog, fromSteps, inWords, sentence } from './run';

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
    expect(colours(g).size).toBe(1);
    g = setPlace(g, a, obj({ same_as: b })); // a ring
    expect(whereOf(g, a)).toBe('');
    [g, a] = [setPlace(g, a, obj({ required_capabilities: ['gpu'] })), a];
    expect(say(a)).toBe('needs gpu');
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
