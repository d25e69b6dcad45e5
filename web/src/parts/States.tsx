import type { ReactNode } from 'react';
import type { Refusal } from '../api/client';
import css from './text.module.css';

/** Fault says what failed, and how to go on. Data that is there stays, with its age. */
export function Fault({ error, asOf, again }: { error: Refusal; asOf?: string; again: () => void }) {
  return (
    <p className={css.fault} role="alert">
      {error.message} {error.fix}
      {error.requestId && (
        <>
          {' '}
          Request <code>{error.requestId}</code>
        </>
      )}
      {asOf && ` Showing the state of ${asOf}.`}{' '}
      <button type="button" onClick={again}>
        Try again
      </button>
    </p>
  );
}

export function Loading({ what }: { what: string }) {
  return (
    <p className={css.loading} role="status">
      Loading {what}…
    </p>
  );
}

export function Empty({ children, command }: { children: ReactNode; command?: string }) {
  return (
    <div className={css.empty}>
      <p>{children}</p>
      {command && <pre>{command}</pre>}
    </div>
  );
}
