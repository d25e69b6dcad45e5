/** The words of the fleet as people read them, and spans of time. Pure. */

/** label is the API's word with a capital and spaces. */
export const label = (word: string): string => (word === '' ? '' : (word[0] ?? '').toUpperCase() + word.slice(1).replaceAll('_', ' '));

/** Every state has a shape of its own, for robots, jobs and nodes alike: colour only helps. */
export const shapes: Readonly<Record<string, string>> = {
  online: '●',
  busy: '◆',
  offline: '○',
  error: '▲',
  maintenance: '■',
  paused: '‖',
  draining: '⤓',
  pending: '◌',
  assigned: '◐',
  running: '◑',
  cancelling: '⊘',
  cancelled: '⊘',
  needs_decision: '?',
  completed: '✓',
  failed: '✕',
  timeout: '◷',
  lost: '▲',
  released: '⤓',
  rejected: '▽',
  unconfirmed: '?',
  skipped: '⤳',
  not_reached: '·',
  delivered: '✓',
  given_up: '✕',
  fired: '▸',
  missed: '▽',
  collapsed: '⤳',
  skipped_overlap: '⤳',
  skipped_calendar: '⤳',
  refused: '▲',
  accepted: '▸',
  filtered: '⤳',
  cooling: '◷',
  full: '◆',
  duplicate: '⤳',
  disabled: '‖',
  new: '◌',
  in_progress: '◑',
  successful: '✓',
  abandoned: '⊘',
  retried: '↻',
  deleted: '⊘',
  healthy: '✓',
  degraded: '▽',
  failing: '▼',
  unknown: '·',
  open: '▲',
  acknowledged: '◐',
  resolved: '✓',
  info: '·',
  warning: '▽',
  critical: '▲',
  waiting: '◌',
  held: '‖',
  sent: '✓',
  dropped: '⤳',
  done: '✓',
  denied: '⊘',
  active: '●',
  expiring: '◷',
  expired: '○',
  revoked: '⊘',
};

const names: Record<number, string> = { 0: 'Critical', 5: 'High', 10: 'Normal', 15: 'Low' };
/** priority names a priority; between the names it is the number. */
export const priority = (p: number): string => names[p] ?? String(p);

/** span is a length of time in at most two units. */
export function span(ms: number): string {
  if (ms < 0) return '0 s';
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const s = Math.floor(ms / 1000);
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`;
  if (s < 86_400) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
  return `${Math.floor(s / 86_400)} d ${Math.floor((s % 86_400) / 3600)} h`;
}

/** between is the span from one time of the server to another; empty when one is missing. */
export const between = (from?: string, to?: string): string => (from && to ? span(Date.parse(to) - Date.parse(from)) : '');

/** lasted is a length of time as precise as people want it. */
export function lasted(t: number): string {
  if (t < 1) return 'less than 1 ms';
  if (t < 1000) return `${Math.round(t)} ms`;
  if (t < 60_000) return `${(t / 1000).toFixed(1)} s`;
  const s = Math.round(t / 1000);
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`;
  if (s < 86_400) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
  return `${Math.floor(s / 86_400)} d ${Math.floor((s % 86_400) / 3600)} h`;
}
