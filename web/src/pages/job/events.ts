/** The events of a job and of its attempts. Pure. */
import type { Schemas } from '../../api/client';
import { exact } from '../../parts/Time';
import { label } from '../../parts/words';

type Event = Schemas['Event'];

/** merged puts events of several subjects into the order in which they came. */
export const merged = (...pages: readonly { events: readonly Event[] }[]): Event[] => pages.flatMap((p) => p.events).sort((a, b) => a.seq - b.seq);

const told: Readonly<Record<string, string>> = { complete: 'it had completed', failed: 'it had failed', stopped: 'it had been stopped' };

/** lateWords say what a robot told of an attempt that was over. */
export function lateWords(e: Event): string {
  const data = (e.data ?? {}) as { report?: string; message?: string };
  const what = told[data.report ?? ''] ?? label(data.report ?? '').toLowerCase();
  return `Late, at ${exact(e.at)}: the robot said that ${what}${data.message ? ` (${data.message})` : ''}. It changed nothing.`;
}
