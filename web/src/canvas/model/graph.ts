/**
 * The workflow as the canvas edits it: an immutable value, made from a file and
 * written back to it without loss. Every change gives a new value, so that undo
 * is to keep the old one.
 */
import { entries, type Link, linkOf, linksKey, positionOf, rawLink, rawNode, type Shape, shapeOf, typeName, unwrap, withPosition } from './dialect';
import { asText, BadJson, isObj, type JObj, type Json, of, parseJson, printJson, same } from './json';

export interface GNode {
  readonly id: string;
  readonly type: string; // registry name
  readonly title: string; // of the author; empty: none
  readonly config: JObj;
  readonly x: number;
  readonly y: number;
  readonly placed: boolean; // the file says where it stands
  readonly raw: JObj;
}

export interface GLink extends Link {
  readonly key: string;
  readonly raw: JObj;
}

/** Graph is one state of a workflow. */
export interface Graph {
  readonly doc: JObj; // the whole file, as it was last written
  readonly path: readonly string[]; // to the graph in it
  readonly shape: Shape;
  readonly nodes: readonly GNode[];
  readonly links: readonly GLink[];
  readonly odd: readonly Json[]; // connections that could not be read; kept
  readonly settings: JObj;
  readonly name: string;
}

export const keyOf = (l: Link): string => JSON.stringify([l.source, l.sourcePort, l.target, l.targetPort]);

/** open reads a file of any known form. It throws BadJson for what is none. */
export function open(text: string): Graph {
  const doc = parseJson(text);
  if (!isObj(doc)) throw new BadJson('A workflow is a JSON object', 1, 1);
  return fromDoc(doc);
}

export function fromDoc(doc: JObj): Graph {
  const { graph, path } = unwrap(doc);
  const shape = shapeOf(graph);
  const nodes = entries(graph, shape).map(([id, raw]) => nodeOf(id, raw, shape));
  const links: GLink[] = [];
  const odd: Json[] = [];
  const raws = graph.get(linksKey(graph));
  for (const raw of Array.isArray(raws) ? raws : []) {
    const l = linkOf(raw);
    if (l && isObj(raw)) links.push({ ...l, key: keyOf(l), raw });
    else odd.push(raw);
  }
  const settings = graph.get('settings');
  return { doc, path, shape, nodes, links, odd, settings: isObj(settings) ? settings : new Map(), name: nameOf(doc, graph) };
}

function nodeOf(id: string, raw: JObj, shape: Shape): GNode {
  const config = raw.get(shape.config);
  const at = positionOf(raw);
  return {
    id,
    type: typeName(asText(raw.get(shape.type)) ?? asText(raw.get('node_type')) ?? asText(raw.get('type')) ?? ''),
    title: asText(raw.get('name')) ?? asText(raw.get('display_name')) ?? '',
    config: isObj(config) ? config : new Map(),
    x: at?.x ?? 0,
    y: at?.y ?? 0,
    placed: at !== undefined,
    raw,
  };
}

function nameOf(doc: JObj, graph: JObj): string {
  for (const o of [graph, doc]) {
    const m = o.get('metadata');
    const name = (isObj(m) ? asText(m.get('name')) : undefined) ?? asText(o.get('name'));
    if (name) return name;
  }
  return '';
}

/** blank is a new workflow. */
export function blank(name: string): Graph {
  return fromDoc(
    of({
      metadata: { name, version: '1.0.0', schema_version: '1.0.0' },
      nodes: { start: { node_id: 'start', node_type: 'StartNode', config: {}, position: [0, 0] } },
      connections: [],
      variables: {},
      settings: {},
    }) as JObj,
  );
}

/** toDoc writes the file. What was not changed is the very value that was read. */
export function toDoc(g: Graph): JObj {
  const { graph } = unwrap(g.doc);
  const out: JObj = new Map(graph);
  const was = graph.get('nodes');
  const strange = (v: Json) => !isObj(v);
  if (g.shape.list) {
    out.set('nodes', [...g.nodes.map((n) => n.raw as Json), ...(Array.isArray(was) ? was.filter(strange) : [])]);
  } else {
    const nodes: JObj = new Map(g.nodes.map((n) => [n.id, n.raw as Json]));
    if (isObj(was)) for (const [k, v] of was) if (strange(v)) nodes.set(k, v);
    if (was !== undefined || nodes.size > 0) out.set('nodes', nodes);
  }
  const key = linksKey(graph);
  const links: Json[] = orderLinks(g, graph.get(key));
  if (graph.has(key) || links.length > 0) out.set(key, links);
  if (graph.has('settings') ? !same(graph.get('settings'), g.settings) && isObj(graph.get('settings')) : g.settings.size > 0) out.set('settings', g.settings);
  setName(out, g);
  return wrap(g.doc, g.path, out);
}

/** orderLinks keeps connections where they stood, odd ones too. */
function orderLinks(g: Graph, was: Json | undefined): Json[] {
  const kept = new Set<Json>(g.links.map((l) => l.raw));
  const out: Json[] = [];
  const seen = new Set<Json>();
  for (const raw of Array.isArray(was) ? was : []) {
    if (kept.has(raw) || g.odd.includes(raw)) {
      out.push(raw);
      seen.add(raw);
    }
  }
  for (const l of g.links) if (!seen.has(l.raw)) out.push(l.raw);
  return out;
}

function setName(graph: JObj, g: Graph): void {
  if (nameOf(g.doc, unwrap(g.doc).graph) === g.name) return;
  const m = graph.get('metadata');
  if (isObj(m) || !graph.has('name')) graph.set('metadata', new Map(isObj(m) ? m : []).set('name', g.name));
  else graph.set('name', g.name);
}

function wrap(doc: JObj, path: readonly string[], graph: JObj): JObj {
  const [key, ...rest] = path;
  if (key === undefined) return graph;
  const inner = doc.get(key);
  return new Map(doc).set(key, wrap(isObj(inner) ? inner : new Map(), rest, graph));
}

/** save is the text of the file. */
export const save = (g: Graph): string => `${printJson(toDoc(g), 2)}\n`;

// Changes.

const find = (g: Graph, id: string): GNode | undefined => g.nodes.find((n) => n.id === id);

function change(g: Graph, id: string, f: (n: GNode) => GNode): Graph {
  return { ...g, nodes: g.nodes.map((n) => (n.id === id ? f(n) : n)) };
}

/** freshId makes an id that no node and no variable of a step has. */
export function freshId(g: { nodes: readonly { id: string }[] }, type: string): string {
  const base = type.replace(/Node$/, '').replace(/[^A-Za-z0-9]+/g, '_') || 'node';
  const word = base.charAt(0).toLowerCase() + base.slice(1);
  const taken = new Set(g.nodes.map((n) => n.id));
  for (let i = 1; ; i++) {
    const id = i === 1 ? word : `${word}_${i}`;
    if (!taken.has(id)) return id;
  }
}

export function addNode(g: Graph, type: string, x: number, y: number): [Graph, string] {
  const id = freshId(g, type);
  const raw = rawNode(g.shape, id, type, Math.round(x), Math.round(y));
  return [{ ...g, nodes: [...g.nodes, nodeOf(id, raw, g.shape)] }, id];
}

export function moveNodes(g: Graph, to: ReadonlyMap<string, { x: number; y: number }>): Graph {
  return {
    ...g,
    nodes: g.nodes.map((n) => {
      const p = to.get(n.id);
      if (!p || (n.placed && Math.round(p.x) === Math.round(n.x) && Math.round(p.y) === Math.round(n.y))) return n;
      const x = Math.round(p.x);
      const y = Math.round(p.y);
      return { ...n, x, y, placed: true, raw: withPosition(n.raw, x, y) };
    }),
  };
}

/** setProperty sets one value of a node; undefined takes it away. */
export function setProperty(g: Graph, id: string, name: string, value: Json | undefined): Graph {
  return change(g, id, (n) => {
    const config: JObj = new Map(n.config);
    if (value === undefined) config.delete(name);
    else config.set(name, value);
    return { ...n, config, raw: new Map(n.raw).set(g.shape.config, config) };
  });
}

export function setTitle(g: Graph, id: string, title: string): Graph {
  return change(g, id, (n) => {
    const raw: JObj = new Map(n.raw);
    const key = raw.has('name') ? 'name' : raw.has('display_name') ? 'display_name' : 'name';
    if (title === '') raw.delete(key);
    else raw.set(key, title);
    return { ...n, title, raw };
  });
}

export function rename(g: Graph, name: string): Graph {
  return { ...g, name };
}

export function remove(g: Graph, ids: ReadonlySet<string>, links: ReadonlySet<string> = new Set()): Graph {
  return {
    ...dropPlaces(g, ids),
    nodes: g.nodes.filter((n) => !ids.has(n.id)),
    links: g.links.filter((l) => !links.has(l.key) && !ids.has(l.source) && !ids.has(l.target)),
  };
}

/** connect links two ports. A data input takes one link: a new one replaces it. */
export function connect(g: Graph, l: Link, oneIn: boolean): Graph {
  const key = keyOf(l);
  if (l.source === l.target || !find(g, l.source) || !find(g, l.target) || g.links.some((o) => o.key === key)) return g;
  const rest = oneIn ? g.links.filter((o) => o.target !== l.target || o.targetPort !== l.targetPort) : g.links;
  return { ...g, links: [...rest, { ...l, key, raw: rawLink(l) }] };
}

/** between puts a new node of a type into a connection of the flow: half way, and linked on both sides. */
export function between(g: Graph, key: string, type: string, into: string, out: string | undefined): [Graph, string] {
  const l = g.links.find((o) => o.key === key);
  const [a, b] = [find(g, l?.source ?? ''), find(g, l?.target ?? '')];
  if (!l || !a || !b) return addNode(g, type, 0, 0);
  const [added, id] = addNode(g, type, (a.x + b.x) / 2, (a.y + b.y) / 2);
  let next: Graph = { ...added, links: added.links.filter((o) => o.key !== key) };
  next = connect(next, { source: l.source, sourcePort: l.sourcePort, target: id, targetPort: into }, false);
  if (out !== undefined) next = connect(next, { source: id, sourcePort: out, target: l.target, targetPort: l.targetPort }, false);
  return [next, id];
}

// Settings of the fleet, under settings.fleet.

export function fleetSettings(g: Graph): JObj {
  const f = g.settings.get('fleet');
  return isObj(f) ? f : new Map();
}

function withFleet(g: Graph, fleet: JObj): Graph {
  const settings: JObj = new Map(g.settings);
  if (fleet.size === 0) settings.delete('fleet');
  else settings.set('fleet', fleet);
  return { ...g, settings };
}

/** placeOf is the placement of a node, or with no id that of the workflow. */
export function placeOf(g: Graph, id?: string): JObj | undefined {
  const fleet = fleetSettings(g);
  const p = id === undefined ? fleet.get('placement') : (fleet.get('nodes') as JObj | undefined)?.get?.(id);
  return isObj(p) ? p : undefined;
}

export function setPlace(g: Graph, id: string | undefined, place: JObj | undefined): Graph {
  const fleet: JObj = new Map(fleetSettings(g));
  const empty = place === undefined || place.size === 0;
  if (id === undefined) {
    if (empty) fleet.delete('placement');
    else fleet.set('placement', place);
    return withFleet(g, fleet);
  }
  const had = fleet.get('nodes');
  const nodes: JObj = new Map(isObj(had) ? had : []);
  if (empty) nodes.delete(id);
  else nodes.set(id, place);
  if (nodes.size === 0) fleet.delete('nodes');
  else fleet.set('nodes', nodes);
  return withFleet(g, fleet);
}

function dropPlaces(g: Graph, ids: ReadonlySet<string>): Graph {
  let out = g;
  for (const id of ids) if (placeOf(out, id)) out = setPlace(out, id, undefined);
  return out;
}

// Copy and paste, as JSON that any editor of the original takes.

export function copy(g: Graph, ids: ReadonlySet<string>): string {
  const nodes: JObj = new Map();
  for (const n of g.nodes) {
    if (!ids.has(n.id)) continue;
    nodes.set(
      n.id,
      new Map<string, Json>([
        ['node_id', n.id],
        ['node_type', n.type],
        ...(n.title ? [['name', n.title] as [string, Json]] : []),
        ['config', n.config],
        ['position', [n.x, n.y]],
      ]),
    );
  }
  const links = g.links.filter((l) => ids.has(l.source) && ids.has(l.target)).map(rawLink);
  return printJson(
    new Map<string, Json>([
      ['nodes', nodes],
      ['connections', links],
    ]),
    2,
  );
}

/** paste adds what a text holds beside what is there; ids are made new, and so are references to them. */
export function paste(g: Graph, text: string, dx = 40, dy = 40): [Graph, string[]] {
  const from = open(text);
  const names = new Map<string, string>();
  const made: { nodes: GNode[] } = { nodes: [...g.nodes] };
  const added: string[] = [];
  for (const n of from.nodes) {
    const id = made.nodes.some((o) => o.id === n.id) ? freshId(made, n.type) : n.id;
    names.set(n.id, id);
    added.push(id);
    const raw = rawNode(g.shape, id, n.type, Math.round(n.x + dx), Math.round(n.y + dy));
    raw.set(g.shape.config, n.config);
    if (n.title) raw.set('name', n.title);
    made.nodes.push(nodeOf(id, raw, g.shape));
  }
  // Pairs of nodes (a loop's start and end) name each other in their config.
  const nodes = made.nodes.map((n) => {
    if (!added.includes(n.id)) return n;
    let config = n.config;
    for (const [k, v] of n.config) {
      const to = k.startsWith('paired_') && typeof v === 'string' ? names.get(v) : undefined;
      if (to !== undefined && to !== v) config = new Map(config).set(k, to);
    }
    return config === n.config ? n : { ...n, config, raw: new Map(n.raw).set(g.shape.config, config) };
  });
  let out: Graph = { ...g, nodes };
  for (const l of from.links) {
    const source = names.get(l.source);
    const target = names.get(l.target);
    if (source && target) out = connect(out, { source, sourcePort: l.sourcePort, target, targetPort: l.targetPort }, false);
  }
  return [out, added];
}
