import { useState } from 'react';
import css from './text.module.css';

/** Copy is a button that puts a text into the clipboard, and says so. */
export function Copy({ what, text }: { what: string; text: string }) {
  const [said, say] = useState('');
  const copy = () =>
    (navigator.clipboard?.writeText(text) ?? Promise.reject(new Error('no clipboard')))
      .then(() => say('Copied.'))
      .catch(() => say('The browser does not let this page copy: select the text.'));
  return (
    <>
      <button type="button" aria-label={`Copy ${what}`} onClick={() => void copy()}>
        Copy
      </button>
      <span role="status" className={css.said}>
        {said}
      </span>
    </>
  );
}
