/** What a workflow asks for when it runs: the JSON Schema under settings.fleet.inputs of its document. Pure. */

export interface Input {
  name: string;
  label: string;
  hint: string;
  kind: 'text' | 'number' | 'check' | 'select' | 'json';
  options: string[];
  required: boolean;
  preset: unknown; // undefined: none
}

type Obj = Record<string, unknown>;
const obj = (v: unknown): Obj | undefined => (typeof v === 'object' && v !== null && !Array.isArray(v) ? (v as Obj) : undefined);

/** inputsOf lists the inputs of a document, those that are required first, else as they are written. */
export function inputsOf(doc: unknown): Input[] {
  const root = obj(doc);
  const schema = [root, obj(root?.workflow), obj(root?.graph)].map((b) => obj(obj(obj(b?.settings)?.fleet)?.inputs)).find((s) => s !== undefined);
  const properties = obj(schema?.properties) ?? {};
  const required = Array.isArray(schema?.required) ? schema.required.filter((r): r is string => typeof r === 'string') : [];
  const names = [...new Set([...required, ...Object.keys(properties)])];
  return names.map((name) => {
    const p = obj(properties[name]) ?? {};
    const options = Array.isArray(p.enum) && p.enum.every((e) => typeof e === 'string') ? (p.enum as string[]) : [];
    const kind =
      options.length > 0
        ? 'select'
        : p.type === 'number' || p.type === 'integer'
          ? 'number'
          : p.type === 'boolean'
            ? 'check'
            : p.type === 'string' || p.type === undefined
              ? 'text'
              : 'json';
    return {
      name,
      label: typeof p.title === 'string' && p.title ? p.title : name,
      hint: typeof p.description === 'string' ? p.description : '',
      kind,
      options,
      required: required.includes(name),
      preset: p.default,
    };
  });
}

/** valuesOf reads the text of a JSON object; undefined: it is none. */
export function valuesOf(text: string): Obj | undefined {
  try {
    return obj(JSON.parse(text || '{}'));
  } catch {
    return undefined;
  }
}

/** withValue is the text with one input changed; undefined takes it out. What the form does not know stays. */
export function withValue(text: string, name: string, value: unknown): string {
  const { [name]: _, ...rest } = valuesOf(text) ?? {};
  return JSON.stringify(value === undefined ? rest : { ...rest, [name]: value }, null, 2);
}
