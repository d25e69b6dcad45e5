/** What an orchestrator was started with, in words. Pure. */
import type { Schemas } from '../../api/client';

/** shownOf is a value with its unit. */
export function shownOf(s: Pick<Schemas['Setting'], 'name' | 'value'>): string {
  if (s.name.startsWith('retention-')) return s.value === '0' ? 'For ever' : `${s.value} ${s.value === '1' ? 'day' : 'days'}`;
  return /^\d+$/.test(s.value) ? Number(s.value).toLocaleString('en') : s.value;
}
