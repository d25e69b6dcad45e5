/** Views that somebody has saved: a name and what was in the address. This browser keeps them. */

export interface View {
  name: string;
  query: Record<string, string>;
}

export type Query = Record<string, string>;

/** same says whether two addresses ask for the same, whatever their order. */
export function same(a: Query, b: Query): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((k) => a[k] === b[k]);
}

/** put saves a view under its name, in the place of one that has it. */
export const put = (list: readonly View[], v: View): View[] =>
  list.some((x) => x.name === v.name) ? list.map((x) => (x.name === v.name ? v : x)) : [...list, v];

/** read understands what was kept; anything else is nothing. */
export function read(text: string | null): View[] {
  try {
    const got: unknown = JSON.parse(text ?? '[]');
    if (!Array.isArray(got)) return [];
    return got.filter(
      (v): v is View =>
        typeof v?.name === 'string' && typeof v.query === 'object' && v.query !== null && Object.values(v.query).every((x) => typeof x === 'string'),
    );
  } catch {
    return [];
  }
}
