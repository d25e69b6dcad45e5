import css from './parts.module.css';
import { label } from './words';

/** Every state has a shape of its own: colour only helps. */
const glyphs: Record<string, [shape: string, tone: string]> = {
  online: ['●', 'online'],
  busy: ['◆', 'busy'],
  offline: ['○', 'off'],
  error: ['▲', 'error'],
  maintenance: ['✚', 'off'],
  paused: ['‖', 'off'],
  draining: ['▽', 'off'],
  pending: ['◌', 'off'],
  assigned: ['◐', 'accent'],
  running: ['▶', 'busy'],
  cancelling: ['⊘', 'off'],
  cancelled: ['⊘', 'off'],
  needs_decision: ['?', 'warn'],
  completed: ['✓', 'online'],
  failed: ['✕', 'error'],
  timeout: ['◷', 'error'],
};

export function Status({ word, more, title }: { word: string; more?: string; title?: string }) {
  const [shape, tone] = glyphs[word] ?? ['·', 'off'];
  return (
    <span className={css.status} title={title}>
      <span aria-hidden="true" className={css.glyph} data-tone={tone}>
        {shape}
      </span>
      {label(word)}
      {more ? ` ${more}` : ''}
    </span>
  );
}
