/** What every page needs to ask the server that served it, and how its refusals read. */
import type { components } from './schema';

export type Schemas = components['schemas'];
export type Robot = Schemas['Robot'];
export type Job = Schemas['Job'];
export type Me = Schemas['Me'];

/** Refusal is an answer that is no success, in the server's words. */
export class Refusal extends Error {
  constructor(
    message: string,
    readonly status: number,
    readonly fix: string,
    readonly requestId: string,
    readonly fields: readonly Schemas['FieldError'][] = [],
  ) {
    super(message);
  }
}

let tenant = '';
/** setTenant makes all questions be about one tenant. It is for who works across tenants; the server ignores it from others. */
export const setTenant = (id: string): void => {
  tenant = id;
};
export const actingTenant = (): string => tenant;

/** tenantQuery is the tenant as a part of an address; empty: one's own. */
export const tenantQuery = (before: string): string => (tenant === '' ? '' : `${before}tenant_id=${encodeURIComponent(tenant)}`);

/** withTenant adds the tenant to the address of a question, except where no tenant acts. */
export function withTenant(path: string): string {
  if (tenant === '' || /^\/(meta|me|auth|tenants|health|local)\b/.test(path)) return path;
  return path + tenantQuery(path.includes('?') ? '&' : '?');
}

/** call asks the API. A POST carries a key of its own, so that a repeat does nothing twice. */
export async function call<T>(method: string, path: string, body?: unknown, signal?: AbortSignal, more: Record<string, string> = {}): Promise<T> {
  const headers: Record<string, string> = { ...more };
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  if (method === 'POST') headers['Idempotency-Key'] = crypto.randomUUID();
  let resp: Response;
  try {
    resp = await fetch(`/api/v1${withTenant(path)}`, { method, headers, body: body === undefined ? null : JSON.stringify(body), signal: signal ?? null });
  } catch (e) {
    if (signal?.aborted) throw e;
    throw new Refusal('The server does not answer.', 0, 'Look whether it still runs.', '');
  }
  const text = await resp.text();
  if (resp.ok) return (text === '' ? undefined : JSON.parse(text)) as T;
  throw refusal(resp.status, text);
}

/** file asks the API for a file, whole. */
export async function file(path: string): Promise<Blob> {
  const resp = await fetch(`/api/v1${withTenant(path)}`).catch(() => {
    throw new Refusal('The server does not answer.', 0, 'Look whether it still runs.', '');
  });
  if (!resp.ok) throw refusal(resp.status, await resp.text());
  return resp.blob().catch(() => {
    throw new Refusal('The file broke off before its end.', 0, 'Try it again.', '');
  });
}

/** refusal is an answer that says no. */
function refusal(status: number, text: string): Refusal {
  let p: { detail?: string; fix?: string; request_id?: string; errors?: Schemas['FieldError'][] } = {};
  try {
    p = JSON.parse(text) as typeof p;
  } catch {
    // a proxy has answered
  }
  return new Refusal(p.detail ?? `The server answered ${status}.`, status, p.fix ?? '', p.request_id ?? '', p.errors ?? []);
}

/** allRobots reads the list page by page, up to what the page can show. */
export async function allRobots(signal?: AbortSignal): Promise<{ robots: Robot[]; total: number }> {
  const robots: Robot[] = [];
  let cursor = '';
  let total = 0;
  do {
    const p = await call<Schemas['RobotList']>('GET', `/robots?limit=500${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`, undefined, signal);
    robots.push(...p.robots);
    total = p.total;
    cursor = p.next_cursor ?? '';
  } while (cursor !== '' && robots.length < 20_000);
  return { robots, total };
}
