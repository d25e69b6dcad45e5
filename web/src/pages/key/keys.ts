/** What the page of keys says about one. Pure. */
import type { Schemas } from '../../api/client';
import { label } from '../../parts/words';

type Key = Schemas['Key'];

/** prefix is how keys of a kind begin. */
export const prefix = (kind: string): string => (kind === 'robot' ? 'crpa_' : 'cfu_');

/** scopeOf says what a key is for, and within which bounds. */
export function scopeOf(k: Key): string {
  if (k.kind === 'robot') return `Robot ${k.robot_id ?? ''}${k.environment ? ` in ${k.environment}` : ''}`;
  const bounds = [
    k.scopes?.length ? k.scopes.join(', ') : '',
    k.environments?.length ? `environments ${k.environments.join(', ')}` : '',
    k.address_ranges?.length ? `from ${k.address_ranges.join(', ')}` : '',
  ].filter(Boolean);
  return [label(k.role ?? 'service'), ...bounds].join(' · ');
}

/** madeBy names who made a key. Older keys know an owner alone, and those of robots nobody. */
export function madeBy(k: Key, people: ReadonlyMap<string, string>): string {
  if (k.created_by) return k.created_by;
  return k.owner_id ? (people.get(k.owner_id) ?? `…${k.owner_id.slice(-8)}`) : '';
}

/** hasEnded says that a key opens nothing any more. */
export const hasEnded = (k: Key): boolean => k.status === 'revoked' || k.status === 'expired';

export interface Change {
  old: Key;
  next: Key | undefined;
  still: boolean; // the old one was used since the new one is there
}

/** changes are the keys that go on beside the one that takes their place, in the order of their end. */
export function changes(keys: readonly Key[]): Change[] {
  return keys
    .filter((k) => k.replaced_by && !hasEnded(k))
    .map((old) => {
      const next = keys.find((k) => k.key_id === old.replaced_by);
      return { old, next, still: next === undefined || next.last_used_at === undefined };
    })
    .sort((a, b) => (a.old.expires_at ?? '').localeCompare(b.old.expires_at ?? ''));
}

/** linesOf are the ways to use a new key, with the names that the programs read. */
export function linesOf(k: Schemas['NewKey'], url: string): { name: string; text: string }[] {
  if (k.kind === 'robot')
    return [
      { name: 'In a .env file', text: `FLEET_URL=${url}\nFLEET_ROBOT_KEY=${k.secret}` },
      { name: 'Start the robot with that file', text: 'set -a; . ./.env; set +a; fleet robot run' },
    ];
  return [
    { name: 'In a .env file', text: `FLEET_URL=${url}\nFLEET_KEY=${k.secret}` },
    { name: 'Try it with that file', text: 'set -a; . ./.env; set +a; fleet whoami' },
  ];
}

/** dropsOf says what stops when a key is revoked. The robot is what the fleet shows of it now. */
export function dropsOf(k: Key, robot: { name: string; status: string; current_jobs: number } | undefined): string {
  if (k.kind !== 'robot') return 'Programs that use it are refused within seconds, and their streams end.';
  const id = k.robot_id ?? '';
  if (robot === undefined) return `The robot ${id} drops within seconds, and its jobs with it.`;
  if (robot.status === 'offline') return `The robot ${id} is offline. With this key it cannot come back.`;
  const n = robot.current_jobs;
  if (n === 0) return `The robot ${id} drops within seconds. It runs no job now.`;
  return `The robot ${id} drops within seconds, and the ${n === 1 ? 'job' : `${n} jobs`} that it runs with it.`;
}
