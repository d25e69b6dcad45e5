/**
 * The forms in which workflow files write a graph. A file is edited in the form
 * that it has: what is not touched is written back as it was, unknown fields
 * included.
 */
import { asNumber, asText, isObj, type JObj, type Json } from './json';

export interface Link {
  source: string;
  sourcePort: string;
  target: string;
  targetPort: string;
}

/** Shape says by which names a file calls the parts of a node. */
export interface Shape {
  list: boolean; // nodes are a list and not an object by id
  id: string;
  type: string;
  config: string;
  name: string;
}

const canonical: Shape = { list: false, id: 'node_id', type: 'node_type', config: 'config', name: 'name' };
const wrappers = ['workflow', 'base_workflow', 'workflow_definition'];

/** unwrap finds the object that holds the graph, and the way there. */
export function unwrap(doc: JObj): { graph: JObj; path: string[] } {
  if (doc.get('nodes') !== undefined) return { graph: doc, path: [] };
  for (const key of wrappers) {
    const inner = doc.get(key);
    if (isObj(inner)) {
      const deeper = unwrap(inner);
      return { graph: deeper.graph, path: [key, ...deeper.path] };
    }
  }
  return { graph: doc, path: [] };
}

/** shapeOf looks at the nodes that are there; an empty graph is canonical. */
export function shapeOf(graph: JObj): Shape {
  const nodes = graph.get('nodes');
  const list = Array.isArray(nodes);
  const first = list ? nodes.find(isObj) : isObj(nodes) ? [...nodes.values()].find(isObj) : undefined;
  if (!isObj(first)) return { ...canonical, list };
  const pick = (names: string[], otherwise: string) => names.find((n) => first.has(n)) ?? otherwise;
  return {
    list,
    id: pick(['node_id', 'id'], 'node_id'),
    type: pick(['node_type', 'type', 'type_'], 'node_type'),
    config: pick(['config', 'properties', 'custom'], 'config'),
    name: pick(['display_name', 'name'], 'name'),
  };
}

/** entries lists the raw nodes with their ids, in file order. */
export function entries(graph: JObj, shape: Shape): [string, JObj][] {
  const nodes = graph.get('nodes');
  if (isObj(nodes)) return [...nodes].filter((e): e is [string, JObj] => isObj(e[1]));
  if (!Array.isArray(nodes)) return [];
  return nodes.filter(isObj).map((n, i) => [idText(n.get(shape.id)) ?? String(i), n]);
}

function idText(v: Json | undefined): string | undefined {
  const n = asNumber(v);
  return asText(v) ?? (n === undefined ? undefined : String(n));
}

/** typeOf is the registry name: the last part of a dotted path without Visual. */
export function typeName(raw: string): string {
  const short = raw.slice(raw.lastIndexOf('.') + 1);
  return /^Visual[A-Z]/.test(short) ? short.slice('Visual'.length) : short;
}

/** positionOf reads [x, y] and {x, y}. */
export function positionOf(raw: JObj): { x: number; y: number } | undefined {
  const p = raw.get('position') ?? raw.get('pos');
  const x = asNumber(Array.isArray(p) ? p[0] : isObj(p) ? p.get('x') : undefined);
  const y = asNumber(Array.isArray(p) ? p[1] : isObj(p) ? p.get('y') : undefined);
  return x === undefined || y === undefined ? undefined : { x, y };
}

/** withPosition writes a place in the form that the node has it in. */
export function withPosition(raw: JObj, x: number, y: number): JObj {
  const out: JObj = new Map(raw);
  const key = raw.has('pos') && !raw.has('position') ? 'pos' : 'position';
  const had = raw.get(key);
  if (isObj(had)) out.set(key, new Map(had).set('x', x).set('y', y));
  else out.set(key, [x, y]);
  return out;
}

const execOut: Record<string, string> = { out: 'exec_out', loop: 'body', loop_body: 'body', loop_complete: 'completed' };

/** linkOf reads a connection of any of the known forms; undefined: of none. */
export function linkOf(raw: Json): Link | undefined {
  if (!isObj(raw)) return undefined;
  const t = (k: string) => idText(raw.get(k));
  let four = [t('source_node'), t('source_port'), t('target_node'), t('target_port')];
  if (four[0] === undefined && raw.has('from_node')) four = [t('from_node'), t('from_port') ?? 'out', t('to_node'), t('to_port') ?? 'in'];
  if (four[0] === undefined && Array.isArray(raw.get('out')) && Array.isArray(raw.get('in'))) {
    const o = raw.get('out') as Json[];
    const i = raw.get('in') as Json[];
    four = [idText(o[0]), idText(o[1]), idText(i[0]), idText(i[1])];
  }
  if (four[0] === undefined && t('source') !== undefined && t('target') !== undefined) {
    const cut = (s: string, port: string): [string, string] => {
      const dot = s.lastIndexOf('.');
      return dot < 0 ? [s, port] : [s.slice(0, dot), s.slice(dot + 1)];
    };
    const s = cut(t('source') ?? '', 'out');
    const e = cut(t('target') ?? '', 'in');
    four = [s[0], t('source_port') ?? s[1], e[0], t('target_port') ?? e[1]];
  }
  const [source, sourcePort, target, targetPort] = four;
  if (source === undefined || sourcePort === undefined || target === undefined || targetPort === undefined) return undefined;
  return {
    source,
    sourcePort: execOut[sourcePort] ?? sourcePort,
    target,
    targetPort: targetPort === 'in' ? 'exec_in' : targetPort,
  };
}

/** rawLink writes a new connection, canonically: every reader takes that. */
export function rawLink(l: Link): JObj {
  return new Map<string, Json>([
    ['source_node', l.source],
    ['source_port', l.sourcePort],
    ['target_node', l.target],
    ['target_port', l.targetPort],
  ]);
}

/** rawNode writes a new node in the form of its neighbours. */
export function rawNode(shape: Shape, id: string, type: string, x: number, y: number): JObj {
  return new Map<string, Json>([
    [shape.id, id],
    [shape.type, type],
    [shape.config, new Map()],
    ['position', [x, y]],
  ]);
}

/** linksKey is where the connections stand. */
export const linksKey = (graph: JObj): string => (graph.has('connections') || !graph.has('edges') ? 'connections' : 'edges');
