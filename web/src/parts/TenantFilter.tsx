import { useNavigate } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { call, type Schemas } from '../api/client';
import { lastTenants, rememberTenant } from './lastTenants';

type Tenant = Schemas['Tenant'];

/** TenantFilter is for who works across tenants: it looks at one of them, those that were looked at last above the others. */
export function TenantFilter({ value, own, className }: { value: string; own: string; className: string | undefined }) {
  const [list, setList] = useState<Tenant[]>([]);
  const navigate = useNavigate();
  useEffect(() => {
    call<Schemas['TenantList']>('GET', '/tenants')
      .then((l) => setList(l.tenants))
      .catch(() => undefined); // the one that is shown stays
  }, []);
  useEffect(() => {
    if (value) rememberTenant(value);
  }, [value]);
  if (list.length < 2) return null;
  const byId = new Map(list.map((t) => [t.id, t]));
  const last = list.length > few ? lastTenants().flatMap((id) => (id === value ? [] : (byId.get(id) ?? []))) : [];
  const rest = list.filter((t) => !last.includes(t));
  return (
    <label className={className}>
      Tenant{' '}
      <select
        value={value}
        onChange={(e) => {
          const to = e.target.value;
          void navigate({ to: '.', search: (s: Record<string, unknown>) => ({ ...s, tenant: to === own ? undefined : to }) as never });
        }}
      >
        {last.length > 0 && <optgroup label="Looked at last">{last.map(choice)}</optgroup>}
        {last.length > 0 ? <optgroup label="All others">{rest.map(choice)}</optgroup> : rest.map(choice)}
      </select>
    </label>
  );
}

/** few is up to how many tenants there are no groups. */
const few = 5;

const choice = (t: Tenant) => (
  <option key={t.id} value={t.id}>
    {t.name || t.id}
    {t.suspended ? ' (suspended)' : ''}
  </option>
);
