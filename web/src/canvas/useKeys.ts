import { useEffect, useRef } from 'react';
import { singleKeys } from '../parts/keys';

/** Keyed is what the canvas does by key. What returns false leaves the key to the browser. */
export interface Keyed {
  root: React.RefObject<HTMLElement | null>;
  onFocusNode: (id: string) => void; // the keyboard came to a node
  onFocusLink: (key: string) => void;
  save: () => void;
  run: () => void;
  undo: () => void;
  redo: () => void;
  duplicate: () => void;
  all: () => void;
  add: () => boolean;
  remove: () => void;
  open: () => boolean;
  rename: () => boolean;
  escape: () => void;
  back: () => void; // out of the panels, to the graph
  walk: (key: string) => void;
  move: (dx: number, dy: number) => boolean;
  fit: () => void;
  zoom: (by: 1 | -1) => void;
  picker: () => void;
  placement: () => void;
  menu: (x: number, y: number) => void;
  copy: () => string | undefined;
  cut: () => string | undefined;
  paste: (text: string) => void;
}

const grid = 24;
const arrows: Readonly<Record<string, readonly [number, number]>> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const fields = 'input, textarea, select, [contenteditable]';

/** useKeys listens on the whole page, since a click on the ground leaves the focus nowhere. Keys of text fields and dialogs are theirs. */
export function useKeys(k: Keyed): void {
  const now = useRef(k);
  now.current = k;
  useEffect(() => {
    const ours = (t: EventTarget | null): t is Element =>
      // a connection is no HTMLElement
      t instanceof Element && (t === document.body || (now.current.root.current?.contains(t) ?? false));
    let byPointer = false; // then the graph itself selects
    const point = () => {
      byPointer = true;
    };
    const press = (e: KeyboardEvent) => {
      byPointer = false;
      if (e.defaultPrevented || e.isComposing || !ours(e.target) || document.querySelector('dialog[open]')) return;
      if (e.key === 'Enter' || e.key === ' ') choose(e.target); // it has the focus by pointer, and may not be selected
      if (handle(e, e.target, now.current)) e.preventDefault();
    };
    const clip = (e: ClipboardEvent) => {
      const at = e.target instanceof Element ? e.target : document.body;
      if (!ours(at) || at.closest(fields) || document.querySelector('dialog[open]')) return;
      if (e.type === 'paste') {
        const text = e.clipboardData?.getData('text/plain') ?? '';
        if (text) now.current.paste(text);
      } else {
        if (!(window.getSelection()?.isCollapsed ?? true)) return; // words of the log
        const text = e.type === 'cut' ? now.current.cut() : now.current.copy();
        if (text === undefined) return;
        e.clipboardData?.setData('text/plain', text);
      }
      e.preventDefault();
    };
    const focus = (e: FocusEvent) => {
      const el = e.target;
      if (!byPointer && ours(el)) choose(el);
    };
    const choose = (el: Element) => {
      const id = el.getAttribute('data-id');
      if (id !== null && el.matches('.react-flow__node')) now.current.onFocusNode(id);
      if (id !== null && el.matches('.react-flow__edge')) now.current.onFocusLink(id);
    };
    document.addEventListener('keydown', press);
    document.addEventListener('focusin', focus);
    document.addEventListener('pointerdown', point, true);
    for (const type of ['copy', 'cut', 'paste'] as const) document.addEventListener(type, clip);
    return () => {
      document.removeEventListener('keydown', press);
      document.removeEventListener('focusin', focus);
      document.removeEventListener('pointerdown', point, true);
      for (const type of ['copy', 'cut', 'paste'] as const) document.removeEventListener(type, clip);
    };
  }, []);
}

/** handle does what a key asks for; true: the browser shall not. */
function handle(e: KeyboardEvent, el: Element, k: Keyed): boolean {
  const ctrl = e.ctrlKey || e.metaKey;
  const key = e.key.toLowerCase();
  const typing = el.closest(fields) !== null;
  const inFlow = el === document.body || el === k.root.current || el.closest('.react-flow') !== null;
  const done = (f: () => void) => {
    f();
    return true;
  };
  if (ctrl && key === 's') return done(() => !e.repeat && k.save());
  if (ctrl && key === 'enter') return done(() => !e.repeat && k.run());
  if (key === 'escape' && el.closest('[role="tabpanel"]') !== null) return done(k.back);
  if (typing || e.altKey) return false;
  if (ctrl) {
    if (key === 'z') return done(e.shiftKey ? k.redo : k.undo);
    if (key === 'y') return done(k.redo);
    if (key === 'd') return done(k.duplicate);
    return key === 'a' && inFlow && done(k.all);
  }
  if (key === 'contextmenu' || (key === 'f10' && e.shiftKey)) {
    if (!inFlow) return false;
    const at = (
      el.closest('.react-flow__node, .react-flow__edge') ??
      document.querySelector('.react-flow__node.selected') ??
      el.closest('.react-flow') ??
      k.root.current
    )?.getBoundingClientRect();
    return done(() => k.menu((at?.left ?? 0) + Math.min(24, (at?.width ?? 0) / 2), (at?.top ?? 0) + Math.min(24, (at?.height ?? 0) / 2)));
  }
  if (inFlow && el.closest('button, a') === null) {
    const way = arrows[e.key];
    if (way && e.shiftKey) return k.move(way[0] * grid, way[1] * grid);
    if (way) return done(() => k.walk(e.key));
    if (e.key === 'Tab' && !e.shiftKey) return k.add();
    if (e.key === 'Delete' || e.key === 'Backspace') return done(k.remove);
    if (e.key === 'Enter') return k.open();
  }
  if (e.key === 'F2') return k.rename();
  if (e.key === 'Escape') return done(k.escape);
  if (!singleKeys()) return false;
  if (inFlow && key === '0') return done(k.fit);
  if (inFlow && (key === '+' || key === '=')) return done(() => k.zoom(1));
  if (inFlow && key === '-') return done(() => k.zoom(-1));
  if (key === 'p') return done(k.picker);
  return key === 'r' && done(k.placement);
}
