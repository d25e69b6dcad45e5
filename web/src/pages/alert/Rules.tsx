import { useState } from 'react';
import { call, type Schemas } from '../../api/client';
import { useAct } from '../../parts/act';
import { type Field, FormDialog } from '../../parts/FormDialog';
import css from '../../parts/parts';
import { Said } from '../../parts/Said';
import { Status } from '../../parts/Status';
import { Switch } from '../../parts/Switch';
import { useMay } from '../../parts/session';
import { Table } from '../../parts/Table';
import { label } from '../../parts/words';
import { type Channel, condition, ids, kinds, minutes, type Rule, selectorOf, selectors, severities, within } from './alerts';

/** fieldsOf is what can be said of a rule; of a new one also its name and its kind. */
const fieldsOf = (of: Rule | undefined): Field[] => [
  ...(of
    ? []
    : [
        { key: 'name', label: 'Name', required: true },
        { key: 'kind', label: 'What it looks for', kind: 'select' as const, options: Object.entries(kinds).map(([value, name]) => ({ value, name })) },
        ...Object.entries(selectors).map(([key, label]) => ({ key, label, hint: 'With commas between; all if left out.' })),
      ]),
  { key: 'severity', label: 'Severity', kind: 'select', options: severities.map((value) => ({ value, name: label(value) })) },
  {
    key: 'minutes',
    label: 'Minutes that it must hold',
    kind: 'number',
    min: 1,
    hint: 'After twice that without anything new it is over. As its kind has it, if left out.',
  },
  ...(of?.params.percent || !of
    ? [{ key: 'percent', label: 'Of many failures: more than this percent', kind: 'number' as const, min: 1, max: 99, hint: '50, if left out.' }]
    : []),
  { key: 'channels', label: 'Channels that are told', hint: 'Names in their order, with commas between; those for all rules, if left out.' },
  { key: 'escalate', label: 'Minutes until the next channel is told', kind: 'number', min: 0, hint: 'All are told at once, if left out.' },
];

/** shown is a rule by the name that people read. */
const shown = (r: Rule): string => (r.builtin ? (kinds[r.kind] ?? r.kind) : r.name);

/** Rules are what people are told of. Those that are built in can be changed, and made as they were. */
export function Rules({ list, channels, again }: { list: readonly Rule[]; channels: readonly Channel[]; again: () => void }) {
  const may = useMay('alerts:manage');
  const [open, setOpen] = useState<Rule | 'new'>();
  const act = useAct();
  const nameOf = (id: string) => channels.find((c) => c.channel_id === id)?.name ?? id;
  const at = (r: Rule) => `/alert-rules/${encodeURIComponent(r.rule_id)}`;
  const of = open === 'new' ? undefined : open;
  return (
    <section aria-label="Rules">
      <div className={css.bar}>
        <h3>Rules</h3>
        <span className={css.grow} />
        <button type="button" disabled={!may} onClick={() => setOpen('new')}>
          New rule…
        </button>
      </div>
      <Said act={act} />
      <Table label="Rules, table" heads={['Enabled', 'Looks for', 'Severity', 'Holds for', 'Channels', 'Actions']}>
        {list.map((r) => (
          <tr key={r.rule_id}>
            <td>
              <Switch
                label={`${r.name} enabled`}
                on={r.enabled}
                disabled={!may || act.busy}
                onFlip={() =>
                  void act
                    .run(
                      'Changing…',
                      () => call('PUT', at(r), { enabled: !r.enabled }),
                      () => `“${shown(r)}” is ${r.enabled ? 'disabled: it finds nothing more' : 'enabled'}.`,
                    )
                    .then(again)
                }
              />
            </td>
            <td>
              {shown(r)}
              <div className={css.hint}>{condition(r) || (r.builtin ? r.description : (kinds[r.kind] ?? r.kind))}</div>
            </td>
            <td>
              <Status word={r.severity} />
            </td>
            <td>{within(r.for_seconds)}</td>
            <td>
              {r.channels.map(nameOf).join(', ') || 'Those for all rules'}
              {r.escalate_after_seconds > 0 && <div className={css.hint}>One after the other, each {within(r.escalate_after_seconds)} later</div>}
            </td>
            <td>
              <button type="button" disabled={!may} aria-label={`Change ${r.name}`} onClick={() => setOpen(r)}>
                Change…
              </button>{' '}
              {r.revision > 0 && (
                <button
                  type="button"
                  disabled={!may || act.busy}
                  aria-label={r.builtin ? `Make ${r.name} as it was` : `Delete ${r.name}`}
                  onClick={() =>
                    void act
                      .run(
                        'Changing…',
                        () => call('DELETE', at(r)),
                        () => (r.builtin ? `“${shown(r)}” is as it was.` : `${r.name} is deleted.`),
                      )
                      .then(again)
                  }
                >
                  {r.builtin ? 'As it was' : 'Delete'}
                </button>
              )}
            </td>
          </tr>
        ))}
      </Table>
      {open && (
        <FormDialog
          title={of ? `Change “${shown(of)}”` : 'Tell people of something'}
          action={of ? 'Change it' : 'Make the rule'}
          fields={fieldsOf(of)}
          initial={
            of
              ? {
                  severity: of.severity,
                  minutes: String(of.for_seconds / 60),
                  percent: String(of.params.percent ?? ''),
                  channels: of.channels.map(nameOf).join(', '),
                  escalate: of.escalate_after_seconds ? String(of.escalate_after_seconds / 60) : '',
                }
              : { severity: 'warning' }
          }
          send={(v) => {
            const body: Schemas['AlertRuleBody'] = {
              severity: v.severity as 'warning',
              channels: ids(v.channels),
              escalate_after_seconds: minutes(v.escalate) ?? 0,
            };
            const seconds = minutes(v.minutes);
            if (seconds) body.for_seconds = seconds;
            if (v.percent && (of?.kind ?? v.kind) === 'failure_rate') body.params = { ...(of?.params ?? {}), percent: Number(v.percent) };
            if (of) return call('PUT', at(of), body);
            body.name = v.name ?? '';
            body.kind = v.kind as 'brake';
            const selector = selectorOf(v);
            if (selector) body.selector = selector;
            return call('POST', '/alert-rules', body);
          }}
          onClose={() => setOpen(undefined)}
          onDone={again}
        />
      )}
    </section>
  );
}
