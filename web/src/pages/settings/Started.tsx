import { call, type Schemas } from '../../api/client';
import { useLive } from '../../parts/live';
import css from '../../parts/parts';
import { Fault, Loading } from '../../parts/States';
import { Table } from '../../parts/Table';
import { shownOf } from './started';

type Group = 'limits' | 'retention';

const words: Record<Group, { title: string; note: string }> = {
  limits: {
    title: 'Limits',
    note: 'What this orchestrator accepts at most, and how often. Beyond it the answer names the limit. What one tenant may have besides is under Tenants and limits.',
  },
  retention: {
    title: 'Retention',
    note: 'For how long this orchestrator keeps history. What is older is taken away by the orchestrator that does the chores.',
  },
};

function Started({ group }: { group: Group }) {
  const list = useLive<Schemas['SettingList']>('settings', { topics: [], ask: (s) => call('GET', '/settings', undefined, s), take: () => undefined });
  const { title, note } = words[group];
  const rows = list.data?.settings.filter((s) => s.group === group) ?? [];
  return (
    <section aria-label={title}>
      <h2>{title}</h2>
      <p className={css.hint}>{note}</p>
      {list.error && <Fault error={list.error} asOf={list.data ? list.asOf : ''} again={list.again} />}
      {!list.data && !list.error && <Loading what="settings" />}
      {rows.length > 0 && (
        <Table label={`${title}, table`} heads={['What', { number: 'Value' }, 'Source', 'Set by']}>
          {rows.map((s) => (
            <tr key={s.name}>
              <td>{s.about.charAt(0).toUpperCase() + s.about.slice(1)}</td>
              <td data-number>{shownOf(s)}</td>
              <td className={css.keep}>
                {s.source === 'given' ? 'Given at the start' : 'Default'}
                {s.source === 'given' && <div className={css.hint}>default {s.default}</div>}
              </td>
              <td className={css.mono}>
                --{s.name}
                <div className={css.hint}>{s.environment.join(', ')}</div>
              </td>
            </tr>
          ))}
        </Table>
      )}
    </section>
  );
}

/** Limits are what this orchestrator accepts at most. */
export const Limits = () => <Started group="limits" />;

/** Retention is for how long it keeps history. */
export const Retention = () => <Started group="retention" />;
