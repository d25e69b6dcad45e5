/** Choosing several of a list. Pure. */
export interface Choice {
  value: string;
  name: string;
}

/** valuesOf are the values of a text in which commas part them. */
export const valuesOf = (text: string | undefined): string[] =>
  (text ?? '')
    .split(',')
    .map((v) => v.trim())
    .filter((v) => v !== '');

/** offered are the choices to show: what is chosen first, also what is on no list any more, then what a text finds. */
export function offered(options: readonly Choice[], chosen: readonly string[], text: string): Choice[] {
  const names = new Map(options.map((o) => [o.value, o.name]));
  const looked = text.trim().toLowerCase();
  return [
    ...chosen.map((value) => ({ value, name: names.get(value) ?? value })),
    ...options.filter((o) => !chosen.includes(o.value) && (looked === '' || o.name.toLowerCase().includes(looked))),
  ];
}

/** toggled is a text of values with one more, or one less. */
export function toggled(text: string | undefined, value: string): string {
  const were = valuesOf(text);
  return (were.includes(value) ? were.filter((v) => v !== value) : [...were, value]).join(', ');
}

/** namesAmong are the different words of things as choices, by name. */
export const namesAmong = (words: readonly string[]): Choice[] =>
  [...new Set(words)]
    .filter((w) => w !== '')
    .sort((a, b) => a.localeCompare(b))
    .map((value) => ({ value, name: value }));
