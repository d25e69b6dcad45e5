import { useState } from 'react';
import { call, type Schemas } from '../../api/client';
import { useAct } from '../../parts/act';
import { Confirm } from '../../parts/Confirm';
import { New, RobotSelect } from '../../parts/RobotSelect';
import { Said } from '../../parts/Said';
import { useMe } from '../../parts/session';

const roles = ['viewer', 'operator', 'developer', 'admin', 'super_admin'] as const;

/** NewKeyDialog makes a key of a robot or of a program. It lives for 90 days unless somebody ticks that it never ends. */
export function NewKeyDialog({ onClose, onMade }: { onClose: () => void; onMade: (k: Schemas['NewKey']) => void }) {
  const [kind, setKind] = useState<'robot' | 'service'>('service');
  const [name, setName] = useState('');
  const [robot, setRobot] = useState('');
  const [id, setId] = useState(''); // of a robot that is not there yet
  const [environment, setEnvironment] = useState('');
  const [role, setRole] = useState<(typeof roles)[number]>('viewer');
  const [scopes, setScopes] = useState('');
  const [days, setDays] = useState('90');
  const [never, setNever] = useState(false);
  const me = useMe();
  const act = useAct();
  const words = (text: string) =>
    text
      .split(/[\s,]+/)
      .map((w) => w.trim())
      .filter(Boolean);
  const send = () => {
    const body: Schemas['KeyBody'] = { kind, expires_in_seconds: never ? 0 : Math.round(Number(days) * 86_400) };
    if (name) body.name = name;
    if (kind === 'robot') {
      body.robot_id = robot === New ? id : robot;
      if (environment) body.environment = environment;
    } else {
      body.role = role;
      if (words(scopes).length > 0) body.scopes = words(scopes);
      if (words(environment).length > 0) body.environments = words(environment);
    }
    void act
      .run(
        'Making…',
        () => call<Schemas['NewKey']>('POST', '/keys', body),
        () => '',
      )
      .then((k) => k && onMade(k));
  };
  return (
    <Confirm title="New key" action="Make the key" busy={act.busy} onConfirm={send} onClose={onClose}>
      <label>
        For{' '}
        <select value={kind} onChange={(e) => setKind(e.target.value as typeof kind)}>
          <option value="service">A program</option>
          <option value="robot">A robot</option>
        </select>
      </label>
      <label>
        Name <input required={kind === 'service'} value={name} onChange={(e) => setName(e.target.value)} />
      </label>
      {kind === 'robot' ? (
        <>
          <RobotSelect
            label="Robot"
            fresh="A new robot…"
            value={robot}
            onChange={(chosen, there) => {
              setRobot(chosen);
              setEnvironment(there?.environment ?? '');
            }}
          />
          {robot === New && (
            <>
              <label>
                Its id <input required pattern="[a-zA-Z0-9_\-]{1,64}" title="Letters, digits, - and _" value={id} onChange={(e) => setId(e.target.value)} />
              </label>
              <label>
                Environment (default if left out) <input value={environment} onChange={(e) => setEnvironment(e.target.value)} />
              </label>
            </>
          )}
        </>
      ) : (
        <>
          <label>
            Role{' '}
            <select value={role} onChange={(e) => setRole(e.target.value as typeof role)}>
              {roles.map((r) => (
                <option key={r} value={r}>
                  {r.replaceAll('_', ' ')}
                </option>
              ))}
            </select>
          </label>
          <label>
            Only these permissions of the role (all if left out)
            <input list="permissions" value={scopes} onChange={(e) => setScopes(e.target.value)} placeholder="jobs:read, jobs:run" />
          </label>
          <datalist id="permissions">
            {me?.permissions.map((p) => (
              <option key={p} value={p} />
            ))}
          </datalist>
          <label>
            Only these environments (all if left out) <input value={environment} onChange={(e) => setEnvironment(e.target.value)} />
          </label>
        </>
      )}
      <label>
        Days until it expires <input type="number" min={1} max={3650} disabled={never} value={days} onChange={(e) => setDays(e.target.value)} />
      </label>
      <label>
        <input type="checkbox" checked={never} onChange={(e) => setNever(e.target.checked)} /> It never expires
      </label>
      <Said act={act} />
    </Confirm>
  );
}
