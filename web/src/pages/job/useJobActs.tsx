import { Link, useNavigate } from '@tanstack/react-router';
import { lazy, type ReactNode, Suspense, useEffect, useState } from 'react';
import type { Schemas } from '../../api/client';
import { sentence } from '../../parts/act';
import { Confirm } from '../../parts/Confirm';
import css from '../../parts/parts';
import type { Item } from '../../parts/RowMenu';
import { jobCommands } from '../../parts/told';
import { priority } from '../../parts/words';
import { cancelJob, changeJob, resumable, retryJob } from './actions';
import { type Line, short } from './JobRow';
import { final, type JobSearch, stoppable } from './rows';

const Commands = lazy(() => import('../../parts/Commands').then((m) => ({ default: m.Commands })));
const JobDialog = lazy(() => import('./JobDialog').then((m) => ({ default: m.JobDialog }))); // with the picker of robots

type Asked = { job: Line; what: 'cancel' | 'force' | 'job_priority' | 'job_move' };

export interface JobActs {
  items: (j: Line) => readonly Item[];
  open: (id: string) => void;
  copy: (what: string, text: string) => void;
  say: (doing: string, what: () => Promise<string>) => void; // what it gives is said, or why it could not be done
  force: ((j: Line) => void) | undefined;
  said: ReactNode; // what became of it
  dialogs: ReactNode;
}

/** useJobActs is what can be done with a job from its row, and what became of it. menu is the row whose menu is open. */
export function useJobActs(may: boolean, search: JobSearch, onSearch: (s: JobSearch) => void, again: () => void, menu: Line | undefined): JobActs {
  const [asked, setAsked] = useState<Asked>();
  const [told, setTold] = useState<Line>();
  const [said, setSaid] = useState<{ text: string; made?: string; bad?: boolean }>({ text: '' });
  const navigate = useNavigate();
  const close = () => setAsked(undefined);
  const act = (doing: string, what: () => Promise<{ text: string; made?: string }>) => {
    setSaid({ text: doing });
    what()
      .then(setSaid)
      .catch((e) => setSaid({ text: sentence(e), bad: true }))
      .finally(again);
  };
  const retry = (j: Line, from?: 'failed_node') =>
    act('Retrying…', async () => {
      const a = await retryJob(j.job_id, from);
      return { text: `New job ${short(a.new_job_id)} from ${short(j.job_id)}`, made: a.new_job_id };
    });
  const cancel = (j: Line, force: boolean) =>
    act(force ? 'Stopping…' : 'Cancelling…', async () => {
      const a = await cancelJob(j.job_id, force);
      return { text: a.status === 'cancelling' ? `${short(j.job_id)} is asked to stop.` : a.message };
    });
  const copy = (what: string, text: string) =>
    void navigator.clipboard
      .writeText(text)
      .then(() => setSaid({ text: `${what} is copied.` }))
      .catch(() => setSaid({ text: 'The browser does not let this page copy.', bad: true }));
  const open = (id: string, log = false) => void navigate({ to: '/fleet/jobs/$id', params: { id }, search: log ? { pane: 'log' } : {} });
  // Whether one can go on from the node that failed, its own page knows; a row does not.
  const [looked, setLooked] = useState<{ id: string; can?: Schemas['Resumable'] | undefined; why?: string }>();
  const lookAt = menu?.status === 'failed' || menu?.status === 'timeout' || menu?.status === 'cancelled' ? menu.job_id : '';
  useEffect(() => {
    setLooked(undefined);
    if (!lookAt) return;
    let gone = false;
    resumable(lookAt)
      .then((can) => gone || setLooked({ id: lookAt, can }))
      .catch((e) => gone || setLooked({ id: lookAt, why: sentence(e) }));
    return () => {
      gone = true;
    };
  }, [lookAt]);
  const fromNode = (j: Line): { name: string; why?: string } => {
    const name = 'Retry from the failed node';
    if (looked?.id !== j.job_id) return { name, why: 'Looking whether it can…' };
    if (looked.can?.node) return { name: `Retry from ${looked.can.node}` };
    return { name, why: looked.why ?? looked.can?.reason ?? 'Nothing of it was kept to go on from.' };
  };
  const items = (j: Line): readonly Item[] => {
    const why = may ? {} : { why: 'Your role may not run or stop jobs.' };
    const ended = final(j.status) && j.status !== 'completed';
    const change = j.status === 'pending' ? why : { why: 'Only a job that waits can be changed.' };
    return [
      { name: 'Open', keys: 'Enter', run: () => open(j.job_id) },
      { name: 'Open its log', keys: 'l', run: () => open(j.job_id, true) },
      {
        name: 'Retry',
        keys: 'r',
        apart: true,
        run: () => retry(j),
        ...(ended ? why : { why: j.status === 'completed' ? 'It completed: run its workflow again instead.' : 'It has not ended.' }),
      },
      ...(ended ? [{ ...fromNode(j), ...why, run: () => retry(j, 'failed_node') }] : []),
      ...(j.status === 'cancelling'
        ? [{ name: 'Force stop…', run: () => setAsked({ job: j, what: 'force' }), ...why }]
        : [{ name: 'Cancel…', keys: 'Shift K', run: () => setAsked({ job: j, what: 'cancel' }), ...(stoppable(j.status) ? why : { why: 'It has ended.' }) }]),
      { name: 'Set priority…', run: () => setAsked({ job: j, what: 'job_priority' }), ...change },
      { name: 'Move to robot…', run: () => setAsked({ job: j, what: 'job_move' }), ...change },
      { name: 'Only its workflow', apart: true, run: () => onSearch({ ...search, workflow: j.workflow.workflow_id }) },
      ...(j.robot_id ? [{ name: 'Only its robot', run: () => onSearch({ ...search, robot: j.robot_id ?? '' }) }] : []),
      { name: 'Copy the id', apart: true, run: () => copy('The id', j.job_id) },
      { name: 'Copy as CLI…', keys: 'Shift C', run: () => setTold(j) },
    ];
  };
  return {
    items,
    open,
    copy,
    say: (doing, what) => act(doing, async () => ({ text: await what() })),
    force: may ? (j) => setAsked({ job: j, what: 'force' }) : undefined,
    said: (
      <span role={said.bad ? 'alert' : 'status'} className={said.bad ? css.bad : ''}>
        {said.text}
        {said.made && (
          <>
            {' · '}
            <Link to="/fleet/jobs/$id" params={{ id: said.made }} search={{}}>
              Open
            </Link>
          </>
        )}
      </span>
    ),
    dialogs: (
      <Suspense fallback={null}>
        {asked && <Dialog asked={asked} onClose={close} onStop={cancel} onSaid={(text) => setSaid({ text })} again={again} />}
        {told && (
          <Commands
            of={`${told.workflow.workflow_name} (${short(told.job_id)})`}
            list={jobCommands(told, location.origin)}
            onClose={() => setTold(undefined)}
          />
        )}
      </Suspense>
    ),
  };
}

interface DialogProps {
  asked: Asked;
  onClose: () => void;
  onStop: (j: Line, force: boolean) => void;
  onSaid: (text: string) => void;
  again: () => void;
}

function Dialog({ asked: { job: j, what }, onClose, onStop, onSaid, again }: DialogProps) {
  const name = `${j.workflow.workflow_name} (${short(j.job_id)})`;
  if (what === 'job_priority' || what === 'job_move')
    return (
      <JobDialog
        kind={what}
        what={name}
        jobs={[j]}
        onClose={onClose}
        onSend={(p) =>
          changeJob(j.job_id, what, p)
            .then(() => onSaid(`${short(j.job_id)}: ${changedTo(p)}.`))
            .finally(again)
        }
      />
    );
  const force = what === 'force';
  return (
    <Confirm
      title={`${force ? 'Stop' : 'Cancel'} ${name}${force ? ' at once' : ''}?`}
      action={force ? 'Force stop' : 'Cancel the job'}
      onClose={onClose}
      onConfirm={() => {
        onStop(j, force);
        onClose();
      }}
    >
      <p>
        {force
          ? `The job ${j.job_id} does not come to the end of its step. What it has done stays done.`
          : `The job ${j.job_id} is asked to stop. What it has done stays done.`}
      </p>
    </Confirm>
  );
}

const changedTo = (p: { priority?: number; target_robot_id?: string }): string =>
  p.priority !== undefined
    ? `priority ${priority(p.priority)}`
    : p.target_robot_id === 'any'
      ? 'any robot that fits may run it'
      : `waits for ${p.target_robot_id}`;
