import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { call } from '../../api/client';
import { useAct } from '../../parts/act';
import { Confirm } from '../../parts/Confirm';
import { onlyIf, useLive } from '../../parts/live';
import css from '../../parts/parts';
import { Said } from '../../parts/Said';
import { Fault, Loading } from '../../parts/States';
import { Status } from '../../parts/Status';
import { useMay } from '../../parts/session';
import { Ago } from '../../parts/Time';
import { span } from '../../parts/words';
import { Deliveries } from './Deliveries';
import type { Told } from './Shown';
import { TriggerDialog } from './TriggerDialog';
import { Try } from './Try';
import { type Auth, auths, concerns, type Kind, kinds, type Trigger, type TriggerSearch, waitsFor } from './triggers';

interface Props {
  id: string;
  nameOf: (id: string) => string;
  search: TriggerSearch;
  onSearch: (s: TriggerSearch) => void;
  onChanged: () => void;
  onGone: () => void;
  onTold: (t: Told) => void;
}

/** TriggerView is one trigger, a test of it, and what became of each of its occasions. */
export function TriggerView({ id, nameOf, search, onSearch, onChanged, onGone, onTold }: Props) {
  const at = `/triggers/${encodeURIComponent(id)}`;
  const one = useLive<Trigger>(at, { topics: ['schedules', 'queues', 'jobs'], ask: (s) => call('GET', at, undefined, s), take: onlyIf(concerns) });
  const mayRun = useMay('schedules:run');
  const mayWrite = useMay('schedules:write');
  const [open, setOpen] = useState<'edit' | 'disable' | 'delete' | 'test'>();
  const [note, setNote] = useState('');
  const act = useAct();
  const t = one.data;
  const close = () => setOpen(undefined);
  const all = () => {
    one.again();
    onChanged();
  };
  if (!t) return one.error ? <Fault error={one.error} again={one.again} /> : <Loading what="the trigger" />;
  const enable = (yes: boolean) => {
    close();
    void act
      .run(
        yes ? 'Enabling…' : 'Disabling…',
        () => call('PUT', `${at}/${yes ? 'enable' : 'disable'}`, note && !yes ? { note } : {}),
        () => (yes ? 'Enabled; what came before is not made up for.' : 'Disabled: it starts nothing more.'),
      )
      .then(all);
  };
  return (
    <section aria-label={t.name}>
      <div className={css.bar}>
        <h2>{t.name}</h2>
        {!t.enabled && <Status word="disabled" />}
        <span className={css.grow} />
        <button type="button" disabled={!mayRun} onClick={() => setOpen('test')}>
          Test…
        </button>
        {t.webhook && (
          <button type="button" onClick={() => onTold({ trigger: t, secret: '' })}>
            How to call it…
          </button>
        )}
        <button type="button" disabled={!mayRun || act.busy} onClick={() => (t.enabled ? setOpen('disable') : enable(true))}>
          {t.enabled ? 'Disable…' : 'Enable'}
        </button>
        <button type="button" disabled={!mayWrite} onClick={() => setOpen('edit')}>
          Edit…
        </button>
        <button type="button" disabled={!mayWrite} onClick={() => setOpen('delete')}>
          Delete…
        </button>
      </div>
      <Said act={act} />
      {t.note && <p className={css.fact}>{t.note}</p>}
      {t.fault && (
        <p className={css.bad} role="alert">
          It cannot look now: {t.fault}
        </p>
      )}
      {t.description && <p>{t.description}</p>}
      <dl className={css.facts}>
        <dt>Waits for</dt>
        <dd>
          {kinds[t.kind as Kind] ?? t.kind}
          <div className={css.hint}>{waitsFor(t, nameOf)}</div>
        </dd>
        {t.webhook && (
          <>
            <dt>Proven by</dt>
            <dd>
              {auths[t.webhook.auth as Auth] ?? t.webhook.auth}
              <div className={css.hint}>The secret is {t.webhook.secret} of the vault.</div>
            </dd>
          </>
        )}
        <dt>Starts</dt>
        <dd>
          <Link to="/workflows/$id" params={{ id: t.workflow_id }} search={{}}>
            {nameOf(t.workflow_id)}
          </Link>
          {t.version > 0 && ` version ${t.version}`}
        </dd>
        <dt>Jobs</dt>
        <dd>
          {t.fired_count} started, {t.active_jobs} not ended, {t.success_count} succeeded, {t.failure_count} failed
        </dd>
        {t.backlog && (
          <>
            <dt>Backlog</dt>
            <dd>
              {t.backlog.ready} ready, {t.backlog.taken} taken
            </dd>
          </>
        )}
        {(t.filter?.length ?? 0) > 0 && (
          <>
            <dt>Only if</dt>
            <dd className={css.mono}>
              {t.filter?.map((c) => (
                <div key={JSON.stringify(c)}>
                  {c.path && c.op ? `${c.path} ${c.op} ${c.value === undefined ? '' : JSON.stringify(c.value)}` : JSON.stringify(c)}
                </div>
              ))}
            </dd>
          </>
        )}
        {(t.cooldown_seconds > 0 || t.max_active > 0 || t.pause_after_failures > 0) && (
          <>
            <dt>Limits</dt>
            <dd>
              {[
                t.cooldown_seconds > 0 && `${span(1000 * t.cooldown_seconds)} between two jobs`,
                t.max_active > 0 && `at most ${t.max_active} that have not ended`,
                t.pause_after_failures > 0 && `disabled after ${t.pause_after_failures} failures in a row`,
              ]
                .filter(Boolean)
                .join(', ')}
            </dd>
          </>
        )}
        <dt>Last fired</dt>
        <dd>{t.last_fired_at ? <Ago at={t.last_fired_at} /> : 'Not yet'}</dd>
      </dl>
      <Deliveries at={at} search={search} onSearch={onSearch} />
      {open === 'test' && <Try of={t} onClose={close} />}
      {open === 'edit' && (
        <TriggerDialog
          of={t}
          onClose={close}
          onDone={(next, secret) => {
            close();
            all();
            if (secret) onTold({ trigger: next, secret });
          }}
        />
      )}
      {open === 'disable' && (
        <Confirm title={`Disable ${t.name}`} action="Disable the trigger" busy={act.busy} onClose={close} onConfirm={() => enable(false)}>
          <p>It starts nothing more. What comes meanwhile leaves a row and is not made up for. Its jobs go on.</p>
          <label>
            Why (others see it) <input value={note} maxLength={500} onChange={(e) => setNote(e.target.value)} />
          </label>
        </Confirm>
      )}
      {open === 'delete' && (
        <Confirm
          title={`Delete the trigger ${t.name}?`}
          action="Delete the trigger"
          busy={act.busy}
          onClose={close}
          onConfirm={() => {
            close();
            void act
              .run(
                'Deleting…',
                () => call('DELETE', at).then(() => true),
                () => 'Deleted.',
              )
              .then((ok) => {
                if (!ok) return;
                onChanged();
                onGone();
              });
          }}
        >
          <p>{t.webhook ? 'Whoever calls its address is told that nothing is there.' : 'It starts nothing more.'} Its jobs go on. It cannot be taken back.</p>
        </Confirm>
      )}
    </section>
  );
}
