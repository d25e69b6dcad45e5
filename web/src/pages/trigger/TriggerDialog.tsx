import { useState } from 'react';
import { call, Refusal, type Schemas } from '../../api/client';
import { useAct } from '../../parts/act';
import { Confirm } from '../../parts/Confirm';
import css from '../../parts/parts';
import { Said } from '../../parts/Said';
import { WorkflowSelect } from '../../parts/WorkflowSelect';
import { Wrong } from '../../parts/Wrong';
import { Conditions } from './Conditions';
import { EmailFields, EventFields, FileFields, QueueFields, WebhookFields } from './rules';
import { bodyOf, type Draft, draftOf, fieldOf, type Kind, kinds, newDraft, newSecret, type Trigger, Unreadable } from './triggers';

export type Faults = Record<string, string>;

/** faultsOf puts what the server or the form refuses at its field. */
function faultsOf(e: unknown): Faults {
  if (e instanceof Unreadable) return { [e.field]: e.message };
  if (!(e instanceof Refusal)) return {};
  return Object.fromEntries(e.fields.map((f) => [fieldOf(f.field), [f.message, e.fix].filter(Boolean).join(' ')]));
}

interface Props {
  of?: Trigger;
  onClose: () => void;
  /** onDone has the trigger, and the secret that was made for it. */
  onDone: (t: Trigger, secret: string) => void;
}

/** TriggerDialog makes or changes a trigger; what it asks for follows from what the trigger waits for. */
export function TriggerDialog({ of, onClose, onDone }: Props) {
  const [d, setD] = useState<Draft>(() => (of ? draftOf(of) : newDraft()));
  const [wrong, setWrong] = useState<Faults>({});
  const [made, setMade] = useState<{ name: string; secret: string }>(); // by an attempt that was refused afterwards
  const act = useAct();
  const set = (more: Partial<Draft>) => {
    setWrong({});
    if (act.bad) act.say('');
    setD((was) => ({ ...was, ...more }));
  };
  /** secretOf is the secret's name, after a new one was put into the vault if one is wanted. */
  const secretOf = async (): Promise<{ name: string; secret: string }> => {
    if (d.kind !== 'webhook' || d.secret) return { name: d.secret, secret: '' };
    if (made) return made;
    const secret = newSecret(d.auth, crypto.getRandomValues(new Uint8Array(32)));
    const name = `webhook-${Array.from(crypto.getRandomValues(new Uint8Array(4)), (b) => b.toString(16).padStart(2, '0')).join('')}`;
    await call('PUT', `/secrets/${name}`, { fields: { value: secret }, description: `Of the trigger ${d.name}.` } satisfies Schemas['SecretBody']);
    const one = { name, secret };
    setMade(one);
    return one;
  };
  const send = () =>
    void act
      .run(
        'Saving…',
        async () => {
          try {
            bodyOf(d, d.secret); // nothing is made for a form that cannot be read
            const { name, secret } = await secretOf();
            const body = bodyOf(d, name);
            const t = of
              ? await call<Trigger>('PUT', `/triggers/${of.trigger_id}`, body, undefined, { 'If-Match': `"${of.revision}"` })
              : await call<Trigger>('POST', '/triggers', body);
            return { t, secret };
          } catch (e) {
            setWrong(faultsOf(e));
            throw e;
          }
        },
        () => '',
      )
      .then((r) => r && onDone(r.t, r.secret));
  const rule = { d, set, wrong };
  return (
    <Confirm wide title={of ? `Edit ${of.name}` : 'New trigger'} action={of ? 'Save' : 'Make the trigger'} busy={act.busy} onConfirm={send} onClose={onClose}>
      <Wrong say={wrong.name}>
        <label>
          Name <input required value={d.name} onChange={(e) => set({ name: e.target.value })} />
        </label>
      </Wrong>
      <Wrong say={wrong.workflow_id}>
        <WorkflowSelect
          label="Workflow that it starts"
          value={d.workflow}
          onChange={(workflow) => set({ workflow })}
          also={of && { id: of.workflow_id, name: of.workflow_id }}
        />
      </Wrong>
      <fieldset className={css.choice}>
        <legend>It waits for</legend>
        {(Object.keys(kinds) as Kind[]).map((k) => (
          <label key={k}>
            <input type="radio" name="kind" checked={d.kind === k} onChange={() => set({ kind: k })} /> {kinds[k]}
          </label>
        ))}
      </fieldset>
      {d.kind === 'webhook' && <WebhookFields {...rule} />}
      {d.kind === 'event' && <EventFields {...rule} />}
      {d.kind === 'queue' && <QueueFields {...rule} />}
      {d.kind === 'file' && <FileFields {...rule} />}
      {d.kind === 'email' && <EmailFields {...rule} />}
      {d.kind !== 'queue' && <Conditions {...rule} />}
      <Wrong say={wrong.inputs}>
        <label>
          Inputs, a JSON object
          <span className={css.hint}>
            {' '}
            {d.kind === 'queue' ? '' : 'A value {"pointer": "/order/id"} is taken from what comes; with "default" beside it, that stands where nothing is.'}
          </span>
          <textarea value={d.inputs} spellCheck={false} onChange={(e) => set({ inputs: e.target.value })} />
        </label>
      </Wrong>
      <details open={of !== undefined && (of.cooldown_seconds > 0 || of.max_active > 0 || of.pause_after_failures > 0)}>
        <summary>Limits and priority</summary>
        <Wrong say={wrong.priority}>
          <label>
            Priority, 0 to 20 (0 goes first); empty: the workflow's
            <input type="number" min={0} max={20} value={d.priority} onChange={(e) => set({ priority: e.target.value })} />
          </label>
        </Wrong>
        <Wrong say={wrong.cooldown_seconds}>
          <label>
            Least seconds between two jobs (0: none)
            <input type="number" min={0} value={d.cooldown} onChange={(e) => set({ cooldown: e.target.value })} />
          </label>
        </Wrong>
        <Wrong say={wrong.max_active}>
          <label>
            Most jobs that have not ended (0: any number)
            <input type="number" min={0} value={d.maxActive} onChange={(e) => set({ maxActive: e.target.value })} />
          </label>
        </Wrong>
        <Wrong say={wrong.pause_after_failures}>
          <label>
            Disable it after so many failures in a row (0: never)
            <input type="number" min={0} value={d.pauseAfter} onChange={(e) => set({ pauseAfter: e.target.value })} />
          </label>
        </Wrong>
      </details>
      {Object.keys(wrong).length === 0 && <Said act={act} />}
    </Confirm>
  );
}
