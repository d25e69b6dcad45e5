import { useEffect, useState } from 'react';
import { call, type Schemas } from '../../api/client';
import { Confirm } from '../../parts/Confirm';
import { TypedName, useProduction } from '../../parts/Production';
import { useMay } from '../../parts/session';
import { dropsOf } from './keys';

type Key = Schemas['Key'];

/** RotateDialog asks for how long the old key goes on. */
export function RotateDialog({ of, busy, onClose, onRotate }: { of: Key; busy: boolean; onClose: () => void; onRotate: (seconds: number) => void }) {
  const [overlap, setOverlap] = useState('86400');
  return (
    <Confirm title={`Rotate ${of.name}`} action="Make the new key" busy={busy} onClose={onClose} onConfirm={() => onRotate(Number(overlap))}>
      <p>A new key that may do what the old one may is made, and shown once.</p>
      <label>
        The old one goes on for{' '}
        <select value={overlap} onChange={(e) => setOverlap(e.target.value)}>
          <option value="0">no time: it ends at once</option>
          <option value="3600">1 hour</option>
          <option value="86400">24 hours</option>
          <option value="604800">7 days</option>
        </select>
      </label>
      <p>
        {overlap === '0'
          ? `${of.kind === 'robot' ? `The robot ${of.robot_id ?? ''} drops` : 'Programs that use the old key are refused'} until the new key is there.`
          : 'This page tells until then who still uses the old one.'}
      </p>
    </Confirm>
  );
}

/** RevokeDialog names what drops. */
export function RevokeDialog({ of, busy, onClose, onRevoke }: { of: Key; busy: boolean; onClose: () => void; onRevoke: () => void }) {
  const [robot, setRobot] = useState<Schemas['Robot']>();
  const may = useMay('robots:read');
  const id = of.robot_id;
  const marked = useProduction();
  const where = marked.names.has(of.environment ?? '') ? (of.environment ?? '') : '';
  const [typed, setTyped] = useState('');
  useEffect(() => {
    if (!id || !may) return;
    const end = new AbortController();
    call<Schemas['Robot']>('GET', `/robots/${encodeURIComponent(id)}`, undefined, end.signal)
      .then(setRobot)
      .catch(() => undefined); // it has never been here: the sentence without it stays true
    return () => end.abort();
  }, [id, may]);
  return (
    <Confirm
      title={`Revoke ${of.name}?`}
      action="Revoke the key"
      busy={busy}
      disabled={!marked.known || (where !== '' && typed.trim() !== where)}
      onClose={onClose}
      onConfirm={onRevoke}
    >
      <p>{dropsOf(of, robot)}</p>
      {where === '' ? <p>It cannot be taken back.</p> : <TypedName name={where} value={typed} onChange={setTyped} />}
    </Confirm>
  );
}
