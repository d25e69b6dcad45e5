/** The fields of the three things that a trigger waits for. */
import { call, type Schemas } from '../../api/client';
import { sentence } from '../../parts/act';
import { onlyIf, useLive } from '../../parts/live';
import css from '../../parts/parts.module.css';
import { useMay } from '../../parts/session';
import { Wrong } from '../../parts/Wrong';
import { useFlows, useQueues } from './names';
import type { Faults } from './TriggerDialog';
import { type Auth, auths, type Draft, usualEvents } from './triggers';

export interface Rule {
  d: Draft;
  set: (more: Partial<Draft>) => void;
  wrong: Faults;
}

export function WebhookFields({ d, set, wrong }: Rule) {
  const may = useMay('secrets:manage');
  return (
    <>
      <Wrong say={wrong['webhook.path']}>
        <label>
          Address below {location.origin}/webhooks/ <span className={css.hint}>Empty: it is called by its id alone.</span>
          <input value={d.path} placeholder="orders" onChange={(e) => set({ path: e.target.value })} />
        </label>
      </Wrong>
      <Wrong say={wrong['webhook.auth']}>
        <label>
          How the caller proves itself{' '}
          <select value={d.auth} onChange={(e) => set({ auth: e.target.value as Auth })}>
            {Object.entries(auths).map(([k, name]) => (
              <option key={k} value={k}>
                {name}
              </option>
            ))}
          </select>
        </label>
      </Wrong>
      {may ? (
        <SecretField d={d} set={set} wrong={wrong} />
      ) : (
        <Wrong say={wrong['webhook.secret']}>
          <label>
            Secret of the vault, NAME or NAME.FIELD
            <input required value={d.secret} onChange={(e) => set({ secret: e.target.value })} />
          </label>
        </Wrong>
      )}
      <details open={d.header !== '' || d.deliveryHeader !== ''}>
        <summary>Other headers than is usual</summary>
        <Wrong say={wrong['webhook.header']}>
          <label>
            Of the key or the signature <input value={d.header} onChange={(e) => set({ header: e.target.value })} />
          </label>
        </Wrong>
        <Wrong say={wrong['webhook.delivery_header']}>
          <label>
            Of the name of a delivery, so that a repeated one starts nothing
            <input value={d.deliveryHeader} onChange={(e) => set({ deliveryHeader: e.target.value })} />
          </label>
        </Wrong>
      </details>
    </>
  );
}

/** SecretField lets somebody choose a secret of the vault, or have one made. */
function SecretField({ d, set, wrong }: Rule) {
  const list = useLive<Schemas['SecretList']>('secrets to call with', {
    topics: ['events'],
    ask: (s) => call('GET', '/secrets', undefined, s),
    take: onlyIf((f) => f.type.startsWith('secret.')),
  });
  const names = list.data?.secrets.map((s) => s.name) ?? [];
  return (
    <Wrong say={wrong['webhook.secret'] ?? (list.error && sentence(list.error))}>
      <label>
        Secret{' '}
        <select value={d.secret} onChange={(e) => set({ secret: e.target.value })}>
          <option value="">A new one, made now and shown once</option>
          {d.secret && !names.includes(d.secret) && <option value={d.secret}>{d.secret}</option>}
          {names.map((n) => (
            <option key={n} value={n}>
              {n}
            </option>
          ))}
        </select>
      </label>
    </Wrong>
  );
}

export function EventFields({ d, set, wrong }: Rule) {
  const flows = useFlows();
  const others = d.types.filter((t) => !usualEvents.some((u) => u === t));
  const jobs = d.types.some((t) => t.startsWith('job.'));
  return (
    <>
      <Wrong say={wrong.event ?? wrong['event.types']}>
        <fieldset className={css.choice}>
          <legend>Events</legend>
          {usualEvents.map((t) => (
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
      <label>
        Others, by their types <span className={css.hint}>with spaces between, as fleet events shows them</span>
        <input
          className={css.mono}
          defaultValue={others.join(' ')}
          onBlur={(e) =>
            set({ types: [...d.types.filter((t) => usualEvents.some((u) => u === t)), ...e.target.value.split(/[\s,]+/).filter((t) => t !== '')] })
          }
        />
      </label>
      {jobs && (
        <Wrong say={wrong['event.workflow_id']}>
          <label>
            Only of jobs of{' '}
            <select value={d.of} onChange={(e) => set({ of: e.target.value })}>
              <option value="">any workflow</option>
              {flows.data?.workflows.map((w) => (
                <option key={w.workflow_id} value={w.workflow_id}>
                  {w.workflow_name}
                </option>
              ))}
            </select>
          </label>
        </Wrong>
      )}
    </>
  );
}

export function QueueFields({ d, set, wrong }: Rule) {
  const queues = useQueues();
  return (
    <>
      <Wrong say={wrong['queue.queue_id'] ?? (queues.error && sentence(queues.error))}>
        <label>
          Queue{' '}
          <select required value={d.queue} onChange={(e) => set({ queue: e.target.value })}>
            <option value="">Choose one</option>
            {queues.data?.queues.map((q) => (
              <option key={q.id} value={q.id}>
                {q.name}
              </option>
            ))}
          </select>
        </label>
      </Wrong>
      <Wrong say={wrong['queue.items_per_job']}>
        <label>
          Items for each job <input required type="number" min={1} value={d.each} onChange={(e) => set({ each: e.target.value })} />
        </label>
      </Wrong>
      <Wrong say={wrong['queue.max_jobs']}>
        <label>
          Most jobs at once <input required type="number" min={1} value={d.max} onChange={(e) => set({ max: e.target.value })} />
        </label>
      </Wrong>
      <Wrong say={wrong['queue.min_items']}>
        <label>
          Fewest items that start one <input required type="number" min={1} value={d.min} onChange={(e) => set({ min: e.target.value })} />
        </label>
      </Wrong>
    </>
  );
}
