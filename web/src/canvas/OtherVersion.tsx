import type * as net from './net';
import ui from './ui.module.css';
import type { Origin } from './useEditor';

/** OtherVersion says that a run was of another version than the one on the canvas, and leads to it. */
export function OtherVersion({ job, origin, dirty }: { job: net.Job | undefined; origin: Origin; dirty: boolean }) {
  if (!job || origin.kind !== 'workflow') return null;
  const w = job.workflow;
  const same = w.workflow_id === origin.id;
  if (same && w.version === origin.version && !dirty) return null;
  const href = `/workflows/${encodeURIComponent(w.workflow_id)}/versions/${w.version}?run=${encodeURIComponent(job.job_id)}`;
  const ran = same ? `version ${w.version}` : `${w.workflow_name}, version ${w.version}`;
  return (
    <p className={ui.warn}>
      It ran {ran}. {same && w.version === origin.version ? 'The graph has changed since.' : 'The graph here is another.'} <a href={href}>Open what ran</a>
    </p>
  );
}
