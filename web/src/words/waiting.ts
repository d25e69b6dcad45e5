/** What reasons of waiting read like. The server's sentence is shown as it is; this names the parts around it. Pure. */

const causes: Readonly<Record<string, string>> = {
  environment: 'in another environment',
  pool: 'in another pool',
  target: 'not the robot it asks for',
  avoided: 'to be avoided',
  capability: 'lack a capability',
  tag: 'lack a tag',
  fact: 'not what it demands of the machine',
  fact_unknown: 'do not say what it asks of the machine',
  not_assigned: 'not among its usual robots',
  no_fallback_step: 'in no step of its fallback',
  fallback_later: 'wait for a later step of its fallback',
  sticky: 'not the robot of the job that it belongs to',
  maintenance: 'in maintenance',
  offline: 'offline',
  suspect: 'silent',
  error: 'in error',
  draining: 'draining',
  paused: 'paused',
  rejected: 'refused it before',
  no_slot: 'full',
  reserved: 'kept for other work',
};

/** cause says why robots do not take a job; a code without words of its own is read as it is. */
export const cause = (code: string): string => causes[code] ?? code.replaceAll('_', ' ');

const helps: Readonly<Record<string, string>> = {
  slot_frees: 'That happens by itself when a job ends.',
  robot_returns: 'Look why it is away.',
  demand_dropped: 'Change the placement of the workflow, then submit it anew.',
  priority_raised: 'Submit it anew with a more urgent priority (0 goes first).',
  robot_added: 'Start such a robot.',
};

/** changed says what a person can do for a change that would help. */
export const changed = (change: string): string => helps[change] ?? '';

const waiting: Readonly<Record<string, string>> = {
  not_before: 'Waits for its time',
  retry_delay: 'Waits before it is tried again',
  parents_running: 'Waits for other jobs',
  dependency_unmet: 'Held: what it depends on did not come true',
  segments: 'Waits for its first part',
  no_robot: 'No robot is there',
  no_match: 'No robot fits',
  none_available: 'Robots that fit are away',
  rejected_by_all: 'Robots that fit refused it',
  no_slot: 'Robots that fit are full',
  behind_others: 'Others go first',
  reserved: 'Free slots are kept for other work',
  tenant_suspended: 'Its tenant is suspended',
  tenant_quota: 'As many run as may',
  time: 'Waits for its time',
  backoff: 'Waits before it is tried again',
  dependencies: 'Waits for other jobs',
  secret_held: 'Another job has its secret',
  concurrency: 'As many run as may',
  rate: 'Too many begin at once',
  robot: 'Waits for a robot',
  reservation: 'Free slots are kept for other work',
  hold: 'Held',
};

/** waits says in a few words why a job waits; a code without words of its own is read as it is. */
export function waits(on: string | undefined, code: string | undefined): string {
  const word = code || on || '';
  return waiting[word] ?? waiting[on ?? ''] ?? word.replaceAll('_', ' ');
}
