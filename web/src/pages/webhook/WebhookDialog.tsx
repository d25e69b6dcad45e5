import { useState } from 'react';
import { call, Refusal, type Schemas } from '../../api/client';
import { useAct } from '../../parts/act';
import { Confirm } from '../../parts/Confirm';
import css from '../../parts/parts';
import { Said } from '../../parts/Said';
import { Wrong } from '../../parts/Wrong';
import { bodyOf, type Draft, draftOf, newDraft, Unreadable, usual, type Webhook } from './webhooks';

type Faults = Record<string, string>;

function faultsOf(e: unknown): Faults {
  if (e instanceof Unreadable) return { [e.field]: e.message };
  if (!(e instanceof Refusal)) return {};
  return Object.fromEntries(e.fields.map((f) => [f.field.split(/[.[]/)[0] ?? '', [f.message, e.fix].filter(Boolean).join(' ')]));
}

interface Props {
  of?: Webhook;
  onClose: () => void;
  /** onDone has the webhook, and the secret of a new one. */
  onDone: (w: Webhook, secret: string) => void;
}

/** WebhookDialog makes or changes a webhook. */
export function WebhookDialog({ of, onClose, onDone }: Props) {
  const [d, setD] = useState<Draft>(() => (of ? draftOf(of) : newDraft()));
  const [wrong, setWrong] = useState<Faults>({});
  const act = useAct();
  const set = (more: Partial<Draft>) => {
    setWrong({});
    if (act.bad) act.say('');
    setD((was) => ({ ...was, ...more }));
  };
  const others = d.types.filter((t) => !usual.some((u) => u === t));
  const send = () =>
    void act
      .run(
        'Saving…',
        async () => {
          try {
            const body = bodyOf(d);
            return of
              ? await call<Webhook>('PUT', `/webhooks-out/${of.webhook_id}`, body, undefined, { 'If-Match': `"${of.revision}"` })
              : await call<Schemas['NewWebhook']>('POST', '/webhooks-out', body);
          } catch (e) {
            setWrong(faultsOf(e));
            throw e;
          }
        },
        () => '',
      )
      .then((w) => w && onDone(w, 'secret' in w ? String(w.secret) : ''));
  return (
    <Confirm wide title={of ? `Edit ${of.name}` : 'New webhook'} action={of ? 'Save' : 'Make the webhook'} busy={act.busy} onConfirm={send} onClose={onClose}>
      <Wrong say={wrong.name}>
        <label>
          Name <input required maxLength={128} value={d.name} onChange={(e) => set({ name: e.target.value })} />
        </label>
      </Wrong>
      <Wrong say={wrong.url}>
        <label>
          Address that events are sent to <span className={css.hint}>By https, to a public address unless the owner of the server allows another.</span>
          <input required type="url" value={d.url} onChange={(e) => set({ url: e.target.value })} />
        </label>
      </Wrong>
      <Wrong say={wrong.event_types}>
        <fieldset className={css.choice}>
          <legend>Events</legend>
          <label>
            <input type="checkbox" checked={d.all} onChange={(e) => set({ all: e.target.checked })} /> All of them
          </label>
          {!d.all &&
            usual.map((t) => (
              <label key={t}>
                <input
                  type="checkbox"
                  checked={d.types.includes(t)}
                  onChange={(e) => set({ types: e.target.checked ? [...d.types, t] : d.types.filter((x) => x !== t) })}
                />{' '}
                <span className={css.mono}>{t}</span>
              </label>
            ))}
        </fieldset>
      </Wrong>
      {!d.all && (
        <label>
          Others, by their types <span className={css.hint}>with spaces between, as fleet events shows them</span>
          <input
            className={css.mono}
            defaultValue={others.join(' ')}
            onBlur={(e) => set({ types: [...d.types.filter((t) => usual.some((u) => u === t)), ...e.target.value.split(/[\s,]+/).filter((t) => t !== '')] })}
          />
        </label>
      )}
      <details open={d.filter !== '' || d.ordered || d.rate !== '10' || d.description !== ''}>
        <summary>Conditions, order and pace</summary>
        <Wrong say={wrong.filter}>
          <label>
            Only if, a JSON list of conditions
            <span className={css.hint}> {'[{"path": "/job/environment", "op": "==", "value": "prod"}]'}</span>
            <textarea value={d.filter} spellCheck={false} onChange={(e) => set({ filter: e.target.value })} />
          </label>
        </Wrong>
        <label>
          <input type="checkbox" checked={d.ordered} onChange={(e) => set({ ordered: e.target.checked })} /> The events of one job or robot one after another
        </label>
        <Wrong say={wrong.rate_per_second}>
          <label>
            Calls a second at most
            <input type="number" min={1} max={100} value={d.rate} onChange={(e) => set({ rate: e.target.value })} />
          </label>
        </Wrong>
        <Wrong say={wrong.description}>
          <label>
            What it is for <input maxLength={500} value={d.description} onChange={(e) => set({ description: e.target.value })} />
          </label>
        </Wrong>
      </details>
      {Object.keys(wrong).length === 0 && <Said act={act} />}
    </Confirm>
  );
}
