import { useState } from 'react';
import { call, type Schemas } from '../api/client';
import { useAct } from './act';
import { Confirm } from './Confirm';
import { InputsForm } from './InputsForm';
import { valuesOf } from './inputs';
import { PriorityField, RobotField } from './jobFields';
import css from './parts';
import { Any } from './RobotPicker';
import { Said } from './Said';
import { WorkflowSelect } from './WorkflowSelect';

interface Props {
  robot?: { id: string; name: string }; // it runs there and nowhere else; left out: a person chooses
  onClose: () => void;
  onDone: (job: string) => void;
}

/** RunDialog runs the newest version of a workflow. */
export function RunDialog({ robot, onClose, onDone }: Props) {
  const [flow, setFlow] = useState('');
  const [inputs, setInputs] = useState('{}');
  const [priority, setPriority] = useState('');
  const [to, setTo] = useState<string>(Any);
  const act = useAct();
  const values = valuesOf(inputs);
  const target = robot?.id ?? (to === Any ? undefined : to);
  const choose = (id: string) => {
    setFlow(id);
    setInputs('{}'); // what was written for one workflow does not go to another
  };
  const send = () =>
    void act
      .run(
        'Submitting…',
        () =>
          call<Schemas['SubmittedJob']>('POST', '/jobs', {
            workflow_id: flow,
            inputs: values,
            ...(priority ? { priority: Number(priority) } : {}), // whose it is else, the server knows
            ...(target ? { target_robot_id: target } : {}),
          }),
        () => '',
      )
      .then((made) => made && onDone(made.job_id));
  return (
    <Confirm
      title={robot ? `Run a workflow on ${robot.name}` : 'Run a workflow'}
      action="Run it"
      busy={act.busy}
      disabled={flow === '' || values === undefined}
      wide={!robot}
      onClose={onClose}
      onConfirm={send}
    >
      {robot && <p>The job waits for this robot, and no other takes it.</p>}
      <WorkflowSelect label="Workflow" value={flow} onChange={choose} />
      {flow && <InputsForm key={flow} workflow={flow} text={inputs} onText={setInputs} />}
      {values === undefined && <p className={css.bad}>The inputs must be a JSON object.</p>}
      <PriorityField unset="As the workflow and the tenant have it" value={priority} onValue={setPriority} />
      {!robot && <RobotField value={to} many={false} onValue={setTo} />}
      <Said act={act} />
    </Confirm>
  );
}
