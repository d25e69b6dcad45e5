import { useEffect, useId, useRef, useState } from 'react';
import { copyText } from './copyText';
import parts from './parts';
import type { Told } from './told';
import css from './told.module.css';

/** Commands shows what can be done with a thing as commands, each with a button that copies it, the most likely first. */
export function Commands({ of, list, onClose }: { of: string; list: readonly Told[]; onClose: () => void }) {
  const box = useRef<HTMLDialogElement>(null);
  const first = useRef<HTMLButtonElement>(null);
  const group = useId();
  const [form, setForm] = useState<'cli' | 'curl'>('cli');
  const [said, setSaid] = useState('');
  useEffect(() => {
    const before = document.activeElement;
    const d = box.current;
    d?.showModal();
    first.current?.focus(); // Enter copies what is likely
    return () => {
      d?.close();
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  const copy = (t: Told) => void copyText(t[form], `“${t.name}” is copied.`).then(setSaid);
  return (
    <dialog ref={box} className={parts.dialog} data-wide aria-label={`Commands of ${of}`} onClose={onClose}>
      <h2>Commands of {of}</h2>
      <div className={css.form}>
        {(['cli', 'curl'] as const).map((f) => (
          <label key={f}>
            <input type="radio" name={group} checked={form === f} onChange={() => setForm(f)} /> {f === 'cli' ? 'In a terminal' : 'As curl'}
          </label>
        ))}
      </div>
      <ul className={css.list}>
        {list.map((t, i) => (
          <li key={t.name}>
            <span>{t.name}</span>
            {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what is longer than its box is scrolled by key */}
            <code tabIndex={0}>{t[form]}</code>
            <button ref={i === 0 ? first : undefined} type="button" aria-label={`Copy: ${t.name}`} onClick={() => copy(t)}>
              Copy
            </button>
          </li>
        ))}
      </ul>
      <p role="status" className={parts.hint}>
        {said || (form === 'curl' ? 'FLEET_KEY is a key of yours.' : 'fleet has to know this server: fleet login does that once.')}
      </p>
      <div className={parts.actions}>
        <button type="button" onClick={() => box.current?.close()}>
          Close
        </button>
      </div>
    </dialog>
  );
}
