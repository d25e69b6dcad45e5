/**
 * What can be done here, by key, from the palette and on the sheet of keys. Parts of a page say what they can do while they
 * are there; the newest part that has a key gets it. Pure but for useCommands.
 */
import { useEffect, useRef } from 'react';

export interface Command {
  name: string;
  group: string; // of the sheet: Go, Here, List …
  keys?: string; // such as "g r", "Shift K", "Ctrl K"
  run: () => void;
  why?: string; // why it cannot be done now
}

export interface Press {
  key: string;
  ctrl: boolean; // or the Command key
  shift: boolean;
  alt: boolean;
  at: number; // ms
  typing: boolean; // into a field, where letters are text
}

const named: Readonly<Record<string, string>> = { ' ': 'Space', ArrowUp: '↑', ArrowDown: '↓', ArrowLeft: '←', ArrowRight: '→', Escape: 'Esc' };

/** nameOf is a press as the keys of a command name it; empty: it can be nobody's. */
export function nameOf(p: Press): string {
  if (p.alt || ['Shift', 'Control', 'Alt', 'Meta'].includes(p.key)) return '';
  const letter = /^[a-z]$/i.test(p.key);
  const key = named[p.key] ?? (letter && (p.ctrl || p.shift) ? p.key.toUpperCase() : letter ? p.key.toLowerCase() : p.key);
  if (p.ctrl) return `Ctrl ${p.shift && letter ? 'Shift ' : ''}${key}`;
  return p.shift && (letter || p.key in named) ? `Shift ${key}` : key;
}

/** steps are the presses that keys ask for, one after the other. */
export function steps(keys: string): string[] {
  const out: string[] = [];
  let open = '';
  for (const word of keys.split(' ')) {
    open = open === '' ? word : `${open} ${word}`;
    if (word === 'Ctrl' || word === 'Shift') continue;
    out.push(open);
    open = '';
  }
  return out;
}

const patience = 1500; // ms between the two presses of "g r"

/** Keys finds the command of a press. It remembers the first press of two. */
export class Keys {
  private first: { name: string; at: number } | undefined;

  constructor(private readonly find: () => readonly Command[]) {}

  /** press gives the command to run; 'first' when it was the first of two presses; undefined when it is nobody's. */
  press(p: Press, single: boolean): Command | 'first' | undefined {
    const name = nameOf(p);
    if (name === '') return undefined; // a modifier alone ends nothing
    const before = this.first && p.at - this.first.at <= patience ? this.first.name : '';
    this.first = undefined;
    if (!p.ctrl && (p.typing || !single)) return undefined;
    if (p.typing && name === 'Ctrl A') return undefined; // that is all of the text
    const list = this.find().filter((c) => c.keys);
    const hit = (want: readonly string[]) =>
      list.findLast((c) => {
        const s = steps(c.keys ?? '');
        return s.length === want.length && s.every((x, i) => x === want[i]);
      });
    if (before !== '') {
      const two = hit([before, name]);
      if (two) return two;
    }
    const one = hit([name]);
    if (one) return one;
    if (list.some((c) => steps(c.keys ?? '').length === 2 && steps(c.keys ?? '')[0] === name)) {
      this.first = { name, at: p.at };
      return 'first';
    }
    return undefined;
  }
}

const parts = new Set<{ current: readonly Command[] }>();

/** commands is all that can be done now, the oldest part first. */
export const commands = (): Command[] => [...parts].flatMap((p) => p.current);

/** useCommands offers what a part of the page can do, as long as it is there. */
export function useCommands(list: readonly Command[]): void {
  const ref = useRef(list);
  ref.current = list;
  useEffect(() => {
    parts.add(ref);
    return () => {
      parts.delete(ref);
    };
  }, []);
}

const place = 'fleet.single-keys';
/** singleKeys says whether letters alone do anything; somebody may have switched them off in the profile. */
export const singleKeys = (): boolean => localStorage.getItem(place) !== 'off';
export const setSingleKeys = (on: boolean): void => localStorage.setItem(place, on ? 'on' : 'off');
