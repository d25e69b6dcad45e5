/** What the page of webhooks decides. Pure. */
import type { Schemas } from '../../api/client';

export type Webhook = Schemas['WebhookAnswer'];
export type Delivery = Schemas['Delivery'];
export type Try = Schemas['DeliveryTry'];

/** underWay says whether something is to be sent that has not arrived. */
export const underWay = (w: Webhook): boolean => w.enabled && w.waiting_count + w.behind_count > 0;

/** The events that most people have sent come first; all others can be written. */
export const usual = [
  'job.completed',
  'job.failed',
  'job.timeout',
  'job.needs_decision',
  'robot.connected',
  'robot.disconnected',
  'item.failed',
  'schedule.missed',
  'trigger.disabled',
  'webhook.disabled',
] as const;

export const states = { waiting: 'Waiting', delivered: 'Delivered', given_up: 'Given up' } as const;
export type DeliveryState = keyof typeof states;

export interface Draft {
  name: string;
  url: string;
  description: string;
  all: boolean;
  types: readonly string[];
  filter: string; // a JSON list of conditions
  ordered: boolean;
  rate: string;
}

export const newDraft = (): Draft => ({
  name: '',
  url: 'https://',
  description: '',
  all: false,
  types: ['job.failed'],
  filter: '',
  ordered: false,
  rate: '10',
});

export const draftOf = (w: Webhook): Draft => ({
  name: w.name,
  url: w.url,
  description: w.description ?? '',
  all: w.event_types.length === 0,
  types: w.event_types,
  filter: (w.filter?.length ?? 0) > 0 ? JSON.stringify(w.filter, null, 2) : '',
  ordered: w.ordered,
  rate: String(w.rate_per_second),
});

/** Unreadable says which field of a draft cannot be sent. */
export class Unreadable extends Error {
  constructor(
    readonly field: string,
    message: string,
  ) {
    super(message);
  }
}

/** bodyOf is what the server is sent. */
export function bodyOf(d: Draft): Schemas['WebhookBody'] {
  let filter: unknown = [];
  try {
    if (d.filter.trim() !== '') filter = JSON.parse(d.filter);
  } catch (e) {
    throw new Unreadable('filter', `The conditions cannot be read as JSON: ${(e as Error).message}`);
  }
  if (!d.all && d.types.length === 0) throw new Unreadable('event_types', 'Choose at least one event, or all of them.');
  return {
    name: d.name,
    url: d.url,
    description: d.description,
    event_types: (d.all ? [] : [...d.types]) as NonNullable<Schemas['WebhookBody']['event_types']>,
    filter: filter as NonNullable<Schemas['WebhookBody']['filter']>,
    ordered: d.ordered,
    rate_per_second: Math.round(Number(d.rate) || 10),
  };
}

/** standing is how a webhook fares, in a word. */
export function standing(w: Webhook): string {
  if (!w.enabled) return 'disabled';
  if (w.failing_since) return 'failing';
  return w.delivered_count > 0 ? 'healthy' : 'new';
}

/** sends says in words which events go out. */
export const sends = (w: Webhook): string => (w.event_types.length === 0 ? 'All events' : w.event_types.join(', '));

/** came says what became of one call. */
export function came(t: Try): string {
  if (t.fault) return t.fault;
  const ok = (t.status ?? 0) >= 200 && (t.status ?? 0) < 300;
  return `${ok ? 'It has arrived' : 'It was refused'}: ${t.status} after ${t.took_ms} ms.`;
}

/** pretty is a body as people read it. */
export function pretty(v: unknown): string {
  if (typeof v !== 'string') return JSON.stringify(v, null, 2) ?? '';
  try {
    return JSON.stringify(JSON.parse(v), null, 2);
  } catch {
    return v;
  }
}
