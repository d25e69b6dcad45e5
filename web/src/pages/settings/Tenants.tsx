import { call, type Schemas } from '../../api/client';
import type { Field, Values } from '../../parts/FormDialog';
import { useLive } from '../../parts/live';
import css from '../../parts/parts';
import { useMay } from '../../parts/session';
import { Things } from './Things';

type Tenant = Schemas['Tenant'];

const fields: readonly Field[] = [
  { key: 'name', label: 'Name' },
  { key: 'timezone', label: 'Time zone', hint: 'Europe/Berlin' },
  { key: 'running_jobs', label: 'Jobs that run at once', hint: '0: the limit of the server', kind: 'number', min: 0 },
  { key: 'pending_jobs', label: 'Jobs that wait at once', kind: 'number', min: 0 },
  { key: 'submits_per_minute', label: 'Jobs submitted a minute', kind: 'number', min: 0 },
  { key: 'robots', label: 'Robots', kind: 'number', min: 0 },
  { key: 'weight', label: 'Share of robots that several use', hint: '100 is one share', kind: 'number', min: 1 },
  { key: 'priority', label: 'Priority of its jobs', hint: '0 goes first', kind: 'number', min: 0, max: 20 },
  { key: 'suspended', label: 'Suspended: nothing of it starts', kind: 'check' },
  { key: 'suspended_note', label: 'Why' },
];

/** bodyOf is what is set of a tenant, as the API takes it. */
export function bodyOf(v: Values): Schemas['TenantBody'] {
  const n = (k: string) => Number(v[k] || 0);
  return {
    ...(v.id ? { id: v.id } : {}),
    name: v.name ?? '',
    ...(v.timezone ? { timezone: v.timezone } : {}),
    quotas: { running_jobs: n('running_jobs'), pending_jobs: n('pending_jobs'), submits_per_minute: n('submits_per_minute'), robots: n('robots') },
    ...(v.weight ? { weight: n('weight') } : {}),
    ...(v.priority ? { priority: n('priority') } : {}),
    suspended: v.suspended === 'true',
    ...(v.suspended_note ? { suspended_note: v.suspended_note } : {}),
  };
}

/** valuesOf is a tenant as a form shows it. */
export const valuesOf = (t: Tenant): Values => ({
  name: t.name,
  timezone: t.timezone,
  running_jobs: String(t.quotas.running_jobs),
  pending_jobs: String(t.quotas.pending_jobs),
  submits_per_minute: String(t.quotas.submits_per_minute),
  robots: String(t.quotas.robots),
  weight: String(t.weight),
  priority: String(t.priority),
  suspended: String(t.suspended),
  suspended_note: t.suspended_note ?? '',
});

const limit = (n: number) => (n === 0 ? '–' : String(n));

/** Tenants keeps customers apart, with limits of their own. */
export function Tenants() {
  const list = useLive<Schemas['TenantList']>('tenants', { topics: [], ask: (s) => call('GET', '/tenants', undefined, s) });
  const may = useMay('tenants:manage');
  return (
    <Things
      title="Tenants and limits"
      hint="A tenant is a customer: its robots, jobs and keys are seen by nobody else. – is the limit of the server, or none."
      list={list}
      rows={list.data?.tenants ?? []}
      may={may === true}
      add="New tenant"
      edit="Edit"
      heads={['Tenant', 'State', 'Running', 'Waiting', 'A minute', 'Robots', 'Share']}
      nameOf={(t) => t.id}
      cells={(t) => (
        <>
          <td>
            {t.name || t.id}
            <div className={css.hint}>
              {t.id} · {t.timezone}
            </div>
          </td>
          <td>{t.suspended ? `Suspended ${t.suspended_note ?? ''}` : 'Active'}</td>
          <td>{limit(t.quotas.running_jobs)}</td>
          <td>{limit(t.quotas.pending_jobs)}</td>
          <td>{limit(t.quotas.submits_per_minute)}</td>
          <td>{limit(t.quotas.robots)}</td>
          <td>{t.weight}</td>
        </>
      )}
      form={(t) =>
        t
          ? {
              title: `Edit ${t.id}`,
              action: 'Save',
              fields,
              initial: valuesOf(t),
              send: (v) => call('PUT', `/tenants/${encodeURIComponent(t.id)}`, bodyOf(v)),
            }
          : {
              title: 'New tenant',
              action: 'Make the tenant',
              fields: [{ key: 'id', label: 'Id, small letters and digits', required: true }, ...fields.filter((f) => !f.key.startsWith('suspended'))],
              send: (v) => call('POST', '/tenants', bodyOf(v)),
            }
      }
    />
  );
}
