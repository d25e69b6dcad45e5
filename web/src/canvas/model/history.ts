/** Undo and redo: a list of states and a place in it. Pure. */
export interface History<T> {
  readonly past: readonly Entry<T>[];
  readonly present: T;
  readonly future: readonly Entry<T>[];
  readonly last: string; // what the newest change was about, to join those that belong together
}

export interface Entry<T> {
  readonly state: T;
  readonly what: string; // done to come from it, in words
}

const most = 200;

export const begin = <T>(present: T): History<T> => ({ past: [], present, future: [], last: '' });

/** record takes a new state. Changes with the same mark in a row, such as the letters of a word, are one step. */
export function record<T>(h: History<T>, next: T, what: string, mark = ''): History<T> {
  if (next === h.present) return h;
  if (mark !== '' && mark === h.last && h.past.length > 0) return { ...h, present: next, future: [] };
  return { past: [...h.past, { state: h.present, what }].slice(-most), present: next, future: [], last: mark };
}

export function undo<T>(h: History<T>): History<T> {
  const before = h.past.at(-1);
  if (!before) return h;
  return { past: h.past.slice(0, -1), present: before.state, future: [{ state: h.present, what: before.what }, ...h.future], last: '' };
}

export function redo<T>(h: History<T>): History<T> {
  const after = h.future[0];
  if (!after) return h;
  return { past: [...h.past, { state: h.present, what: after.what }], present: after.state, future: h.future.slice(1), last: '' };
}

/** seal ends a row of joined changes. */
export const seal = <T>(h: History<T>): History<T> => (h.last === '' ? h : { ...h, last: '' });

/** mapped is the history with each of its states as f has it. */
export const mapped = <T>(h: History<T>, f: (state: T) => T): History<T> => {
  const each = (e: Entry<T>) => ({ ...e, state: f(e.state) });
  return { ...h, past: h.past.map(each), present: f(h.present), future: h.future.map(each) };
};
