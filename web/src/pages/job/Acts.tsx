import { Link } from '@tanstack/react-router';
import { type ReactNode, useState } from 'react';
import { call, Refusal, type Schemas } from '../../api/client';
import { sentence } from '../../parts/act';
import { Confirm } from '../../parts/Confirm';
import { FormDialog, type Values } from '../../parts/FormDialog';
import { TypedName, useProduction } from '../../parts/Production';
import own from './job.module.css';
import { cloneOf, final } from './rows';

type Detail = Schemas['JobDetail'];

/** Asked is what somebody is about to do with a job; clone says what shall be other than it is. */
export type Asked = { what: 'cancel' | 'force' | 'retry' } | { what: 'clone'; change?: Values };

/** Acts are the dialogs of what can be done with a job. What became of it is told to onSaid. */
export function Acts({
  job: j,
  asked,
  onClose,
  onSaid,
  onDone,
}: {
  job: Detail;
  asked: Asked | undefined;
  onClose: () => void;
  onSaid: (said: ReactNode) => void;
  onDone: () => void;
}) {
  if (asked === undefined) return null;
  const made = (message: string, id: string) => (
    <>
      {message}{' '}
      <Link to="/fleet/jobs/$id" params={{ id }} search={{}}>
        Open the new job
      </Link>
    </>
  );
  const run = (doing: string, what: () => Promise<ReactNode>) => {
    onClose();
    onSaid(doing);
    what()
      .then(onSaid)
      .catch((e) => onSaid(sentence(e)))
      .finally(onDone);
  };
  if (asked.what === 'retry') return <Retry job={j} onClose={onClose} run={run} made={made} />;
  if (asked.what === 'clone')
    return (
      <Clone job={j} change={asked.change ?? {}} onClose={onClose} onMade={(id) => onSaid(made('The new job waits for its robot.', id))} onDone={onDone} />
    );
  return <Stop job={j} force={asked.what === 'force'} onClose={onClose} run={run} />;
}

type Run = (doing: string, what: () => Promise<ReactNode>) => void;

function Stop({ job: j, force, onClose, run }: { job: Detail; force: boolean; onClose: () => void; run: Run }) {
  const [reason, setReason] = useState('');
  const [hard, setHard] = useState(force);
  const [typed, setTyped] = useState('');
  const marked = useProduction();
  const where = marked.names.has(j.environment) && hard ? j.environment : '';
  const wait = (hard && !marked.known) || (where !== '' && typed.trim() !== where);
  const name = j.workflow.workflow_name;
  const began = j.status === 'running';
  const stop = () =>
    run('Cancelling…', () =>
      call<Schemas['CancelAnswer']>('POST', `/jobs/${j.job_id}/cancel`, { ...(reason ? { reason } : {}), ...(hard ? { force: true } : {}) }).then((a) =>
        a.status === 'cancelling' ? 'It is asked to stop.' : a.message,
      ),
    );
  if (force)
    return (
      <Confirm title={`Force ${name} to stop?`} action="Stop by force" disabled={wait} onClose={onClose} onConfirm={stop}>
        <p>The robot ends the processes of the job at once. What it was writing may be half done.</p>
        {where !== '' && <TypedName name={where} value={typed} onChange={setTyped} />}
      </Confirm>
    );
  return (
    <Confirm title={`Cancel ${name}?`} action="Cancel the job" disabled={wait} onClose={onClose} onConfirm={stop}>
      <p>{began ? `The robot ${j.robot_id} is asked to stop. What the job has done stays done.` : 'It has not begun, and ends at once.'}</p>
      <label>
        Reason <input value={reason} onChange={(e) => setReason(e.target.value)} />
      </label>
      {began && (
        <label>
          <input type="checkbox" checked={hard} onChange={(e) => setHard(e.target.checked)} /> Stop by force: its processes end at once, and what it was writing
          may be half done
        </label>
      )}
      {where !== '' && <TypedName name={where} value={typed} onChange={setTyped} />}
    </Confirm>
  );
}

function Retry({ job: j, onClose, run, made }: { job: Detail; onClose: () => void; run: Run; made: (message: string, id: string) => ReactNode }) {
  const [dependents, setDependents] = useState(true);
  const [robot, setRobot] = useState('');
  const [failedNode, setFailedNode] = useState(false);
  const can = j.resumable;
  const asks = j.target_robot_id ? `On ${j.target_robot_id}, as it was asked for` : 'On any robot that fits';
  const places = [
    ['', asks],
    ...(j.robot_id && j.robot_id !== j.target_robot_id ? [['same', `On the same robot, ${j.robot_id}`]] : []),
    ...(j.target_robot_id ? [['any', 'On any robot that fits']] : []),
  ] as [string, string][];
  return (
    <Confirm
      title={`Run ${j.workflow.workflow_name} again?`}
      action="Make a new job"
      onClose={onClose}
      onConfirm={() =>
        run('Retrying…', () =>
          call<Schemas['RetryAnswer']>('POST', `/jobs/${j.job_id}/retry`, {
            ...(j.dependents ? { with_dependents: dependents } : {}),
            ...(robot ? { robot } : {}),
            ...(failedNode ? { from: 'failed_node' } : {}),
          }).then((a) => made(a.message, a.new_job_id)),
        )
      }
    >
      <p>A new job with the same workflow version and inputs is made. This one stays as it is, and both link to each other.</p>
      {can && (
        <fieldset>
          <legend>From</legend>
          <label>
            <input type="radio" name="from" checked={!failedNode} onChange={() => setFailedNode(false)} /> The start
          </label>
          <label>
            <input type="radio" name="from" checked={failedNode} disabled={!can.node} onChange={() => setFailedNode(true)} />{' '}
            {can.node ? `The node that failed, ${can.node}: what ran before it does not run again` : 'The node that failed'}
          </label>
          {can.reason && <p className={own.hint}>{can.reason}</p>}
        </fieldset>
      )}
      {places.length > 1 && !j.segments && (
        <fieldset>
          <legend>Where</legend>
          {places.map(([value, name]) => (
            <label key={value}>
              <input type="radio" name="where" checked={robot === value} onChange={() => setRobot(value)} /> {name}
            </label>
          ))}
        </fieldset>
      )}
      {(j.dependents ?? 0) > 0 && (
        <label>
          <input type="checkbox" checked={dependents} onChange={(e) => setDependents(e.target.checked)} /> Also the {j.dependents} that depend on it
        </label>
      )}
    </Confirm>
  );
}

function Clone({
  job: j,
  change,
  onClose,
  onMade,
  onDone,
}: {
  job: Detail;
  change: Values;
  onClose: () => void;
  onMade: (id: string) => void;
  onDone: () => void;
}) {
  const ended = final(j.status);
  return (
    <FormDialog
      title={`Clone ${j.workflow.workflow_name} with changes`}
      action="Submit the new job"
      note={`A new job like this one. What the workflow itself asks for, such as capabilities of its robot, holds for it too.`}
      fields={[
        {
          key: 'version',
          label: 'Version',
          kind: 'select',
          options: [
            { value: String(j.workflow.version), name: `${j.workflow.version}, as this one` },
            { value: '', name: 'The newest' },
          ],
        },
        { key: 'priority', label: 'Priority', kind: 'number', min: 0, max: 20, hint: '0 goes first' },
        { key: 'robot', label: 'Robot', hint: 'its id; empty: any that fits' },
        { key: 'environment', label: 'Environment' },
        { key: 'capabilities', label: 'Capabilities', hint: 'with commas between them' },
        { key: 'variables', label: 'Variables', kind: 'area', hint: 'a JSON object' },
        ...(ended ? [] : [{ key: 'cancel', label: 'Cancel this one', kind: 'check' as const }]),
      ]}
      initial={{
        version: String(j.workflow.version),
        priority: String(j.priority),
        robot: j.target_robot_id ?? '',
        environment: j.environment,
        capabilities: j.requires.filter((w) => w !== 'checkpoints').join(', '), // of a retry from a node; a clone starts from the start
        variables: JSON.stringify(j.variables ?? {}, null, 2),
        ...change,
      }}
      send={async (v) => {
        const body = cloneOf(j, v);
        if (body === undefined) throw new Refusal('Variables must be a JSON object.', 0, '', '');
        const a = await call<Schemas['SubmittedJob']>('POST', '/jobs', body);
        onMade(a.job_id);
        if (v.cancel === 'true') await call('POST', `/jobs/${j.job_id}/cancel`, { reason: `replaced by ${a.job_id}` });
      }}
      onClose={onClose}
      onDone={onDone}
    />
  );
}
