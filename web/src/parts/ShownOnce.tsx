import { useEffect, useRef, useState } from 'react';
import { copyText } from './copyText';
import css from './parts';

/** ShownOnce shows a secret that nobody can show again. It closes only when somebody says that it is stored. */
export function ShownOnce({
  title,
  what,
  secret,
  lines,
  onClose,
}: {
  title: string;
  what: string;
  secret: string;
  lines: { name: string; text: string }[];
  onClose: () => void;
}) {
  const ref = useRef<HTMLDialogElement>(null);
  const [stored, setStored] = useState(false);
  const [copied, setCopied] = useState('');
  useEffect(() => {
    const before = document.activeElement;
    const d = ref.current;
    d?.showModal();
    return () => {
      d?.close();
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  const copy = (name: string, text: string) => copyText(text, `${name} is copied.`).then(setCopied);
  return (
    <dialog
      ref={ref}
      className={css.dialog}
      data-wide
      aria-label={title}
      onCancel={(e) => !stored && e.preventDefault()}
      onKeyDown={(e) => e.key === 'Escape' && !stored && e.preventDefault()} // a second Escape closes a dialog whatever cancel says
      onClose={() => {
        if (stored) onClose();
        else ref.current?.showModal();
      }}
    >
      <h2>{title}</h2>
      <p>
        <strong>This is the only time the {what} is shown.</strong>
      </p>
      <pre className={css.pre} data-testid="secret">
        {secret}
      </pre>
      <div className={css.bar}>
        <button type="button" onClick={() => void copy(`The ${what}`, secret)}>
          Copy the {what}
        </button>
        <span role="status">{copied}</span>
      </div>
      {lines.map((l) => (
        <div key={l.name}>
          <div className={css.bar}>
            <span className={css.hint}>{l.name}</span>
            <span className={css.grow} />
            <button type="button" aria-label={`Copy: ${l.name}`} onClick={() => void copy(`“${l.name}”`, l.text)}>
              Copy
            </button>
          </div>
          <pre className={css.pre}>{l.text}</pre>
        </div>
      ))}
      <label>
        <input type="checkbox" checked={stored} onChange={(e) => setStored(e.target.checked)} /> I have stored it
      </label>
      <div className={css.actions}>
        <button type="button" className={css.primary} disabled={!stored} onClick={onClose}>
          Close
        </button>
      </div>
    </dialog>
  );
}
