import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { call, type Schemas } from '../../api/client';
import { useAct } from '../../parts/act';
import { onlyIf, useLive } from '../../parts/live';
import { PageHead } from '../../parts/PageHead';
import css from '../../parts/parts';
import { useRows } from '../../parts/rows';
import { Said } from '../../parts/Said';
import { Old, Skeleton } from '../../parts/Skeleton';
import { Empty, Fault } from '../../parts/States';
import { Switch } from '../../parts/Switch';
import { useMay } from '../../parts/session';
import { Table } from '../../parts/Table';
import { Ago } from '../../parts/Time';
import { useNames } from './names';
import { Shown, type Told } from './Shown';
import { TriggerDialog } from './TriggerDialog';
import { TriggerView } from './TriggerView';
import { type Kind, kinds, type Trigger, type TriggerSearch, waitsFor } from './triggers';

interface Props {
  id: string;
  search: TriggerSearch;
  onSearch: (s: TriggerSearch) => void;
  onOpen: (id: string) => void;
}

const heads = ['Enabled', 'Name', 'Waits for', 'Workflow', 'Last fired', { number: 'Jobs' }];

/** TriggersPage lists what starts jobs by itself, and shows the one that is chosen. */
export function TriggersPage({ id, search, onSearch, onOpen }: Props) {
  const list = useLive<Schemas['TriggerList']>('triggers', {
    topics: ['schedules'],
    ask: (s) => call('GET', '/triggers', undefined, s),
    take: onlyIf((f) => f.type.startsWith('trigger.')),
  });
  const nameOf = useNames();
  const mayWrite = useMay('schedules:write');
  const mayRun = useMay('schedules:run');
  const [making, setMaking] = useState(false);
  const [told, setTold] = useState<Told>();
  const act = useAct();
  const rows = list.data?.triggers ?? [];
  const row = useRows({ ids: rows.map((t) => t.trigger_id), start: id, open: onOpen, peek: (one) => onOpen(one === id ? '' : one), filters: false });
  const flip = (t: Trigger) =>
    void act
      .run(
        t.enabled ? 'Disabling…' : 'Enabling…',
        () => call('PUT', `/triggers/${t.trigger_id}/${t.enabled ? 'disable' : 'enable'}`, {}),
        () => `${t.name} is ${t.enabled ? 'disabled: it starts nothing more' : 'enabled; what came before is not made up for'}.`,
      )
      .then(list.again);
  return (
    <div className={css.page}>
      <PageHead title="Triggers" facts={list.data && (rows.length === 1 ? '1 trigger' : `${rows.length} triggers`)} fleet>
        <Link to="/fleet/schedules" search={{}}>
          Schedules
        </Link>
        <button
          type="button"
          className={css.primary}
          disabled={!mayWrite}
          title={mayWrite === false ? 'This needs the permission schedules:write.' : undefined}
          onClick={() => setMaking(true)}
        >
          New trigger…
        </button>
      </PageHead>
      <Said act={act} />
      {list.error && <Fault error={list.error} asOf={list.data ? list.asOf : ''} again={list.again} />}
      {!list.data && !list.error && <Skeleton what="triggers" heads={heads} />}
      {list.data && rows.length === 0 && (
        <Empty command="fleet trigger add after-export WORKFLOW --on job.completed --of EXPORT-WORKFLOW">
          No triggers yet. A trigger starts a workflow when something happens: a web call comes, an event of the fleet tells so (after one workflow another), or
          a queue has work. Each occasion leaves a row with what became of it. For times there are schedules.
        </Empty>
      )}
      <Old when={list.error !== undefined && list.data !== undefined}>
        <div className={css.pair} data-open={id || undefined}>
          {rows.length > 0 && (
            <Table label="List of triggers" heads={heads}>
              {rows.map((t) => (
                <tr key={t.trigger_id} {...row(t.trigger_id)} data-chosen={t.trigger_id === id || undefined}>
                  <td>
                    <Switch label={`${t.name} enabled`} on={t.enabled} disabled={!mayRun || act.busy} onFlip={() => flip(t)} />
                  </td>
                  <td>
                    <Link to="/fleet/triggers/$id" params={{ id: t.trigger_id }} search={{}}>
                      {t.name}
                    </Link>
                    {!t.enabled && <div className={css.hint}>Disabled{t.note && `: ${t.note}`}</div>}
                  </td>
                  <td>
                    {kinds[t.kind as Kind] ?? t.kind}
                    <div className={css.hint}>{waitsFor(t, nameOf)}</div>
                    {t.fault && <div className={css.bad}>It cannot look now</div>}
                  </td>
                  <td>{nameOf(t.workflow_id)}</td>
                  <td>
                    {t.last_fired_at ? <Ago at={t.last_fired_at} /> : 'Not yet'}
                    {t.failures_in_a_row > 0 && <div className={css.bad}>Failed, {t.failures_in_a_row} in a row</div>}
                  </td>
                  <td data-number>
                    {t.fired_count}
                    {t.active_jobs > 0 && <div className={css.hint}>{t.active_jobs} not ended</div>}
                  </td>
                </tr>
              ))}
            </Table>
          )}
          {id && (
            <TriggerView
              key={id}
              id={id}
              nameOf={nameOf}
              search={search}
              onSearch={onSearch}
              onChanged={list.again}
              onGone={() => onOpen('')}
              onTold={setTold}
            />
          )}
        </div>
      </Old>
      {making && (
        <TriggerDialog
          onClose={() => setMaking(false)}
          onDone={(t, secret) => {
            setMaking(false);
            list.again();
            if (t.webhook) setTold({ trigger: t, secret });
            else onOpen(t.trigger_id);
          }}
        />
      )}
      {told && (
        <Shown
          {...told}
          onClose={() => {
            setTold(undefined);
            if (told.trigger.trigger_id !== id) onOpen(told.trigger.trigger_id); // not before: another page would lose the secret
          }}
        />
      )}
    </div>
  );
}
