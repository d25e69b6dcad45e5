import { clock } from '../parts/Time';

/** Drafts are kept in this browser until the workflow is saved or published. */
export interface Draft {
  text: string;
  at: string;
  base?: string; // what it was a change of: the file's etag, or the version
}

const prefix = 'fleet.canvas.draft:';

export function keepDraft(key: string, text: string, base: string): void {
  try {
    localStorage.setItem(prefix + key, JSON.stringify({ text, at: clock(Date.now()), base } satisfies Draft));
  } catch {
    // no room, or not allowed: the page says "Unsaved" all the same
  }
}

export function keptDraft(key: string): Draft | undefined {
  try {
    const kept = JSON.parse(localStorage.getItem(prefix + key) ?? 'null') as Draft | null;
    return kept && typeof kept.text === 'string' ? kept : undefined;
  } catch {
    return undefined;
  }
}

export function dropDraft(key: string): void {
  try {
    localStorage.removeItem(prefix + key);
  } catch {
    // there was none
  }
}
