import css from './status.module.css';
import { label, shapes } from './words';

const tones: Record<string, string> = {
  online: 'online',
  busy: 'busy',
  offline: 'error',
  error: 'error',
  assigned: 'accent',
  running: 'busy',
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

/** Status is a state as its shape and its word. */
export function Status({ word, more, title }: { word: string; more?: string; title?: string }) {
  return (
    <span className={css.status} title={title}>
      <span aria-hidden="true" className={css.glyph} data-tone={tones[word] ?? 'off'}>
        {shapes[word] ?? '·'}
      </span>
      {label(word)}
      {more ? ` ${more}` : ''}
    </span>
  );
}
