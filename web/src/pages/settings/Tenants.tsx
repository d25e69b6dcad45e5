import { useState } from 'react';
import { call, type Schemas } from '../../api/client';
import { type Field, FormDialog, type Values } from '../../parts/FormDialog';
import { useLive } from '../../parts/live';
import css from '../../parts/parts';
import { Scroll } from '../../parts/Scroll';
import { Fault, Loading } from '../../parts/States';
import { useMay } from '../../parts/session';

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
  const [open, setOpen] = useState<Tenant | 'new'>();
  return (
    <section aria-label="Tenants">
      <div className={css.bar}>
        <h2>Tenants and limits</h2>
        <span className={css.grow} />
        <button type="button" className={css.primary} disabled={!may} onClick={() => setOpen('new')}>
          New tenant…
        </button>
      </div>
      <p className={css.hint}>A tenant is a customer: its robots, jobs and keys are seen by nobody else. – is the limit of the server, or none.</p>
      {list.error && <Fault error={list.error} asOf={list.data ? list.asOf : ''} again={list.again} />}
      {!list.data && !list.error && <Loading what="tenants" />}
      {list.data && (
        <Scroll label="Tenants, table" className={css.tableBox}>
          <table className={css.table}>
            <thead>
              <tr>
                <th>Tenant</th>
                <th>State</th>
                <th>Running</th>
                <th>Waiting</th>
                <th>A minute</th>
                <th>Robots</th>
                <th>Share</th>
                <th>Actions</th>
              </tr>
            </thead>
            <tbody>
              {list.data.tenants.map((t) => (
                <tr key={t.id}>
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
                  <td>
                    <button type="button" disabled={!may} aria-label={`Edit ${t.id}`} onClick={() => setOpen(t)}>
                      Edit…
                    </button>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
      {open === 'new' && (
        <FormDialog
          title="New tenant"
          action="Make the tenant"
          fields={[{ key: 'id', label: 'Id, small letters and digits', required: true }, ...fields.filter((f) => !f.key.startsWith('suspended'))]}
          send={(v) => call('POST', '/tenants', bodyOf(v))}
          onClose={() => setOpen(undefined)}
          onDone={list.again}
        />
      )}
      {open !== undefined && open !== 'new' && (
        <FormDialog
          title={`Edit ${open.id}`}
          action="Save"
          fields={fields}
          initial={valuesOf(open)}
          send={(v) => call('PUT', `/tenants/${encodeURIComponent(open.id)}`, bodyOf(v))}
          onClose={() => setOpen(undefined)}
          onDone={list.again}
        />
      )}
    </section>
  );
}
