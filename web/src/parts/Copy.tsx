import { useState } from 'react';
import { copyText } from './copyText';
import css from './text.module.css';

/** Copy is a button that puts a text into the clipboard, and says so. */
export function Copy({ what, text }: { what: string; text: string }) {
  const [said, say] = useState('');
  const copy = () => {
    say(''); // the same words again are news, too
    void copyText(text).then(say);
  };
  return (
    <>
      <button type="button" aria-label={`Copy ${what}`} onClick={copy}>
        Copy
      </button>
      <span role="status" className={css.said}>
        {said}
      </span>
    </>
  );
}
