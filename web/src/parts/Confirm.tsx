import { type ReactNode, useEffect, useRef } from 'react';
import css from './parts.module.css';

/** Confirm names what is done to what, and waits for a word. Escape and Back close it; the focus returns to where it was. */
export function Confirm(p: { title: string; children: ReactNode; action: string; busy?: boolean; onConfirm: () => void; onClose: () => void }) {
  const ref = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const d = ref.current;
    d?.showModal();
    return () => d?.close();
  }, []);
  return (
    <dialog ref={ref} className={css.dialog} aria-label={p.title} onClose={p.onClose}>
      <h2>{p.title}</h2>
      {p.children}
      <div className={css.actions}>
        <button type="button" onClick={p.onClose}>
          Back
        </button>
        <button type="button" className={css.primary} disabled={p.busy} onClick={p.onConfirm}>
          {p.action}
        </button>
      </div>
    </dialog>
  );
}
