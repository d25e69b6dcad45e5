import { useEffect, useState } from 'react';
import { call, type Schemas } from '../../api/client';

const part = 5000; // steps of one answer
const none: Schemas['Step'][] = [];

/** usePasses reads the steps of a job some node of which ran more than once, as many as its timeline counted. */
export function usePasses(told: Schemas['JobTimeline'], draw: boolean): Schemas['Step'][] {
  const id = told.job.job_id;
  const wanted = draw && told.segment_jobs.length === 0 && told.nodes.some((n) => n.passes > 1);
  const [steps, setSteps] = useState(none);
  // biome-ignore lint/correctness/useExhaustiveDependencies: read anew when the server counted more
  useEffect(() => {
    if (!wanted) return setSteps(none);
    const end = new AbortController();
    const read = async () => {
      const all: Schemas['Step'][] = [];
      for (let at = { epoch: 1, step: 1 }, more = true; more && all.length < told.steps; ) {
        const p = await call<Schemas['StepPage']>('GET', `/jobs/${id}/steps?epoch=${at.epoch}&from_step=${at.step}&limit=${part}`, undefined, end.signal);
        all.push(...p.steps);
        at = { epoch: p.next_epoch, step: p.next_step };
        more = p.steps.length === part;
      }
      setSteps(all);
    };
    read().catch(() => undefined); // the passes stay closed; the nodes say how many there were
    return () => end.abort();
  }, [id, wanted, told.steps, told.job.version]);
  return steps;
}
