import { useState } from 'react';
import type { Schemas } from '../api/client';
import css from '../shell.module.css';
import { stream, useConnection } from './live';
import { phaseOf } from './phase';
import { Ago, clock, useNow } from './Time';

const words = {
  live: ['●', 'Live'],
  connecting: ['◐', 'Connecting'],
  catching_up: ['◐', 'Catching up'],
  offline: ['○', 'Offline'],
  idle: ['●', 'Connected'],
  refused: ['○', 'Refused'],
} as const;

type Link = Schemas['Link'];

/** Connection says as glyph and word how far what is shown can be trusted, and more when asked. */
export function Connection({ lost, version, link }: { lost: boolean; version: string; link: Link | undefined }) {
  const s = useConnection();
  const [open, setOpen] = useState(false);
  const canvas = link !== undefined;
  const phase = phaseOf(s.phase, lost, link);
  const [glyph, word] = words[phase];
  const gone = lost ? s.since : (link?.since ?? s.since);
  const since = phase === 'offline' && gone ? ` since ${clock(gone)}` : '';
  return (
    <div className={css.connection}>
      <button type="button" aria-expanded={open} onClick={() => setOpen(!open)}>
        <span aria-hidden="true" data-phase={phase}>
          {glyph}
        </span>{' '}
        <span role="status" data-testid="connection">
          {word}
          {since}
        </span>
      </button>
      {open && (
        <div className={css.popover} role="dialog" aria-label="Connection">
          <dl>
            <dt>Server</dt>
            <dd>{location.host}</dd>
            {link && (
              <>
                <dt>Orchestrator</dt>
                <dd>{link.url || 'none answers'}</dd>
              </>
            )}
            <dt>Version</dt>
            <dd>{version}</dd>
            {s.heard > 0 && (
              <>
                <dt>Last message</dt>
                <dd>
                  <Ago at={new Date(s.heard).toISOString()} />
                </dd>
              </>
            )}
            {s.latency !== undefined && (
              <>
                <dt>Answer after</dt>
                <dd>{s.latency} ms</dd>
              </>
            )}
            <dt>Updates</dt>
            <dd>{s.updates}</dd>
          </dl>
          {link && link.state !== 'connected' && <p>{link.message || 'The orchestrator does not answer.'}</p>}
          {phase === 'offline' && !link && <NextTry at={s.retryAt} />}
          {phase === 'idle' && (
            <p>{canvas ? 'No orchestrator is followed live. Lists are asked for again every 5 s.' : 'Your role may not follow robots live.'}</p>
          )}
          <div>
            {phase === 'offline' && !link && (
              <button type="button" onClick={() => stream.retry()}>
                Retry now
              </button>
            )}
            <button type="button" onClick={() => setOpen(false)}>
              Close
            </button>
          </div>
        </div>
      )}
    </div>
  );
}

function NextTry({ at }: { at: number }) {
  useNow();
  const s = Math.max(0, Math.ceil((at - Date.now()) / 1000));
  return (
    <p>{at > 0 ? `Next try in ${s} s. After 30 s without a connection, lists are asked for every 15 s.` : 'It goes on when you look at the page again.'}</p>
  );
}
