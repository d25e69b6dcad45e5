/** Numbers as files. Formulas in names are made texts, so that a spreadsheet does not run them. Pure but for save. */

/** csv is rows of cells, quoted where they need it. */
export function csv(heads: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const cell = (v: string | number): string => {
    const text = typeof v === 'string' && /^[=+\-@\t\r]/.test(v) ? `'${v}` : String(v);
    return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return `${[heads, ...rows].map((r) => r.map(cell).join(',')).join('\r\n')}\r\n`;
}

/** save gives the browser a file. */
export function save(name: string, type: string, text: string): void {
  const a = document.createElement('a');
  a.href = URL.createObjectURL(new Blob([text], { type }));
  a.download = name;
  a.click();
  URL.revokeObjectURL(a.href);
}
