/** What the canvas knows of node types. Pure. */

import type { GLink, GNode } from './model/graph';
import { asText, type Json } from './model/json';
import type { NodeType, NodeTypeList } from './net';

export interface Catalog {
  families: string[];
  byName: Map<string, NodeType>;
  list: NodeType[];
}

export function catalogOf(l: NodeTypeList): Catalog {
  // Families of which something runs here come first; what only old files name comes last.
  const runs = new Set(l.node_types.filter((t) => t.native).map((t) => t.family));
  const rank = (f: string) => (f === 'Basic and variables' ? 0 : runs.has(f) ? 1 : f === 'Names of saved files' ? 3 : 2);
  const families = [...l.families].sort((a, b) => rank(a) - rank(b) || a.localeCompare(b));
  return { families, list: l.node_types, byName: new Map(l.node_types.map((t) => [t.node_type, t])) };
}

export interface Port {
  name: string;
  type: string; // exec, or the type of its data
  required?: boolean; // and nothing gives it a value yet
}

export interface Ports {
  inputs: Port[];
  outputs: Port[];
}

const execWords = new Set(
  'loop_body completed true false then else on_success on_error on_finally body done finish next try_body catch_body finally_body retry_body loop_next loop_continue success failed default error_exec'.split(
    ' ',
  ),
);

/** isExecOut says whether the flow leaves by a port. */
export function isExecOut(t: NodeType | undefined, port: string): boolean {
  if (t) {
    if (t.exec_out.includes(port)) return true;
    if (t.node_type === 'SwitchNode' && port.startsWith('case_')) return true;
    if (t.node_type === 'ForkNode' && port.startsWith('branch_')) return true;
    if (t.outputs.some((o) => o.name === port)) return false;
  }
  return port.includes('exec') || execWords.has(port);
}

export const isExecIn = (port: string): boolean => port === 'exec_in' || port.includes('exec');

/** portsOf are the ports of a node: those of its type, and those that links use. */
export function portsOf(t: NodeType | undefined, n: GNode, links: readonly GLink[]): Ports {
  const action = asText(n.config.get('action'));
  const own = (action !== undefined ? t?.actions?.[action] : undefined) ?? t;
  const inputs: Port[] = [];
  const outputs: Port[] = [];
  if (!t || (t.exec_in && t.node_type !== 'StartNode')) inputs.push({ name: 'exec_in', type: 'exec' });
  for (const o of t ? t.exec_out : ['exec_out']) outputs.push({ name: o, type: 'exec' });
  for (const [prefix, count] of dynamic(t, n))
    for (const i of count) if (!outputs.some((o) => o.name === prefix + i)) outputs.push({ name: prefix + i, type: 'exec' });
  const given = (port: string) =>
    n.config.get(port) !== undefined ||
    (t?.properties.some((x) => x.name === port) ?? false) ||
    linksOf(links, n.id).some((l) => l.target === n.id && l.targetPort === port);
  for (const p of own?.inputs ?? []) inputs.push({ name: p.name, type: p.type, ...(p.required && !given(p.name) ? { required: true } : {}) });
  for (const p of own?.outputs ?? []) outputs.push({ name: p.name, type: p.type });
  for (const l of linksOf(links, n.id)) {
    if (l.target === n.id && !inputs.some((p) => p.name === l.targetPort)) inputs.push({ name: l.targetPort, type: isExecIn(l.targetPort) ? 'exec' : 'any' });
    if (l.source === n.id && !outputs.some((p) => p.name === l.sourcePort))
      outputs.push({ name: l.sourcePort, type: isExecOut(t, l.sourcePort) ? 'exec' : 'any' });
  }
  return { inputs, outputs };
}

/** freeWay is the first way by which the flow may leave a node and does not yet. */
export function freeWay(n: GNode, catalog: Catalog, links: readonly GLink[]): string | undefined {
  const taken = new Set(linksOf(links, n.id).flatMap((l) => (l.source === n.id ? [l.sourcePort] : [])));
  return portsOf(catalog.byName.get(n.type), n, links).outputs.find((o) => o.type === 'exec' && !taken.has(o.name))?.name;
}

/** dynamic are ports that a node has by its settings. */
function dynamic(t: NodeType | undefined, n: GNode): [string, string[]][] {
  if (t?.node_type === 'SwitchNode') {
    const cases = n.config.get('cases');
    const list = Array.isArray(cases) ? cases.map((c: Json) => String(c)) : typeof cases === 'string' ? cases.split(',').map((c) => c.trim()) : [];
    return [['case_', list.filter(Boolean)]];
  }
  if (t?.node_type === 'ForkNode') {
    const count = Number(n.config.get('branch_count') ?? 2);
    return [['branch_', Array.from({ length: Math.min(16, Math.max(1, count || 2)) }, (_, i) => String(i + 1))]];
  }
  return [];
}

const indexed = new WeakMap<readonly GLink[], Map<string, GLink[]>>();

/** linksOf are the links of a node; a graph of links is sorted by node once. */
export function linksOf(links: readonly GLink[], id: string): readonly GLink[] {
  let by = indexed.get(links);
  if (!by) {
    by = new Map();
    for (const l of links)
      for (const end of l.source === l.target ? [l.source] : [l.source, l.target]) {
        const list = by.get(end);
        if (list) list.push(l);
        else by.set(end, [l]);
      }
    indexed.set(links, by);
  }
  return by.get(id) ?? [];
}

/** mayConnect says why two ports do not go together; undefined: they do. */
export function mayConnect(source: Port | undefined, target: Port | undefined): string | undefined {
  if (!source || !target) return 'There is no such port.';
  if ((source.type === 'exec') !== (target.type === 'exec')) return 'The flow and data do not connect with each other.';
  return undefined;
}

export const titleOf = (n: GNode, t: NodeType | undefined): string => n.title || t?.title || n.type || n.id;

/** search ranks types for what was typed: names that begin with it first. */
export function search(c: Catalog, query: string): NodeType[] {
  const q = query.trim().toLowerCase();
  if (q === '') return c.list;
  const words = q.split(/\s+/);
  const rank = (t: NodeType): number => {
    const title = t.title.toLowerCase();
    const all = `${title} ${t.node_type.toLowerCase()} ${t.family.toLowerCase()}`;
    if (!words.every((w) => all.includes(w))) return 0;
    return title === q ? 5 : title.startsWith(q) ? 4 : title.includes(` ${q}`) ? 3 : title.includes(q) ? 2 : 1;
  };
  return c.list
    .map((t) => [t, rank(t)] as const)
    .filter(([, r]) => r > 0)
    .sort((a, b) => b[1] - a[1] || Number(b[0].native) - Number(a[0].native) || a[0].title.localeCompare(b[0].title))
    .map(([t]) => t);
}
