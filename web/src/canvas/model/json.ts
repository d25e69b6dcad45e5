/**
 * JSON that survives being opened and saved: objects keep the order of their
 * keys (also of keys that look like numbers), and a number keeps its text where
 * JavaScript would write another, such as 10.0 or one beyond 2^53.
 */
export type Json = null | boolean | number | string | Num | Json[] | JObj;
export type JObj = Map<string, Json>;

/** Num is a number that JavaScript would write in another way. */
export class Num {
  constructor(readonly text: string) {}
  valueOf(): number {
    return Number(this.text);
  }
}

/** BadJson says where a text is no JSON. */
export class BadJson extends Error {
  constructor(
    message: string,
    readonly line: number,
    readonly column: number,
  ) {
    super(`${message} (line ${line}, column ${column})`);
  }
}

const maxDepth = 64;
const numberForm = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const blank = /[ \t\r\n]*/y;

export function parseJson(text: string): Json {
  let at = text.charCodeAt(0) === 0xfeff ? 1 : 0;

  const fail = (what: string): never => {
    const before = text.slice(0, at);
    const line = before.split('\n').length;
    throw new BadJson(what, line, at - before.lastIndexOf('\n'));
  };
  const skip = () => {
    blank.lastIndex = at;
    blank.exec(text);
    at = blank.lastIndex;
  };
  const expect = (c: string) => {
    if (text[at] !== c) fail(`Expected ${c}`);
    at++;
  };
  const string = (): string => {
    const start = at;
    expect('"');
    for (; at < text.length; at++) {
      const c = text[at];
      if (c === '\\') at++;
      else if (c === '"') break;
    }
    expect('"');
    try {
      return JSON.parse(text.slice(start, at)) as string;
    } catch {
      at = start;
      return fail('A text is not written correctly');
    }
  };
  const number = (): number | Num => {
    numberForm.lastIndex = at;
    const found = numberForm.exec(text)?.[0];
    if (found === undefined) return fail('Unexpected character');
    at += found.length;
    const n = Number(found);
    return String(n) === found ? n : new Num(found);
  };
  const word = <T extends Json>(w: string, v: T): T => {
    if (!text.startsWith(w, at)) fail('Unexpected character');
    at += w.length;
    return v;
  };
  const value = (depth: number): Json => {
    if (depth > maxDepth) fail(`Nested more than ${maxDepth} deep`);
    skip();
    switch (text[at]) {
      case '{': {
        const out: JObj = new Map();
        at++;
        skip();
        if (text[at] === '}') {
          at++;
          return out;
        }
        for (;;) {
          skip();
          const key = string();
          if (out.has(key)) fail(`The key ${JSON.stringify(key)} stands twice`);
          skip();
          expect(':');
          out.set(key, value(depth + 1));
          skip();
          if (text[at] !== ',') break;
          at++;
        }
        expect('}');
        return out;
      }
      case '[': {
        const out: Json[] = [];
        at++;
        skip();
        if (text[at] === ']') {
          at++;
          return out;
        }
        for (;;) {
          out.push(value(depth + 1));
          skip();
          if (text[at] !== ',') break;
          at++;
        }
        expect(']');
        return out;
      }
      case '"':
        return string();
      case 't':
        return word('true', true);
      case 'f':
        return word('false', false);
      case 'n':
        return word('null', null);
      default:
        return number();
    }
  };

  const out = value(0);
  skip();
  if (at < text.length) fail('There is something behind the end');
  return out;
}

/** printJson writes a value; with indent in lines, as people read it. */
export function printJson(v: Json, indent = 2): string {
  const line = (depth: number) => (indent > 0 ? `\n${' '.repeat(indent * depth)}` : '');
  const colon = indent > 0 ? ': ' : ':';
  const put = (x: Json, depth: number): string => {
    if (x === null || typeof x === 'boolean') return String(x);
    if (typeof x === 'number') return Number.isFinite(x) ? String(x) : 'null';
    if (typeof x === 'string') return JSON.stringify(x);
    if (x instanceof Num) return x.text;
    if (Array.isArray(x)) {
      if (x.length === 0) return '[]';
      return `[${x.map((e) => line(depth + 1) + put(e, depth + 1)).join(',')}${line(depth)}]`;
    }
    if (x.size === 0) return '{}';
    const parts: string[] = [];
    for (const [k, e] of x) parts.push(line(depth + 1) + JSON.stringify(k) + colon + put(e, depth + 1));
    return `{${parts.join(',')}${line(depth)}}`;
  };
  return put(v, 0);
}

export const isObj = (v: Json | undefined): v is JObj => v instanceof Map;
export const asText = (v: Json | undefined): string | undefined => (typeof v === 'string' ? v : undefined);

/** asNumber reads a number in any of its forms. */
export function asNumber(v: Json | undefined): number | undefined {
  if (typeof v === 'number') return v;
  return v instanceof Num ? Number(v.text) : undefined;
}

/** same compares two values, order of keys included: they would be written alike. */
export function same(a: Json | undefined, b: Json | undefined): boolean {
  if (a === b) return true;
  if (a === undefined || b === undefined) return false;
  return printJson(a, 0) === printJson(b, 0);
}

/** of makes a value of a plain one. */
export function of(v: unknown): Json {
  if (v === null || v === undefined) return null;
  if (typeof v === 'boolean' || typeof v === 'number' || typeof v === 'string') return v;
  if (v instanceof Num || v instanceof Map) return v as Num | JObj;
  if (Array.isArray(v)) return v.map(of);
  return new Map(Object.entries(v as object).map(([k, e]) => [k, of(e)]));
}
