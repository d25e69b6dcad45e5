import { useState } from 'react';
import { call, type Schemas } from '../../api/client';
import { useAct } from '../../parts/act';
import { Confirm } from '../../parts/Confirm';
import css from '../../parts/parts';
import { Said } from '../../parts/Said';
import { Status } from '../../parts/Status';
import { asksFor, example, type Kind, outcomes, type Trigger } from './triggers';

/** Try asks what would become of an occasion, and does nothing. */
export function Try({ of, onClose }: { of: Trigger; onClose: () => void }) {
  const [payload, setPayload] = useState(() => example(of));
  const [told, setTold] = useState<Schemas['TriggerTry']>();
  const [bad, setBad] = useState('');
  const act = useAct();
  const ask = () => {
    let body: Schemas['TriggerTryBody'] = {};
    if (of.kind !== 'queue' && !(of.kind === 'email' && payload.trim() === ''))
      try {
        body = { payload: JSON.parse(payload) };
      } catch (e) {
        setBad(`This cannot be read as JSON: ${(e as Error).message}`);
        return;
      }
    setBad('');
    void act
      .run(
        'Asking…',
        () => call<Schemas['TriggerTry']>('POST', `/triggers/${of.trigger_id}/test`, body),
        () => '',
      )
      .then(setTold);
  };
  return (
    <Confirm wide title={`Test ${of.name}`} action="Ask" back="Close" busy={act.busy} onClose={onClose} onConfirm={ask}>
      <p>This says what would become of an occasion now. No job starts, and no row is left.</p>
      {of.kind !== 'queue' && (
        <label>
          {asksFor[of.kind as Kind]}
          <textarea value={payload} spellCheck={false} onChange={(e) => setPayload(e.target.value)} />
        </label>
      )}
      {bad && (
        <p className={css.bad} role="alert">
          {bad}
        </p>
      )}
      <Said act={act} />
      <div role="status" data-testid="told">
        {told && (
          <>
            <p>
              <Status word={told.outcome} /> {told.outcome === 'accepted' ? '' : `${told.reason || `${outcomes[told.outcome]}.`} `}
              {told.jobs === 1 ? '1 job would start.' : `${told.jobs} jobs would start.`}
            </p>
            {told.inputs !== undefined && told.inputs !== null && <pre className={css.pre}>{JSON.stringify(told.inputs, null, 2)}</pre>}
          </>
        )}
      </div>
    </Confirm>
  );
}
