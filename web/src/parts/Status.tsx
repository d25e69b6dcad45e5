import css from './status.module.css';
import { label, shapes } from './words';

const tones: Record<string, string> = {
  online: 'online',
  busy: 'busy',
  offline: 'error',
  error: 'error',
  assigned: 'accent',
  running: 'accent',
  needs_decision: 'warn',
  completed: 'online',
  failed: 'error',
  timeout: 'error',
  in_progress: 'busy',
  successful: 'online',
  abandoned: 'warn',
  healthy: 'online',
  degraded: 'warn',
  failing: 'error',
  fired: 'accent',
  accepted: 'online',
  cooling: 'warn',
  full: 'busy',
  missed: 'warn',
  refused: 'error',
  open: 'error',
  acknowledged: 'busy',
  resolved: 'online',
  warning: 'warn',
  critical: 'error',
  held: 'warn',
  sent: 'online',
  delivered: 'online',
  given_up: 'error',
  done: 'online',
  denied: 'warn',
  active: 'online',
  expiring: 'warn',
};

/** Status is a state as its shape and its word. clock: what is pending waits for a time. */
export function Status({ word, more, title, clock }: { word: string; more?: string; title?: string; clock?: boolean | undefined }) {
  return (
    <span className={css.status} title={title}>
      <span aria-hidden="true" className={css.glyph} data-tone={tones[word] ?? 'off'} data-turns={word === 'running' || undefined}>
        {clock && word === 'pending' ? '◔' : (shapes[word] ?? '·')}
      </span>
      {label(word)}
      {more ? ` ${more}` : ''}
    </span>
  );
}
