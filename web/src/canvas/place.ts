/** Where a node is to run, in the words of its form. Pure. */
import { capabilities as words } from '../parts/RobotPicker/picker';
import { fleetSettings, type Graph, placeOf } from './model/graph';
import { asNumber, asText, same as equal, isObj, type JObj, type Json, printJson } from './model/json';

export type Kind = 'inherit' | 'robot' | 'capability' | 'same';
export type Else = 'wait' | 'any' | 'fail';

export interface Place {
  kind: Kind;
  robot: string;
  fallback: Else; // what becomes of a job whose robot does not come
  wait: number; // seconds until then
  like: string[]; // the capabilities of the robot, which any other has to have as well
  own: boolean; // the document has a fallback that this form does not know
  capabilities: string[];
  tags: string[];
  environment: string;
  same: string;
  reason: string;
  active: boolean;
}

/** usualWait is how long a job waits for its robot unless somebody says otherwise, in seconds. */
export const usualWait = 300;

const texts = (v: Json | undefined): string[] => (Array.isArray(v) ? v.filter((x): x is string => typeof x === 'string') : []);

/** Fallback is the placement.fallback of a node that has a robot of its own: that robot first, then others of its kind or the end of waiting. */
interface Fallback {
  robot: string;
  next: 'any' | 'fail';
  wait: number;
  like: string[];
}

function readFallback(v: Json | undefined): Fallback | undefined {
  if (!Array.isArray(v) || v.length !== 2) return undefined;
  const [first, last] = v;
  if (!isObj(first) || !isObj(last)) return undefined;
  const match = first.get('match');
  const robots = isObj(match) && match.size === 1 ? texts(match.get('robots')) : [];
  const robot = robots[0];
  if (robots.length !== 1 || robot === undefined) return undefined;
  const wait = asNumber(first.get('wait_seconds')) ?? 0;
  if (last.get('fail') === true) return { robot, next: 'fail', wait, like: [] };
  const rest = last.get('match');
  if (!isObj(rest) || rest.size !== 1) return undefined;
  if (rest.get('all') === true) return { robot, next: 'any', wait, like: [] };
  const like = texts(rest.get('capabilities'));
  return like.length > 0 ? { robot, next: 'any', wait, like } : undefined;
}

const map = (...list: [string, Json][]): JObj => new Map(list);

function writeFallback(p: Place): Json {
  const first = map(['match', map(['robots', [p.robot]])]);
  if (p.wait > 0) first.set('wait_seconds', p.wait);
  if (p.fallback === 'fail') return [first, map(['fail', true])];
  return [first, map(['match', p.like.length > 0 ? map(['capabilities', [...p.like]]) : map(['all', true])])];
}

export function readPlace(raw: JObj | undefined): Place {
  const inner = raw?.get('placement');
  const placement: JObj = isObj(inner) ? inner : new Map();
  const steps = readFallback(placement.get('fallback'));
  const p: Place = {
    kind: 'inherit',
    robot: asText(raw?.get('robot_id')) ?? steps?.robot ?? '',
    fallback: steps?.next ?? 'wait',
    wait: steps?.wait ?? usualWait,
    like: steps?.like ?? [],
    own: placement.has('fallback') && steps === undefined,
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
  const steps = p.kind === 'robot' && p.robot !== '' && p.fallback !== 'wait';
  put(out, 'same_as', p.kind === 'same' ? p.same : undefined);
  put(out, 'robot_id', p.kind === 'robot' && !steps ? p.robot : undefined);
  put(out, 'required_capabilities', p.kind === 'capability' ? p.capabilities : undefined);
  const inner = out.get('placement');
  const placement: JObj = new Map(isObj(inner) ? inner : []);
  put(placement, 'tags', p.kind === 'capability' ? p.tags : undefined);
  put(placement, 'environment', p.kind === 'capability' ? p.environment : undefined);
  if (steps) {
    const next = writeFallback(p);
    if (!equal(placement.get('fallback'), next)) placement.set('fallback', next);
  } else if (readFallback(placement.get('fallback')) !== undefined) placement.delete('fallback');
  if (placement.size > 0) out.set('placement', placement);
  else out.delete('placement');
  put(out, 'reason', p.reason);
  if (p.active) out.delete('is_active');
  else out.set('is_active', false);
  return out;
}

/** needs are demands as people say them: "GPU, #north, lab". */
export const needs = (p: Pick<Place, 'capabilities' | 'tags' | 'environment'>): string =>
  [
    ...p.capabilities.map((c) => words.find((w) => w.word === c)?.name ?? c),
    ...p.tags.filter(Boolean).map((t) => `#${t}`),
    ...(p.environment ? [p.environment] : []),
  ].join(', ');

/** chip is the place in few words: "on bot-0042", "needs GPU", 'with "Open SAP"'. */
export function chip(g: Graph, id: string, title: (id: string) => string, robot: (id: string) => string): string {
  const raw = placeOf(g, id);
  if (!raw) return '';
  const p = readPlace(raw);
  const off = p.active ? '' : ' (off)';
  if (p.kind === 'robot') return `on ${robot(p.robot)}${p.fallback === 'any' ? ', else any' : p.fallback === 'fail' ? ', else fail' : ''}${off}`;
  if (p.kind === 'same') return `with "${title(p.same)}"${off}`;
  const words = needs(p);
  return words ? `needs ${words}${off}` : `placed${off}`;
}

/** whereOf is the place that a node asks for itself; nodes of one place have one word. Empty: it asks for none. */
export function whereOf(g: Graph, id: string, depth = 0): string {
  const raw = placeOf(g, id);
  const p = readPlace(raw);
  if (!p.active || !raw || depth > 20) return '';
  if (p.kind === 'same') return whereOf(g, p.same, depth + 1);
  const asked: JObj = new Map(raw);
  for (const key of ['reason', 'is_active', 'same_as']) asked.delete(key);
  return asked.size === 0 ? '' : printJson(new Map([...asked].sort(([a], [b]) => (a < b ? -1 : 1))), 0);
}

/** ringOf are the nodes that follow a node, itself among them: it cannot be placed with one of those. */
export function ringOf(g: Graph, id: string): ReadonlySet<string> {
  const out = new Set([id]);
  for (let grew = true; grew; ) {
    grew = false;
    for (const n of g.nodes) {
      const p = readPlace(placeOf(g, n.id));
      if (p.kind !== 'same' || !out.has(p.same) || out.has(n.id)) continue;
      out.add(n.id);
      grew = true;
    }
  }
  return out;
}

/** joined is what counts for a node: its own place within that of the workflow, and what its type needs. Lists are united, as the fleet does. */
export function joined(g: Graph, entry: JObj | undefined, derived: readonly string[]): JObj {
  const whole = entryOf(placeOf(g));
  const out: JObj = new Map(whole ?? []);
  for (const [k, v] of entry ?? []) if (k !== 'placement' && k !== 'required_capabilities') out.set(k, v);
  const derive = fleetSettings(g).get('derive') !== false;
  const caps = new Set([...texts(whole?.get('required_capabilities')), ...texts(entry?.get('required_capabilities')), ...(derive ? derived : [])]);
  if (caps.size > 0) out.set('required_capabilities', [...caps].sort());
  const [mine, theirs] = [entry?.get('placement'), whole?.get('placement')];
  const placement: JObj = new Map(isObj(theirs) ? theirs : []);
  for (const [k, v] of isObj(mine) ? mine : []) {
    const had = placement.get(k);
    placement.set(k, (k === 'tags' || k === 'facts' || k === 'prefer') && Array.isArray(had) && Array.isArray(v) ? [...new Set([...had, ...v])] : v);
  }
  if (placement.size > 0) out.set('placement', placement);
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
