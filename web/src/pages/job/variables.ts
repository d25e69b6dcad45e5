/** The variables of a job: what went in, what came out, and what is other than in the job that it repeats. Pure. */

export interface Variable {
  name: string;
  type: string;
  value: string;
  by: string; // the node that left it; empty: not known
  change: '' | 'new' | 'changed' | 'gone'; // against the job before
  was: string; // of one that changed or is gone
}

type Values = Readonly<Record<string, unknown>>;

export const isObject = (v: unknown): v is Record<string, unknown> => typeof v === 'object' && v !== null && !Array.isArray(v);

export const typeOf = (v: unknown): string => (v === null ? 'null' : Array.isArray(v) ? 'list' : typeof v);

const shown = (v: unknown): string => (typeof v === 'string' ? v : JSON.stringify(v, null, 2));

/** outputsOf are the variables that a run left: those of its result, or the result itself. */
export function outputsOf(result: unknown): Values | undefined {
  if (!isObject(result)) return undefined;
  return isObject(result.variables) ? result.variables : result;
}

/** variablesOf are the rows of a table; before is undefined where there is nothing to compare with. Nodes leave what is called like them. */
export function variablesOf(now: Values, before: Values | undefined, nodes: ReadonlySet<string>): Variable[] {
  const names = [...new Set([...Object.keys(now), ...Object.keys(before ?? {})])];
  return names.map((name) => {
    const gone = !(name in now);
    const value = gone ? before?.[name] : now[name];
    const change = before === undefined ? '' : gone ? 'gone' : !(name in before) ? 'new' : same(now[name], before[name]) ? '' : 'changed';
    return {
      name,
      type: typeOf(value),
      value: gone ? '' : shown(value),
      by: nodes.has(name) ? name : '',
      change,
      was: change === 'changed' || change === 'gone' ? shown(before?.[name]) : '',
    };
  });
}

/** same compares values as JSON does, whichever order members stand in. */
function same(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((x, i) => same(x, b[i]));
  if (isObject(a) && isObject(b)) {
    const keys = Object.keys(a);
    return keys.length === Object.keys(b).length && keys.every((k) => k in b && same(a[k], b[k]));
  }
  return a === b;
}
