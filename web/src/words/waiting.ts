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
