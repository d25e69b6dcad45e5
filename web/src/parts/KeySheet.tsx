import { useEffect, useMemo, useRef } from 'react';
import css from './goto.module.css';
import { commands } from './keys';

/** Keys that parts of pages have while the focus is in them. */
const elsewhere: readonly { group: string; keys: readonly (readonly [string, string])[] }[] = [
  {
    group: 'In the log of a job',
    keys: [
      ['n N', 'next and previous match'],
      ['e', 'first error'],
      ['G', 'end, and follow'],
      ['w', 'wrap lines'],
    ],
  },
  {
    group: 'On the canvas',
    keys: [
      ['Tab', 'add a node'],
      ['← ↑ → ↓', 'walk the edges'],
      ['Shift ← ↑ → ↓', 'move what is selected'],
      ['Enter', 'its settings'],
      ['F2', 'rename'],
      ['Shift F10', 'menu of a node, an edge or the ground'],
      ['Del', 'delete'],
      ['Ctrl D', 'duplicate'],
      ['Ctrl C X V', 'copy, cut and paste as JSON'],
      ['Ctrl A', 'select all'],
      ['Ctrl Z', 'undo'],
      ['Ctrl Shift Z', 'redo'],
      ['Ctrl S', 'save'],
      ['Ctrl Enter', 'run or submit'],
      ['0 + −', 'fit, nearer, farther'],
      ['P R', 'Robot Picker, placement'],
      ['Space', 'play or stop a replay, from its slider'],
    ],
  },
];

/** KeySheet lists the keys that do something now. */
export function KeySheet({ onClose }: { onClose: () => void }) {
  const ref = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const before = document.activeElement;
    ref.current?.showModal();
    return () => {
      ref.current?.close();
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  const groups = useMemo(() => {
    const out = new Map<string, (readonly [string, string])[]>();
    for (const c of commands()) if (c.keys) out.set(c.group, [...(out.get(c.group) ?? []), [c.keys, c.name]]);
    return [...[...out].map(([group, keys]) => ({ group, keys })), ...elsewhere];
  }, []);
  return (
    <dialog ref={ref} className={css.sheet} aria-label="Keys" onClose={onClose}>
      <h2>Keys</h2>
      <div className={css.groups}>
        {groups.map((g) => (
          <section key={g.group} aria-label={g.group}>
            <h3>{g.group}</h3>
            <dl>
              {g.keys.map(([k, name]) => (
                <div key={k + name} style={{ display: 'contents' }}>
                  <dt>
                    <kbd>{k}</kbd>
                  </dt>
                  <dd>{name}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
      <p>Letters alone do nothing while a field has the focus. They can be switched off under Settings › Profile.</p>
      <button type="button" onClick={onClose}>
        Close
      </button>
    </dialog>
  );
}
