/** What the page of keys says about one. Pure. */
import type { Schemas } from '../../api/client';
import { label } from '../../parts/words';

/** prefix is how keys of a kind begin. */
export const prefix = (kind: string): string => (kind === 'robot' ? 'crpa_' : 'cfu_');

/** scopeOf says what a key is for, and within which bounds. */
export function scopeOf(k: Schemas['Key']): string {
  if (k.kind === 'robot') return `Robot ${k.robot_id ?? ''}${k.environment ? ` in ${k.environment}` : ''}`;
  const bounds = [
    k.scopes?.length ? k.scopes.join(', ') : '',
    k.environments?.length ? `environments ${k.environments.join(', ')}` : '',
    k.address_ranges?.length ? `from ${k.address_ranges.join(', ')}` : '',
  ].filter(Boolean);
  return [label(k.role ?? 'service'), ...bounds].join(' · ');
}
