import type { HTMLAttributes, ReactNode, Ref } from 'react';

interface Props extends HTMLAttributes<HTMLElement> {
  label: string;
  children: ReactNode;
  box?: Ref<HTMLElement>;
}

/** Scroll is a part of a page that scrolls by itself, so that keys must be able to reach it. */
export function Scroll({ label, children, box, ...rest }: Props) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls
    <section ref={box ?? null} aria-label={label} tabIndex={0} {...rest}>
      {children}
    </section>
  );
}
