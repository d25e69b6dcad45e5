/** What the page of triggers decides. Pure. */
import type { Schemas } from '../../api/client';
import type { Fact } from '../../live/frames';

export type Trigger = Schemas['TriggerAnswer'];
export type Firing = Schemas['Firing'];
export type Kind = 'webhook' | 'event' | 'queue' | 'file' | 'email';

/** What became of an occasion, and what that means where the server gives no reason. */
export const outcomes = {
  accepted: 'there is a job',
  filtered: 'the conditions do not hold',
  cooling: 'too soon after the one before',
  full: 'as many jobs as there may be have not ended',
  duplicate: 'the same delivery came before',
  disabled: 'the trigger was disabled',
  refused: 'the job could not be made',
} as const;

export type Outcome = keyof typeof outcomes;

export interface TriggerSearch {
  outcome?: Outcome;
}

export const triggerSearch = (s: Record<string, unknown>): TriggerSearch =>
  typeof s.outcome === 'string' && Object.hasOwn(outcomes, s.outcome) ? { outcome: s.outcome as Outcome } : {};

export const kinds: Readonly<Record<Kind, string>> = {
  webhook: 'A web call',
  event: 'An event of the fleet',
  queue: 'The backlog of a queue',
  file: 'A file in a folder of a robot',
  email: 'A message in a mailbox',
};

export const auths = {
  api_key: 'The secret in a header',
  bearer: 'The secret as a bearer token',
  hmac_sha256: 'A signature of the body (HMAC SHA-256), as GitHub and most others make it',
  hmac_sha384: 'A signature of the body (HMAC SHA-384)',
  hmac_sha512: 'A signature of the body (HMAC SHA-512)',
  hmac_sha1: 'A signature of the body (HMAC SHA-1, weak: for senders that know nothing else)',
  stripe: 'As Stripe signs',
  standard_webhooks: 'As Standard Webhooks signs',
} as const;

export type Auth = keyof typeof auths;

/** The events that most people wait for come first; all others can be written. */
export const usualEvents = [
  'job.completed',
  'job.failed',
  'job.cancelled',
  'job.timeout',
  'job.needs_decision',
  'robot.connected',
  'robot.disconnected',
  'item.failed',
  'item.overdue',
  'schedule.missed',
] as const;

export const ops = ['==', '!=', '<', '<=', '>', '>=', 'in', 'not_in', 'contains', 'exists', 'version'] as const;

export interface Condition {
  path: string;
  op: string;
  value: string; // JSON, or text as it is
}

export interface Draft {
  name: string;
  workflow: string;
  kind: Kind;
  path: string;
  auth: Auth;
  secret: string; // the name of one of the vault; empty, for a web call: a new one is made
  header: string;
  deliveryHeader: string;
  types: readonly string[];
  of: string; // the only workflow whose jobs count; empty: any
  queue: string;
  min: string;
  each: string;
  max: string;
  robot: string;
  files: string; // a folder with a pattern for names
  settle: string;
  existing: boolean;
  host: string;
  port: string; // empty: as is usual
  security: 'tls' | 'starttls';
  user: string;
  folder: string;
  every: string;
  conditions: readonly Condition[];
  raw: string | undefined; // conditions that rows cannot show, as JSON
  inputs: string;
  priority: string; // empty: the workflow's
  cooldown: string;
  maxActive: string;
  pauseAfter: string;
}

export const newDraft = (): Draft => ({
  name: '',
  workflow: '',
  kind: 'webhook',
  path: '',
  auth: 'hmac_sha256',
  secret: '',
  header: '',
  deliveryHeader: '',
  types: ['job.completed'],
  of: '',
  queue: '',
  min: '1',
  each: '1',
  max: '10',
  robot: '',
  files: '',
  settle: '2',
  existing: false,
  host: '',
  port: '',
  security: 'tls',
  user: '',
  folder: 'INBOX',
  every: '60',
  conditions: [],
  raw: undefined,
  inputs: '{}',
  priority: '',
  cooldown: '0',
  maxActive: '0',
  pauseAfter: '0',
});

type Comparison = Schemas['Comparison'];

/** shown is a value as a person writes it: text without quotes where that reads back as the same. */
function shown(v: unknown): string {
  if (v === undefined) return '';
  const json = JSON.stringify(v);
  return typeof v === 'string' && read(v) === v ? v : json;
}

/** read is JSON where it is JSON, and text otherwise. */
function read(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

export function draftOf(t: Trigger): Draft {
  const base = newDraft();
  const list = (t.filter ?? []) as Comparison[];
  const plain = list.every((c) => !c.any && !c.not && !c.fact);
  return {
    ...base,
    name: t.name,
    workflow: t.workflow_id,
    kind: t.kind as Kind,
    ...(t.webhook
      ? {
          path: t.webhook.path ?? '',
          auth: t.webhook.auth as Auth,
          secret: t.webhook.secret,
          header: t.webhook.header ?? '',
          deliveryHeader: t.webhook.delivery_header ?? '',
        }
      : {}),
    ...(t.event ? { types: t.event.types, of: t.event.workflow_id ?? '' } : {}),
    ...(t.queue ? { queue: t.queue.queue_id, min: String(t.queue.min_items), each: String(t.queue.items_per_job), max: String(t.queue.max_jobs) } : {}),
    ...(t.file ? { robot: t.file.robot_id, files: t.file.path, settle: String(t.file.settle_seconds), existing: t.file.existing ?? false } : {}),
    ...(t.email
      ? {
          host: t.email.host,
          port: String(t.email.port),
          security: t.email.security === 'starttls' ? ('starttls' as const) : ('tls' as const),
          user: t.email.username,
          secret: t.email.secret,
          folder: t.email.folder,
          every: String(t.email.every_seconds),
        }
      : {}),
    conditions: plain ? list.map((c) => ({ path: c.path ?? '', op: c.op ?? '==', value: shown(c.value) })) : [],
    raw: plain ? undefined : JSON.stringify(list, null, 2),
    inputs: JSON.stringify(t.inputs ?? {}, null, 2),
    priority: t.priority === undefined ? '' : String(t.priority),
    cooldown: String(t.cooldown_seconds),
    maxActive: String(t.max_active),
    pauseAfter: String(t.pause_after_failures),
  };
}

/** Unreadable says which field of a draft cannot be sent. */
export class Unreadable extends Error {
  constructor(
    readonly field: string,
    message: string,
  ) {
    super(message);
  }
}

function json(field: string, text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch (e) {
    throw new Unreadable(field, `${what} cannot be read as JSON: ${(e as Error).message}`);
  }
}

/** bodyOf is what the server is sent. secret is the name of the secret, which may just have been made. */
export function bodyOf(d: Draft, secret: string): Schemas['TriggerBody'] {
  const filter =
    d.raw === undefined
      ? d.conditions.map((c) => ({ path: c.path, op: c.op, ...(c.op === 'exists' && c.value === '' ? {} : { value: read(c.value) }) }))
      : json('filter', d.raw || '[]', 'The conditions');
  const body: Schemas['TriggerBody'] = {
    name: d.name,
    workflow_id: d.workflow,
    kind: d.kind,
    inputs: json('inputs', d.inputs || '{}', 'The inputs'),
    filter: filter as Comparison[],
    cooldown_seconds: Math.round(Number(d.cooldown) || 0),
    max_active: Math.round(Number(d.maxActive) || 0),
    pause_after_failures: Math.round(Number(d.pauseAfter) || 0),
  };
  if (d.priority !== '') body.priority = Math.round(Number(d.priority));
  if (d.kind === 'webhook')
    body.webhook = {
      auth: d.auth,
      secret,
      ...(d.path ? { path: d.path } : {}),
      ...(d.header ? { header: d.header } : {}),
      ...(d.deliveryHeader ? { delivery_header: d.deliveryHeader } : {}),
    };
  else if (d.kind === 'event') {
    if (d.types.length === 0) throw new Unreadable('event', 'Choose at least one event.');
    body.event = { types: [...d.types] as Schemas['EventRule']['types'], ...(d.of ? { workflow_id: d.of } : {}) };
  } else if (d.kind === 'file') body.file = { robot_id: d.robot, path: d.files, settle_seconds: Math.round(Number(d.settle) || 2), existing: d.existing };
  else if (d.kind === 'email')
    body.email = {
      host: d.host,
      port: Math.round(Number(d.port) || (d.security === 'tls' ? 993 : 143)),
      security: d.security,
      username: d.user,
      secret,
      folder: d.folder || 'INBOX',
      every_seconds: Math.round(Number(d.every) || 60),
    };
  else
    body.queue = {
      queue_id: d.queue,
      min_items: Math.round(Number(d.min) || 1),
      items_per_job: Math.round(Number(d.each) || 1),
      max_jobs: Math.round(Number(d.max) || 10),
    };
  return body;
}

/** fieldOf is the field of the form that an error of the server is about. */
export function fieldOf(name: string): string {
  const parts = name.split(/[.[]/);
  const head = parts[0] ?? '';
  if (Object.hasOwn(kinds, head) && parts[1]) return `${head}.${parts[1]}`;
  return head;
}

/** waitsFor says in words what a trigger waits for. */
export function waitsFor(t: Trigger, nameOf: (id: string) => string): string {
  if (t.event) {
    const types = t.event.types.join(', ');
    return t.event.workflow_id ? `${types} of ${nameOf(t.event.workflow_id)}` : types;
  }
  if (t.queue) {
    const q = t.queue;
    const each = q.items_per_job === 1 ? 'a job for each item' : `a job for each ${q.items_per_job} items`;
    const least = q.min_items > 1 ? `, from ${q.min_items} on` : '';
    return `${nameOf(q.queue_id)}: ${each}${least}, at most ${q.max_jobs}`;
  }
  if (t.file) return `${t.file.path} on ${t.file.robot_id}`;
  if (t.email) return `${t.email.folder} of ${t.email.username} at ${t.email.host}`;
  return `POST ${t.address ?? ''}`;
}

/** newSecret makes a secret in the form that a way of signing wants; bytes are of chance. */
export function newSecret(auth: Auth, bytes: Uint8Array): string {
  if (auth === 'standard_webhooks') return `whsec_${btoa(String.fromCharCode(...bytes))}`;
  return Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('');
}

const openssl: Partial<Record<Auth, { hash: string; header: string; before: string }>> = {
  hmac_sha256: { hash: 'sha256', header: 'X-Hub-Signature-256', before: 'sha256=' },
  hmac_sha384: { hash: 'sha384', header: 'X-Webhook-Signature', before: 'sha384=' },
  hmac_sha512: { hash: 'sha512', header: 'X-Webhook-Signature', before: 'sha512=' },
  hmac_sha1: { hash: 'sha1', header: 'X-Hub-Signature', before: 'sha1=' },
};

/** howToCall is a script that calls a webhook as its rule wants it. The secret is in SECRET. */
export function howToCall(url: string, w: Schemas['WebhookRule']): string {
  const body = `BODY='{}'`;
  const post = (...headers: string[]) =>
    [`curl ${url} \\`, `  -H 'Content-Type: application/json' \\`, ...headers.map((h) => `  -H "${h}" \\`), `  --data-raw "$BODY"`].join('\n');
  const auth = w.auth as Auth;
  const sign = openssl[auth];
  if (sign)
    return [
      body,
      `SIGNATURE=$(printf %s "$BODY" | openssl dgst -${sign.hash} -hmac "$SECRET" -r | cut -d' ' -f1)`,
      post(`${w.header || sign.header}: ${sign.before}$SIGNATURE`),
    ].join('\n');
  switch (auth) {
    case 'bearer':
      return [body, post('Authorization: Bearer $SECRET')].join('\n');
    case 'stripe':
      return [
        body,
        'TIME=$(date +%s)',
        `SIGNATURE=$(printf %s "$TIME.$BODY" | openssl dgst -sha256 -hmac "$SECRET" -r | cut -d' ' -f1)`,
        post(`${w.header || 'Stripe-Signature'}: t=$TIME,v1=$SIGNATURE`),
      ].join('\n');
    case 'standard_webhooks':
      return [
        body,
        'ID=msg_1 TIME=$(date +%s)',
        `KEY=$(printf %s "\${SECRET#whsec_}" | base64 -d | od -An -v -tx1 | tr -d ' \\n')`,
        `SIGNATURE=$(printf %s "$ID.$TIME.$BODY" | openssl dgst -sha256 -mac HMAC -macopt "hexkey:$KEY" -binary | base64)`,
        post('webhook-id: $ID', 'webhook-timestamp: $TIME', 'webhook-signature: v1,$SIGNATURE'),
      ].join('\n');
    default:
      return [body, post(`${w.header || 'X-Api-Key'}: $SECRET`)].join('\n');
  }
}

/** asksFor says what the test wants to be told, by the kind of a trigger. */
export const asksFor: Readonly<Record<Kind, string>> = {
  webhook: 'The body of the call, as JSON',
  event: 'The event, as fleet events shows it',
  queue: '',
  file: 'The file, as JSON',
  email: 'The message, as JSON; empty: the newest one in the mailbox is looked at',
};

/** example is what a trigger may be asked about, for the test. */
export function example(t: Trigger): string {
  if (t.kind === 'event') return JSON.stringify({ type: t.event?.types[0] ?? 'job.completed', subject: { kind: 'job', id: '' }, data: {} }, null, 2);
  if (t.file) return JSON.stringify({ path: t.file.path.replace('*', 'example'), size: 1, modified_at: new Date(0).toISOString() }, null, 2);
  if (t.email) return ''; // the newest one that is there
  return '{}';
}

/** concerns says whether a fact changes what is shown of one trigger. One that is deleted cannot be asked for any more. */
export function concerns(f: Fact): boolean {
  if (f.topic === 'jobs') return ['completed', 'failed', 'cancelled', 'timeout'].includes(f.to_state ?? '');
  if (f.topic === 'queues') return true;
  return f.type.startsWith('trigger.') && f.type !== 'trigger.deleted';
}

/** about is what a row knows of its occasion, in one line. */
export const about = (v: unknown): string =>
  typeof v === 'object' && v !== null
    ? Object.entries(v)
        .map(([k, x]) => `${k.replaceAll('_', ' ')} ${typeof x === 'string' ? x : JSON.stringify(x)}`)
        .join(', ')
    : '';
