import { type ReactNode, useId } from 'react';
import css from './parts';

interface Props<T extends string> {
  legend: string;
  value: T;
  onChange: (v: T) => void;
  of: readonly { value: T; name: string }[];
  children?: ReactNode; // what a choice asks besides
}

/** Radios is one choice of few. */
export function Radios<T extends string>({ legend, value, onChange, of, children }: Props<T>) {
  const name = useId();
  return (
    <fieldset className={css.choice}>
      <legend>{legend}</legend>
      {of.map((o) => (
        <label key={o.value}>
          <input type="radio" name={name} checked={value === o.value} onChange={() => onChange(o.value)} /> {o.name}
        </label>
      ))}
      {children}
    </fieldset>
  );
}
