/** The fields of the things that a trigger waits for. */
import { call, type Schemas } from '../../api/client';
import { sentence } from '../../parts/act';
import { onlyIf, useFleetList, useLive } from '../../parts/live';
import css from '../../parts/parts';
import { useMay } from '../../parts/session';
import { WorkflowSelect } from '../../parts/WorkflowSelect';
import { Wrong } from '../../parts/Wrong';
import { useQueues } from './names';
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
          <WorkflowSelect label="Only of jobs of" value={d.of} onChange={(of) => set({ of })} none="any workflow" />
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

export function FileFields({ d, set, wrong }: Rule) {
  const robots = useFleetList().robots;
  return (
    <>
      <Wrong say={wrong['file.robot_id']}>
        <label>
          Robot that looks{' '}
          <select required value={d.robot} onChange={(e) => set({ robot: e.target.value })}>
            <option value="">Choose one</option>
            {d.robot && !robots.some((r) => r.robot_id === d.robot) && <option value={d.robot}>{d.robot}</option>}
            {robots.map((r) => (
              <option key={r.robot_id} value={r.robot_id}>
                {r.name || r.robot_id}
              </option>
            ))}
          </select>
        </label>
      </Wrong>
      <Wrong say={wrong['file.path']}>
        <label>
          Folder, and a pattern for names <span className={css.hint}>The robot looks only into folders that its own machine opens (--root).</span>
          <input required className={css.mono} value={d.files} placeholder="/in/orders/*.pdf" onChange={(e) => set({ files: e.target.value })} />
        </label>
      </Wrong>
      <Wrong say={wrong['file.settle_seconds']}>
        <label>
          Seconds for which a file must stand still
          <input required type="number" min={1} value={d.settle} onChange={(e) => set({ settle: e.target.value })} />
        </label>
      </Wrong>
      <label>
        <input type="checkbox" checked={d.existing} onChange={(e) => set({ existing: e.target.checked })} /> Files that lie there already count too
      </label>
    </>
  );
}

export function EmailFields({ d, set, wrong }: Rule) {
  return (
    <>
      <Wrong say={wrong['email.host']}>
        <label>
          IMAP server <input required value={d.host} placeholder="imap.example.org" onChange={(e) => set({ host: e.target.value })} />
        </label>
      </Wrong>
      <Wrong say={wrong['email.security']}>
        <label>
          Encryption{' '}
          <select value={d.security} onChange={(e) => set({ security: e.target.value === 'starttls' ? 'starttls' : 'tls', port: '' })}>
            <option value="tls">TLS from the start</option>
            <option value="starttls">STARTTLS</option>
          </select>
        </label>
      </Wrong>
      <Wrong say={wrong['email.port']}>
        <label>
          Port{' '}
          <input
            type="number"
            min={1}
            max={65535}
            value={d.port}
            placeholder={d.security === 'tls' ? '993' : '143'}
            onChange={(e) => set({ port: e.target.value })}
          />
        </label>
      </Wrong>
      <Wrong say={wrong['email.username']}>
        <label>
          User <input required autoComplete="off" value={d.user} onChange={(e) => set({ user: e.target.value })} />
        </label>
      </Wrong>
      <Wrong say={wrong['email.secret']}>
        <label>
          Secret of the vault with the password, NAME or NAME.FIELD
          <input required autoComplete="off" value={d.secret} onChange={(e) => set({ secret: e.target.value })} />
        </label>
      </Wrong>
      <Wrong say={wrong['email.folder']}>
        <label>
          Folder <input required value={d.folder} onChange={(e) => set({ folder: e.target.value })} />
        </label>
      </Wrong>
      <Wrong say={wrong['email.every_seconds']}>
        <label>
          Seconds between two looks <input required type="number" min={10} value={d.every} onChange={(e) => set({ every: e.target.value })} />
        </label>
      </Wrong>
    </>
  );
}
