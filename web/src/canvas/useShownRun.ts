import { useEffect } from 'react';
import { final } from './run';
import { useReplay } from './useReplay';
import { useRun } from './useRun';
import type { Selection } from './useSelection';

/** useShownRun follows the run that the address names, of the past or going on. Where it failed is selected, if nothing else is. */
export function useShownRun(shown: string | undefined, sel: Selection) {
  const run = useRun();
  const replay = useReplay(run);
  // biome-ignore lint/correctness/useExhaustiveDependencies: only the address decides
  useEffect(() => {
    if (!shown) return run.leave();
    if (shown.startsWith('local:')) run.watch('local', shown.slice('local:'.length));
    else run.watch('job', shown);
  }, [shown]);
  const failedNode = run.view && final(run.view.status) ? run.view.failedNode : '';
  // biome-ignore lint/correctness/useExhaustiveDependencies: once for each run, and only where nothing is selected
  useEffect(() => {
    if (failedNode && sel.nodes.size === 0) sel.select(new Set([failedNode]));
  }, [failedNode, run.view?.id]);
  return { run, replay };
}
