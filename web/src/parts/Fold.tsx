import { type ReactNode, useRef } from 'react';
import css from './fold.module.css';
import { useNarrow } from './narrow';

interface Props {
  name: string;
  children: (shut: () => void) => ReactNode;
}

/** Fold is what a narrow screen shows only when somebody asks for it; a wide one shows it always. Escape closes it. */
export function Fold({ name, children }: Props) {
  const fold = useRef<HTMLDetailsElement>(null);
  const shut = () => {
    if (!fold.current) return;
    fold.current.open = false;
    fold.current.querySelector('summary')?.focus();
  };
  const inside = children(shut);
  if (!useNarrow()) return inside;
  return (
    <details ref={fold} className={css.fold} onKeyDown={(e) => e.key === 'Escape' && shut()}>
      <summary>{name}</summary>
      {inside}
    </details>
  );
}
