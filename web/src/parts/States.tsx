import type { ReactNode } from 'react';
import type { Refusal } from '../api/client';
import { Copy } from './Copy';
import { useSoon } from './soon';
import css from './text.module.css';

/** Fault says what failed, and how to go on. Data that is there stays, with its age. */
export function Fault({ error, asOf, again }: { error: Refusal; asOf?: string; again: () => void }) {
  return (
    <p className={css.fault} role="alert">
      {error.message} {error.fix}
      {asOf && ` Showing the state of ${asOf}.`}
      {error.status > 0 && !error.message.includes(String(error.status)) && ` Status ${error.status}.`}
      {error.requestId && (
        <>
          {' '}
          Request <code>{error.requestId}</code> <Copy what="the id of the request" text={error.requestId} />
        </>
      )}{' '}
      <button type="button" onClick={again}>
        Try again
      </button>
    </p>
  );
}

const bars = (n: number) => Array.from({ length: n }, (_, i) => i);

/** Loading stands where an answer will be: in the columns of its table, if they are given, else as lines. Who listens is told at once. */
export function Loading({ what, heads }: { what: string; heads?: readonly string[] }) {
  const soon = useSoon();
  return (
    <div className={css.loading}>
      <span role="status" className={css.unseen}>
        Loading {what}…
      </span>
      {soon && heads && (
        <table className={css.bars} aria-hidden="true">
          <thead>
            <tr>
              {heads.map((h) => (
                <th key={h}>{h}</th>
              ))}
            </tr>
          </thead>
          <tbody>
            {bars(6).map((i) => (
              <tr key={i}>
                {heads.map((h) => (
                  <td key={h}>
                    <i />
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {soon && !heads && bars(3).map((i) => <i key={i} aria-hidden="true" />)}
    </div>
  );
}

export function Empty({ children, command }: { children: ReactNode; command?: string }) {
  return (
    <div className={css.empty}>
      <p>{children}</p>
      {command && (
        <div>
          <pre>{command}</pre>
          <Copy what="the command" text={command} />
        </div>
      )}
    </div>
  );
}
