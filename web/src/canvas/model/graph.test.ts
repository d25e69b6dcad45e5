import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import * as m from './graph';
import { begin, record, redo, seal, undo } from './history';
import { BadJson, type Json, type Num, of, parseJson, printJson, same } from './json';

const two = `{"metadata":{"name":"Two","mystery":1.0},"nodes":{"2":{"node_id":"2","node_type":"StartNode","config":{},"color":"red"},
"1":{"node_id":"1","node_type":"LogNode","config":{"message":"hi","n":10.0,"big":12345678901234567890},"position":[5,6],"input_ports":{}}},
"connections":[{"source_node":"2","source_port":"exec_out","target_node":"1","target_port":"exec_in","note":"kept"},"odd"],
"variables":{},"settings":{"stop_on_error":true},"frames":[],"x_of_somebody":{"a":[1.50,2e3]}}`;

describe('json', () => {
  it('keeps numbers and order', () => {
    const text = '{"2":1.0,"1":[1e5,-0,12345678901234567890,0.1,{"__proto__":null}]}';
    expect(printJson(parseJson(text), 0)).toBe(text);
    expect((parseJson('1.0') as Num).text).toBe('1.0');
    expect(parseJson('10')).toBe(10);
  });
  it.each(['', '{', '[1,]', '{"a":1,"a":2}', '01', 'nul', '"\u0001"', '1 2', '{"a" 1}', '['.repeat(100)])('refuses %j', (bad) => {
    expect(() => parseJson(bad)).toThrow(BadJson);
  });
});

describe('files', () => {
  it('writes back what it read', () => {
    expect(m.toDoc(m.open(two))).toEqual(parseJson(two));
    expect(same(parseJson(m.save(m.open(two))), parseJson(two))).toBe(true);
  });
  it('keeps all that was not touched', () => {
    let g = m.open(two);
    g = m.setProperty(g, '1', 'message', 'changed');
    const out = m.save(g);
    for (const kept of ['"mystery": 1.0', '"color": "red"', '"n": 10.0', '12345678901234567890', '"note": "kept"', '"odd"', '1.50', '2e3', '"input_ports": {}'])
      expect(out).toContain(kept);
    expect(m.open(out).nodes.map((n) => n.id)).toEqual(['2', '1']);
  });
  const dialects: Record<string, string> = {
    scenario: `{"$schema_version":"1","id":"s","variable_values":{"a":1},"workflow":${two}}`,
    template: `{"base_workflow":{"nodes":[{"node_id":"a","node_type":"StartNode","config":{}},{"node_id":"b","node_type":"LogNode","config":{}}],"connections":[{"from_node":"a","from_port":"out","to_node":"b","to_port":"in"}]},"parameters":[]}`,
    library: `{"nodes":{"0x1":{"type_":"casare.nodes.VisualLogNode","custom":{"message":"m"},"pos":[1.0,2.0]}},"connections":[{"out":["0x1","exec_out"],"in":["0x2","exec_in"]}]}`,
    docs: `{"nodes":[{"id":"a","type":"LogNode","config":{},"position":{"x":1,"y":2}},{"id":"b","type":"EndNode"}],"connections":[{"source":"a.exec_out","target":"b.exec_in"}]}`,
  };
  it.each(Object.entries(dialects))('edits the form %s in place', (_, text) => {
    const g = m.open(text);
    expect(g.nodes.length).toBeGreaterThan(0);
    expect(g.links.length).toBe(1);
    expect(same(parseJson(m.save(g)), parseJson(text))).toBe(true);
    const [h, id] = m.addNode(g, 'LogNode', 1, 2);
    const again = m.open(m.save(m.setProperty(h, id, 'message', 'x')));
    expect(again.nodes.at(-1)?.type).toBe('LogNode');
    expect(again.nodes.at(-1)?.config.get('message')).toBe('x');
    expect(again.nodes.length).toBe(g.nodes.length + 1);
  });
  // The examples and test data of this repository, or a folder of one's own.
  const folders = process.env.FLEET_WORKFLOWS ? [process.env.FLEET_WORKFLOWS] : ['../examples', '../workflow/testdata'].map((d) => join(process.cwd(), d));
  const all = (dir: string): string[] => readdirSync(dir).flatMap((f) => (statSync(join(dir, f)).isDirectory() ? all(join(dir, f)) : [join(dir, f)]));
  it('opens and saves every workflow that is at hand', () => {
    const files = folders
      .filter((d) => existsSync(d))
      .flatMap(all)
      .filter((f) => f.endsWith('.json'));
    let graphs = 0;
    for (const f of files) {
      const text = readFileSync(f, 'utf8');
      let doc: Json;
      try {
        doc = parseJson(text);
      } catch {
        continue; // test data that is meant to be broken
      }
      if (!(doc instanceof Map)) continue;
      const g = m.open(text);
      if (g.nodes.length > 0) graphs++;
      expect(same(parseJson(m.save(g)), doc), f).toBe(true);
    }
    expect(graphs).toBeGreaterThan(0);
  });
});

describe('changes', () => {
  const start = () => m.blank('New');
  it('adds, connects, moves, renames and removes', () => {
    const [first, log] = m.addNode(start(), 'LogNode', 10.4, 20.6);
    let g = first;
    expect(log).toBe('log');
    g = m.connect(g, { source: 'start', sourcePort: 'exec_out', target: log, targetPort: 'exec_in' }, false);
    expect(g.links).toHaveLength(1);
    expect(m.connect(g, { source: 'start', sourcePort: 'exec_out', target: log, targetPort: 'exec_in' }, false)).toBe(g);
    expect(m.connect(g, { source: log, sourcePort: 'exec_out', target: log, targetPort: 'exec_in' }, false)).toBe(g);
    g = m.moveNodes(g, new Map([[log, { x: 100, y: 50 }]]));
    g = m.setTitle(g, log, 'Say it');
    g = m.setPlace(g, log, of({ robot_id: 'bot-1' }) as m.Graph['settings']);
    expect(m.open(m.save(g)).nodes[1]).toMatchObject({ x: 100, y: 50, title: 'Say it' });
    expect(m.placeOf(m.open(m.save(g)), log)?.get('robot_id')).toBe('bot-1');
    g = m.remove(g, new Set([log]));
    expect(g.links).toHaveLength(0);
    expect(g.settings.has('fleet')).toBe(false);
  });
  it('a data input takes one link', () => {
    let g = start();
    const ids: string[] = [];
    for (const type of ['GetVariableNode', 'GetVariableNode', 'LogNode']) {
      const [next, id] = m.addNode(g, type, 0, 0);
      g = next;
      ids.push(id);
    }
    const [a = '', b = '', c = ''] = ids;
    g = m.connect(g, { source: a, sourcePort: 'value', target: c, targetPort: 'data' }, true);
    g = m.connect(g, { source: b, sourcePort: 'value', target: c, targetPort: 'data' }, true);
    expect(g.links.map((l) => l.source)).toEqual([b]);
  });
  it('copies and pastes with new ids, pairs included', () => {
    const [first, s] = m.addNode(start(), 'ForLoopStartNode', 0, 0);
    let g = first;
    const [second, e] = m.addNode(g, 'ForLoopEndNode', 0, 0);
    g = second;
    g = m.setProperty(g, e, 'paired_loop_start_id', s);
    g = m.connect(g, { source: s, sourcePort: 'body', target: e, targetPort: 'exec_in' }, false);
    const [h, added] = m.paste(g, m.copy(g, new Set([s, e])));
    expect(added).toEqual(['forLoopStart_2', 'forLoopEnd_2']);
    expect(h.nodes.at(-1)?.config.get('paired_loop_start_id')).toBe('forLoopStart_2');
    expect(h.links.at(-1)).toMatchObject({ source: 'forLoopStart_2', target: 'forLoopEnd_2' });
  });
});

describe('a node put into a connection', () => {
  const g = m.open(two);
  it('stands half way and is linked on both sides', () => {
    const key = g.links[0]?.key ?? '';
    const [h, id] = m.between(g, key, 'WaitNode', 'exec_in', 'exec_out');
    expect(h.links.map((l) => `${l.source} ${l.sourcePort} ${l.target} ${l.targetPort}`)).toEqual([`2 exec_out ${id} exec_in`, `${id} exec_out 1 exec_in`]);
    const at = (n: string) => h.nodes.find((x) => x.id === n);
    expect(at(id)?.x).toBe(Math.round(((at('2')?.x ?? 0) + (at('1')?.x ?? 0)) / 2));
  });
  it('that ends the flow is linked on one side, and without a connection on none', () => {
    expect(m.between(g, g.links[0]?.key ?? '', 'EndNode', 'exec_in', undefined)[0].links).toHaveLength(1);
    expect(m.between(g, 'gone', 'EndNode', 'exec_in', undefined)[0].links).toHaveLength(1);
  });
});

describe('history', () => {
  it('goes back and forth, and joins what belongs together', () => {
    let h = begin(0);
    h = record(h, 1, 'one');
    h = record(h, 2, 'type', 't');
    h = record(h, 3, 'type', 't');
    h = undo(h);
    expect(h.present).toBe(1);
    h = redo(h);
    expect(h.present).toBe(3);
    h = record(seal(h), 4, 'type', 't');
    h = undo(undo(h));
    expect(h.present).toBe(1);
    h = record(h, 9, 'other');
    expect(redo(h).present).toBe(9);
    expect(undo(begin(1)).present).toBe(1);
  });
});
