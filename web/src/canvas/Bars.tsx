import * as net from './net';
import css from './page.module.css';
import ui from './ui.module.css';
import type { Editor } from './useEditor';

/** Bars say what has happened to the workflow that is open: a draft was restored, or something failed. */
export function Bars({ ed }: { ed: Editor }) {
  return (
    <>
      {ed.draft && (
        <p className={css.bar} role="status">
          A draft of {ed.draft.at} was restored.{' '}
          <button type="button" className={ui.link} onClick={ed.discardDraft}>
            Discard the draft
          </button>
        </p>
      )}
      {ed.discarded && (
        <p className={css.bar} role="status">
          The draft was discarded. This is what is stored.{' '}
          <button type="button" className={ui.link} title="Ctrl Z" onClick={ed.undo}>
            Bring the draft back
          </button>
        </p>
      )}
      {ed.trouble && (
        <p className={css.barBad} role="alert">
          {ed.trouble.message} {ed.trouble instanceof net.Trouble ? ed.trouble.fix : ''}
        </p>
      )}
    </>
  );
}

/** NotOpened is the page of a workflow that cannot be read. */
export function NotOpened({ ed }: { ed: Editor }) {
  return (
    <div className={css.message} role="alert">
      <h1>Canvas</h1>
      <p>The workflow cannot be opened: {ed.trouble?.message}</p>
      {ed.trouble instanceof net.Trouble && ed.trouble.requestId && <p className={ui.hint}>Request {ed.trouble.requestId}</p>}
      <button type="button" className={ui.button} onClick={ed.retry}>
        Try again
      </button>{' '}
      <a href="/workflows" className={ui.button}>
        All workflows
      </a>
    </div>
  );
}
