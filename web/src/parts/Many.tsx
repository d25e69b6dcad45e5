import { useState } from 'react';
import { type Choice, offered, toggled, valuesOf } from './many';
import own from './many.module.css';
import css from './parts';

interface Props {
  label: string;
  hint?: string | undefined;
  options: readonly Choice[];
  free?: boolean | undefined; // what is on no list may be named too
  value: string; // values, parted by commas
  onChange: (value: string) => void;
}

const few = 6;
const most = 100;

/** Many is the field by which several are chosen from a list, by their names. */
export function Many({ label, hint, options, free, value, onChange }: Props) {
  const [text, setText] = useState('');
  const chosen = valuesOf(value);
  const all = offered(options, chosen, text);
  const fresh = text.trim().replaceAll(',', ' ');
  const looks = options.length > few || free;
  return (
    <fieldset className={own.box}>
      <legend>
        {label}
        {hint && <span className={css.hint}> {hint}</span>}
      </legend>
      {looks && (
        <input
          aria-label={`${label}: find${free ? ' or name another' : ''}`}
          placeholder={free ? 'Find, or name another' : 'Find'}
          autoComplete="off"
          value={text}
          onChange={(e) => setText(e.target.value)}
        />
      )}
      {all.length === 0 && <span className={css.hint}>{text ? 'Nothing is called so.' : 'There is none.'}</span>}
      {all.length > 0 && (
        <ul className={own.list}>
          {all.slice(0, most).map((o) => (
            <li key={o.value}>
              <label className={own.row}>
                <input type="checkbox" checked={chosen.includes(o.value)} onChange={() => onChange(toggled(value, o.value))} /> {o.name}
              </label>
            </li>
          ))}
          {all.length > most && <li className={css.hint}>And {all.length - most} more. Type to find one.</li>}
        </ul>
      )}
      {free && fresh !== '' && !all.some((o) => o.value === fresh) && (
        <button
          type="button"
          onClick={() => {
            onChange(toggled(value, fresh));
            setText('');
          }}
        >
          Add {fresh}
        </button>
      )}
    </fieldset>
  );
}
