import { Link } from '@tanstack/react-router';
import { useEffect, useRef, useState } from 'react';
import { call, type Schemas } from '../../api/client';
import { useAct } from '../../parts/act';
import { copyText } from '../../parts/copyText';
import { fleet, useRobots } from '../../parts/live';
import parts from '../../parts/parts';
import { Said } from '../../parts/Said';
import { Status } from '../../parts/Status';
import { Ago } from '../../parts/Time';

/** AddRobot gives the commands that make a machine a robot, with a token that is made on the click, and waits for the robot. */
export default function AddRobot({ onClose }: { onClose: () => void }) {
  const ref = useRef<HTMLDialogElement>(null);
  const act = useAct();
  const [environment, setEnvironment] = useState('');
  const [made, setMade] = useState<{ token: string; before: ReadonlySet<string> }>();
  useEffect(() => {
    const before = document.activeElement;
    ref.current?.showModal();
    return () => {
      ref.current?.close();
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  const make = () => {
    const body: Schemas['EnrolmentBody'] = { uses: 1, expires_in_seconds: 3600 };
    if (environment.trim()) body.environment = environment.trim();
    void act
      .run(
        'Making the token…',
        () => call<Schemas['NewEnrolment']>('POST', '/enrolments', body),
        () => '',
      )
      .then((e) => e && setMade({ token: e.token, before: new Set(fleet.all().map((r) => r.robot_id)) }));
  };
  const command = made ? `fleet robot enrol --url ${location.origin} --token ${made.token} &&\n  fleet robot run --url ${location.origin}` : '';
  const copy = () => copyText(command).then(act.say);
  return (
    <dialog ref={ref} className={parts.dialog} data-wide aria-label="Add a robot" onClose={onClose}>
      <h2>Add a robot</h2>
      {!made && (
        <form
          onSubmit={(e) => {
            e.preventDefault();
            make();
          }}
        >
          <p>A robot is a machine that runs your workflows. It makes itself one with a token that works once, within an hour.</p>
          <label>
            Environment (default if left out)
            <input value={environment} onChange={(e) => setEnvironment(e.target.value)} />
          </label>
          <Said act={act} />
          <div className={parts.actions}>
            <button type="button" onClick={onClose}>
              Close
            </button>
            <button type="submit" className={parts.primary} disabled={act.busy}>
              Make the command
            </button>
          </div>
        </form>
      )}
      {made && (
        <>
          <p>Run this on the machine. The token in it is shown this once.</p>
          <pre className={parts.pre} data-testid="command">
            {command}
          </pre>
          <div className={parts.bar}>
            <button type="button" onClick={() => void copy()}>
              Copy the command
            </button>
            <span role="status">{act.said}</span>
          </div>
          <Arrived before={made.before} />
          <div className={parts.actions}>
            <button type="button" className={parts.primary} onClick={onClose}>
              Close
            </button>
          </div>
        </>
      )}
    </dialog>
  );
}

/** Arrived waits for a robot that was not there, and becomes its row. */
function Arrived({ before }: { before: ReadonlySet<string> }) {
  const fresh = useRobots().filter((r) => !before.has(r.robot_id));
  const heard = fresh.filter((r) => r.last_heartbeat);
  return (
    <div role="status">
      {heard.length === 0 && <p>{fresh.length > 0 ? `${fresh[0]?.name} is enrolled. Waiting for the first heartbeat…` : 'Waiting for the first heartbeat…'}</p>}
      {heard.map((r) => (
        <p key={r.robot_id}>
          <Status word={r.status} />{' '}
          <Link to="/fleet/robots/$id" params={{ id: r.robot_id }} search={{}} className={parts.mono}>
            {r.name || r.robot_id}
          </Link>{' '}
          {r.environment} · heard of <Ago at={r.last_heartbeat} />
        </p>
      ))}
    </div>
  );
}
