import css from './status.module.css';
import { label, shapes } from './words';

const tones: Readonly<Record<string, string>> = { completed: 'online', failed: 'error', timeout: 'error' };

/** Squares are the newest results, the oldest first, each with its shape; the sentence is their name. */
export function Squares({ of, rate }: { of: readonly string[]; rate: string }) {
  if (of.length === 0) return <>–</>;
  const good = of.filter((s) => s === 'completed').length;
  return (
    <span role="img" className={css.squares} aria-label={`${rate} in all; ${good} of the last ${of.length} succeeded`} title={of.map(label).join(', ')}>
      {of.map((s, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: results have no name but their place
        <span key={i} aria-hidden="true" data-tone={tones[s] ?? 'off'}>
          {s === 'completed' ? '' : (shapes[s] ?? '')}
        </span>
      ))}
    </span>
  );
}
