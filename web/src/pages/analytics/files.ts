/** Numbers as files. Formulas in names are made texts, so that a spreadsheet does not run them. Pure but for save. */
import { saveAs } from '../../parts/saveAs';

/** csv is rows of cells, quoted where they need it. */
export function csv(heads: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const cell = (v: string | number): string => {
    const text = typeof v === 'string' && /^[=+\-@\t\r]/.test(v) ? `'${v}` : String(v);
    return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return `${[heads, ...rows].map((r) => r.map(cell).join(',')).join('\r\n')}\r\n`;
}

/** save gives the browser a file. */
export const save = (name: string, type: string, text: string): void => saveAs(name, new Blob([text], { type }));
