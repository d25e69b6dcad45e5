import { type ReactNode, useEffect, useId, useRef } from 'react';
import css from './parts';

interface Props {
  title: string;
  children: ReactNode;
  action: string;
  busy?: boolean;
  disabled?: boolean;
  wide?: boolean;
  back?: string;
  onConfirm: () => void;
  onClose: () => void;
}

/** Confirm names what is done to what, and waits for a word. Escape and Back close it; the focus returns to where it was. */
export function Confirm(p: Props) {
  const ref = useRef<HTMLDialogElement>(null);
  const form = useId();
  useEffect(() => {
    const before = document.activeElement;
    const d = ref.current;
    d?.showModal();
    return () => {
      d?.close();
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return (
    <dialog ref={ref} className={css.dialog} data-wide={p.wide || undefined} aria-label={p.title} onClose={p.onClose}>
      <h2>{p.title}</h2>
      <form
        id={form}
        onSubmit={(e) => {
          e.preventDefault();
          if (!p.busy && !p.disabled) p.onConfirm();
        }}
      >
        {p.children}
      </form>
      <div className={css.actions}>
        <button type="button" onClick={p.onClose}>
          {p.back ?? 'Back'}
        </button>
        <button type="submit" form={form} className={css.primary} disabled={p.busy || p.disabled}>
          {p.action}
        </button>
      </div>
    </dialog>
  );
}
