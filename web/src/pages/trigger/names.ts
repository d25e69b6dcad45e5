import { useMemo } from 'react';
import { call, type Schemas } from '../../api/client';
import { onlyIf, useLive } from '../../parts/live';
import { useWorkflows } from '../../parts/WorkflowSelect';

export const useQueues = () =>
  useLive<Schemas['QueueList']>('queues to work off', {
    topics: ['queues'],
    ask: (s) => call('GET', '/queues', undefined, s),
    take: onlyIf((f) => f.type.startsWith('queue.')),
  });

/** useNames gives the names of workflows and queues; what has none that is known is its id. */
export function useNames(): (id: string) => string {
  const flows = useWorkflows().data;
  const queues = useQueues().data;
  return useMemo(() => {
    const names = new Map<string, string>();
    for (const w of flows?.workflows ?? []) names.set(w.workflow_id, w.workflow_name);
    for (const q of queues?.queues ?? []) names.set(q.id, q.name);
    return (id) => names.get(id) ?? id;
  }, [flows, queues]);
}
