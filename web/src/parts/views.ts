/** Views that somebody has saved: a name and what was in the address. Before the server kept them, browsers did. */

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

/** read understands what a browser kept; anything else is nothing. */
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
