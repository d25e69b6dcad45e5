import { useState } from 'react';
import { useAct } from '../../parts/act';
import { Confirm } from '../../parts/Confirm';
import { PriorityField, RobotField } from '../../parts/jobFields';
import { Any } from '../../parts/RobotPicker';
import { Said } from '../../parts/Said';
import { actionOf, effects, type Kind, type Params, priorityOf, titles } from './bulk';
import type { Line } from './JobRow';
import own from './jobs.module.css';

interface Props {
  kind: Kind;
  what: string; // the jobs in words, such as "3 jobs"
  jobs: readonly Line[] | undefined; // all that match, if it is not given
  onClose: () => void;
  /** onSend asks the server; what it refuses is said in the dialog, and what was chosen stays. */
  onSend: (params: Params) => Promise<unknown>;
}

/** JobDialog says what something does to jobs in each state, and asks for what it needs. */
export function JobDialog({ kind, what, jobs, onClose, onSend }: Props) {
  const [force, setForce] = useState(false);
  const [onward, setOnward] = useState(false);
  const [prio, setPrio] = useState(() => String(jobs?.every((j) => j.priority === jobs[0]?.priority) ? (jobs[0]?.priority ?? 10) : 10));
  const [robot, setRobot] = useState<string | null>(null);
  const act = useAct();
  const to = priorityOf(prio);
  const chosen: Record<Kind, Params | undefined> = {
    job_cancel: force ? { force: true } : {},
    job_retry: onward ? { from: 'failed_node' } : {},
    job_priority: to === undefined ? undefined : { priority: to },
    job_move: robot === null ? undefined : { target_robot_id: robot === Any ? 'any' : robot },
  };
  const params = chosen[kind]; // undefined: something is still to be chosen
  const many = jobs?.length !== 1;
  return (
    <Confirm
      title={titles[kind](what)}
      action={actionOf(kind, params, many)}
      busy={act.busy}
      disabled={params === undefined}
      wide={kind === 'job_move'}
      onClose={onClose}
      onConfirm={() =>
        params &&
        void act
          .run(
            'Asking…',
            () => onSend(params).then(() => true),
            () => '',
          )
          .then((done) => done && onClose())
      }
    >
      <ul className={own.effects}>
        {effects(kind, jobs).map((e) => (
          <li key={e}>{e}</li>
        ))}
      </ul>
      {kind === 'job_cancel' && (
        <label>
          <input type="checkbox" checked={force} onChange={(e) => setForce(e.target.checked)} /> Force: do not wait for the present step to end
        </label>
      )}
      {kind === 'job_retry' && (
        <label>
          <input type="checkbox" checked={onward} onChange={(e) => setOnward(e.target.checked)} /> From the node that failed where that can be; the others begin
          from the start
        </label>
      )}
      {kind === 'job_priority' && <PriorityField value={prio} onValue={setPrio} />}
      {kind === 'job_move' && <RobotField value={robot} many={many} onValue={setRobot} />}
      <Said act={act} />
    </Confirm>
  );
}
