import { useState } from 'react';
import { call, Refusal, type Schemas } from '../../api/client';
import type { LiveRobot } from '../../live/frames';
import { Confirm } from '../../parts/Confirm';
import { useLive } from '../../parts/live';
import css from '../../parts/parts.module.css';
import { label } from '../../parts/words';
import { counts } from './rows';

const kinds = ['maintenance', 'pause', 'resume', 'drain', 'restart', 'stop', 'start'] as const;
export type BulkKind = (typeof kinds)[number];
const asksAboutRunning = new Set<string>(['maintenance', 'restart']);

/** BulkBar acts on the chosen robots as one operation of the server, in waves, and shows a result for each of them. */
export function BulkBar({
  robots,
  may,
  kind,
  setKind,
  onClear,
}: {
  robots: LiveRobot[];
  may: boolean;
  kind: BulkKind | undefined; // that is asked about
  setKind: (k: BulkKind | undefined) => void;
  onClear: () => void;
}) {
  const [running, setRunning] = useState('keep');
  const [wave, setWave] = useState('');
  const [note, setNote] = useState('');
  const [why, setWhy] = useState('');
  const [busy, setBusy] = useState(false);
  const [id, setId] = useState('');
  const by = counts(robots);
  const what = [...by].map(([w, n]) => `${n} ${w}`).join(', ');
  const send = async () => {
    if (!kind) return;
    setBusy(true);
    setWhy('');
    const params: Schemas['BulkParams'] = {};
    if (asksAboutRunning.has(kind)) params.running = running;
    if (note && ['maintenance', 'pause', 'drain'].includes(kind)) params.note = note;
    const body: Schemas['BulkBody'] = { kind, ids: robots.map((r) => r.robot_id), params };
    if (Number(wave) > 0) body.waves = { percent: Number(wave), stop_on_failure_percent: 20 };
    try {
      const made = await call<Schemas['BulkEntry']>('POST', '/bulk-operations', body);
      setId(made.bulk_id);
    } catch (e) {
      setWhy(e instanceof Refusal ? `${e.message} ${e.fix}` : String(e));
    } finally {
      setBusy(false);
      setKind(undefined);
    }
  };
  return (
    <section className={css.bulk} aria-label="Chosen robots">
      <div className={css.bar}>
        <strong>
          {robots.length === 1 ? '1 robot' : `${robots.length} robots`} selected ({what})
        </strong>
        {kinds.map((k) => (
          <button key={k} type="button" disabled={!may} title={may ? undefined : 'This needs the permission robots:operate.'} onClick={() => setKind(k)}>
            {label(k)}…
          </button>
        ))}
        <span className={css.grow} />
        <button type="button" onClick={onClear}>
          Clear selection
        </button>
      </div>
      {!may && <p className={css.fact}>Your role can see robots but not operate them.</p>}
      {why && <p role="alert">{why}</p>}
      {id && <BulkResult key={id} id={id} onId={setId} />}
      {kind && (
        <Confirm
          title={`${label(kind)}: ${robots.length === 1 ? '1 robot' : `${robots.length} robots`}`}
          action={`${label(kind)} ${robots.length === 1 ? '1 robot' : `${robots.length} robots`}`}
          busy={busy}
          onClose={() => setKind(undefined)}
          onConfirm={() => void send()}
        >
          <p>
            {what}. {by.get('offline') ? `${by.get('offline')} offline: done when they connect.` : ''}
          </p>
          {asksAboutRunning.has(kind) && (
            <label>
              Running jobs{' '}
              <select value={running} onChange={(e) => setRunning(e.target.value)}>
                <option value="keep">Wait for them</option>
                <option value="cancel">Cancel now</option>
                <option value="requeue">Hand back to the queue</option>
              </select>
            </label>
          )}
          <label>
            Waves{' '}
            <select value={wave} onChange={(e) => setWave(e.target.value)}>
              <option value="">All at once</option>
              <option value="10">10 % at a time, stop at 20 % failures</option>
              <option value="25">25 % at a time, stop at 20 % failures</option>
            </select>
          </label>
          <label>
            Reason <input value={note} onChange={(e) => setNote(e.target.value)} />
          </label>
        </Confirm>
      )}
    </section>
  );
}

function BulkResult({ id, onId }: { id: string; onId: (id: string) => void }) {
  const op = useLive(`bulk ${id}`, {
    // a target is done when its robot is: the operation's own events tell its begin and end
    topics: [`bulk:${id}`, 'robots'],
    ask: (s) => call<Schemas['BulkEntry']>('GET', `/bulk-operations/${id}`, undefined, s),
    take: (b, f) => (f.topic === 'bulk' || (b.status === 'running' && f.type.startsWith('robot.')) ? 'again' : undefined),
  });
  const [why, setWhy] = useState('');
  const b = op.data;
  if (!b) return null;
  const act = (what: 'cancel' | 'retry-failed') =>
    call<Schemas['BulkEntry'] | undefined>('POST', `/bulk-operations/${id}/${what}`, {})
      .then((made) => (what === 'retry-failed' && made?.bulk_id ? onId(made.bulk_id) : op.again()))
      .catch((e: Error) => setWhy(e.message));
  const failed = (b.targets ?? []).filter((t) => t.status === 'failed');
  return (
    <div>
      <p role="status">
        {label(b.kind)}: {b.done} of {b.total} done, {b.failed} failed, {b.skipped} skipped · wave {b.wave} of {b.waves} · {label(b.status)}
      </p>
      {why && <p role="alert">{why}</p>}
      {b.status === 'running' && (
        <button type="button" onClick={() => void act('cancel')}>
          Cancel the rest
        </button>
      )}
      {failed.length > 0 && b.status !== 'running' && (
        <button type="button" onClick={() => void act('retry-failed')}>
          Retry failed
        </button>
      )}
      <ul className={css.list}>
        {failed.slice(0, 20).map((t) => (
          <li key={t.robot_id}>
            <span className={css.mono}>{t.robot_id}</span> {t.reason}
          </li>
        ))}
      </ul>
    </div>
  );
}
