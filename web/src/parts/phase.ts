import type { Schemas } from '../api/client';
import type { Phase } from '../live/stream';

/**
 * phaseOf is what can be said of what is shown. The canvas on one's own machine stands before an orchestrator: what it
 * shows of a fleet is as good as that connection.
 */
export function phaseOf(phase: Phase, lost: boolean, link: Pick<Schemas['Link'], 'state'> | undefined): Phase | 'refused' {
  if (lost && phase !== 'live') return 'offline';
  if (!link || link.state === 'connected') return phase;
  return link.state === 'connecting' ? 'connecting' : link.state;
}
