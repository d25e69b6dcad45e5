/** Where a node is to run, in the words of its form. Pure. */
import { type Graph, placeOf } from './model/graph';
import { asText, isObj, type JObj, type Json } from './model/json';

export type Kind = 'inherit' | 'robot' | 'capability' | 'same';

export interface Place {
  kind: Kind;
  robot: string;
  fallback: 'wait' | 'any' | 'fail';
  capabilities: string[];
  tags: string[];
  environment: string;
  same: string;
  reason: string;
  active: boolean;
}

const texts = (v: Json | undefined): string[] => (Array.isArray(v) ? v.filter((x): x is string => typeof x === 'string') : []);

export function readPlace(raw: JObj | undefined): Place {
  const inner = raw?.get('placement');
  const placement: JObj = isObj(inner) ? inner : new Map();
  const p: Place = {
    kind: 'inherit',
    robot: asText(raw?.get('robot_id')) ?? '',
    fallback: 'wait',
    capabilities: texts(raw?.get('required_capabilities')),
    tags: texts(placement.get('tags')),
    environment: asText(placement.get('environment')) ?? '',
    same: asText(raw?.get('same_as')) ?? '',
    reason: asText(raw?.get('reason')) ?? '',
    active: raw?.get('is_active') !== false,
  };
  if (p.same) p.kind = 'same';
  else if (p.robot) p.kind = 'robot';
  else if (p.capabilities.length > 0 || p.tags.length > 0 || p.environment || raw?.size) p.kind = 'capability';
  return p;
}

/** writePlace keeps what the form does not know; undefined: the node has no place of its own. */
export function writePlace(raw: JObj | undefined, p: Place): JObj | undefined {
  if (p.kind === 'inherit') return undefined;
  const out: JObj = new Map(raw ?? []);
  const put = (o: JObj, key: string, v: Json | undefined) =>
    v === undefined || v === '' || (Array.isArray(v) && v.length === 0) ? o.delete(key) : o.set(key, v);
  put(out, 'same_as', p.kind === 'same' ? p.same : undefined);
  put(out, 'robot_id', p.kind === 'robot' ? p.robot : undefined);
  put(out, 'required_capabilities', p.kind === 'capability' ? p.capabilities : undefined);
  const inner = out.get('placement');
  const placement: JObj = new Map(isObj(inner) ? inner : []);
  put(placement, 'tags', p.kind === 'capability' ? p.tags : undefined);
  put(placement, 'environment', p.kind === 'capability' ? p.environment : undefined);
  if (placement.size > 0) out.set('placement', placement);
  else out.delete('placement');
  put(out, 'reason', p.reason);
  if (p.active) out.delete('is_active');
  else out.set('is_active', false);
  return out;
}

/** chip is the place in few words: "on bot-0042", "needs GPU", "with Open SAP". */
export function chip(g: Graph, id: string, title: (id: string) => string, robot: (id: string) => string): string {
  const raw = placeOf(g, id);
  if (!raw) return '';
  const p = readPlace(raw);
  const off = p.active ? '' : ' (off)';
  if (p.kind === 'robot') return `on ${robot(p.robot)}${off}`;
  if (p.kind === 'same') return `with "${title(p.same)}"${off}`;
  const needs = [...p.capabilities, ...p.tags.map((t) => `#${t}`), ...(p.environment ? [p.environment] : [])];
  return needs.length > 0 ? `needs ${needs.join(', ')}${off}` : `placed${off}`;
}

/** whereOf is the place that a node shares with its neighbours; empty: the rest. */
export function whereOf(g: Graph, id: string, depth = 0): string {
  const p = readPlace(placeOf(g, id));
  if (!p.active || depth > 20) return '';
  if (p.kind === 'same') return whereOf(g, p.same, depth + 1);
  if (p.kind === 'robot') return `robot ${p.robot}`;
  if (p.kind === 'capability') return JSON.stringify([p.capabilities, p.tags, p.environment]);
  return '';
}

const tints = ['#7791fb', '#6cb6ff', '#b58cf2', '#e38fb5', '#8fbf6a', '#8a93a3'];

/** colours gives each place a colour, in the order in which they come. */
export function colours(g: Graph): Map<string, string> {
  const out = new Map<string, string>();
  for (const n of g.nodes) {
    const w = whereOf(g, n.id);
    if (w && !out.has(w)) out.set(w, tints[out.size % tints.length] as string);
  }
  return out;
}

/** entryOf puts the constraints of a workflow into the form of a node's, so that one form edits both. */
export function entryOf(placement: JObj | undefined): JObj | undefined {
  if (!placement) return undefined;
  const rest: JObj = new Map(placement);
  const out: JObj = new Map();
  for (const [from, to] of [
    ['target_robot_id', 'robot_id'],
    ['capabilities', 'required_capabilities'],
  ] as const) {
    const v = rest.get(from);
    if (v !== undefined) out.set(to, v);
    rest.delete(from);
  }
  if (rest.size > 0) out.set('placement', rest);
  return out;
}

/** placementOf is the way back. What only a node can say is left out. */
export function placementOf(entry: JObj | undefined): JObj | undefined {
  if (!entry) return undefined;
  const inner = entry.get('placement');
  const out: JObj = new Map(isObj(inner) ? inner : []);
  const robot = entry.get('robot_id');
  const caps = entry.get('required_capabilities');
  if (robot !== undefined) out.set('target_robot_id', robot);
  if (caps !== undefined) out.set('capabilities', caps);
  return out.size > 0 ? out : undefined;
}
