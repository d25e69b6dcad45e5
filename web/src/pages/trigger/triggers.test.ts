import { describe, expect, it } from 'vitest';
import type { Fact } from '../../live/frames';
import {
  type Auth,
  auths,
  bodyOf,
  concerns,
  draftOf,
  fieldOf,
  howToCall,
  newDraft,
  newSecret,
  type Trigger,
  triggerSearch,
  Unreadable,
  waitsFor,
} from './triggers';

const draft = { ...newDraft(), name: 'orders', workflow: 'w1' };

describe('the form of a trigger', () => {
  it('sends the rule of its kind alone', () => {
    const hook = bodyOf({ ...draft, path: 'orders', auth: 'stripe' }, 'shop');
    expect([hook.webhook, hook.queue, hook.event]).toEqual([{ auth: 'stripe', secret: 'shop', path: 'orders' }, undefined, undefined]);
    const event = bodyOf({ ...draft, kind: 'event', types: ['job.failed'], of: 'w2' }, '');
    expect([event.webhook, event.event]).toEqual([undefined, { types: ['job.failed'], workflow_id: 'w2' }]);
    const queue = bodyOf({ ...draft, kind: 'queue', queue: 'q', max: '3' }, '');
    expect(queue.queue).toEqual({ queue_id: 'q', min_items: 1, items_per_job: 1, max_jobs: 3 });
    const file = bodyOf({ ...draft, kind: 'file', robot: 'bot-7', files: '/in/*.pdf' }, '');
    expect([file.file, file.webhook]).toEqual([{ robot_id: 'bot-7', path: '/in/*.pdf', settle_seconds: 2, existing: false }, undefined]);
    const mail = bodyOf({ ...draft, kind: 'email', host: 'imap.test', user: 'ada', security: 'starttls' }, 'mail');
    expect(mail.email).toEqual({
      host: 'imap.test',
      port: 143,
      security: 'starttls',
      username: 'ada',
      secret: 'mail',
      folder: 'INBOX',
      every_seconds: 60,
    });
    for (const one of [file, mail]) {
      const answer = { ...one, trigger_id: 't', workflow_id: 'w1', cooldown_seconds: 0, max_active: 0, pause_after_failures: 0 } as unknown as Trigger;
      expect(bodyOf(draftOf(answer), 'mail')).toEqual(one);
    }
    expect(hook.priority).toBeUndefined();
    expect(bodyOf({ ...draft, priority: '0' }, 's').priority).toBe(0);
  });
  it('reads conditions as what they look like, and gives them back as they were', () => {
    const conditions = [
      { path: '/order/amount', op: '>', value: '10' },
      { path: '/order/state', op: '==', value: 'paid' },
      { path: '/order/id', op: '==', value: '"7"' },
      { path: '/order/tags', op: 'in', value: '["a","b"]' },
      { path: '/order/gift', op: 'exists', value: '' },
    ];
    const body = bodyOf({ ...draft, conditions }, 'shop');
    expect(body.filter?.map((c) => c.value)).toEqual([10, 'paid', '7', ['a', 'b'], undefined]);
    const back = draftOf({ ...body, trigger_id: 't', workflow_id: 'w1', cooldown_seconds: 0, max_active: 0, pause_after_failures: 0 } as unknown as Trigger);
    expect(back.conditions).toEqual(conditions);
    expect(bodyOf(back, 'shop')).toEqual(body);
  });
  it('keeps conditions that rows cannot show', () => {
    const filter = [{ any: [{ path: '/a', op: '==', value: 1 }, { not: { path: '/b', op: 'exists' } }] }];
    const d = draftOf({ ...bodyOf(draft, 's'), filter, workflow_id: 'w1', cooldown_seconds: 5, max_active: 0, pause_after_failures: 0 } as unknown as Trigger);
    expect([d.conditions, bodyOf(d, 's').filter, d.cooldown]).toEqual([[], filter, '5']);
  });
  it('says which field cannot be read', () => {
    const wrong = (more: object) => {
      try {
        bodyOf({ ...draft, ...more }, 's');
      } catch (e) {
        return e instanceof Unreadable ? e.field : String(e);
      }
      return '';
    };
    expect([wrong({ inputs: '{' }), wrong({ raw: '[' }), wrong({ kind: 'event', types: [] }), wrong({})]).toEqual(['inputs', 'filter', 'event', '']);
    expect(['webhook.path', 'filter[0].op', 'inputs.a', 'event.types[1]', 'name'].map(fieldOf)).toEqual([
      'webhook.path',
      'filter',
      'inputs',
      'event.types',
      'name',
    ]);
  });
});

describe('a trigger in words', () => {
  const names: Record<string, string> = { w2: 'Export', q: 'Invoices' };
  const say = (t: object) => waitsFor(t as Trigger, (id) => names[id] ?? id);
  it('says what it waits for', () => {
    expect(say({ address: '/webhooks/orders', webhook: {} })).toBe('POST /webhooks/orders');
    expect(say({ event: { types: ['job.completed'], workflow_id: 'w2' } })).toBe('job.completed of Export');
    expect(say({ queue: { queue_id: 'q', items_per_job: 5, min_items: 2, max_jobs: 3 } })).toBe('Invoices: a job for each 5 items, from 2 on, at most 3');
  });
  it('says for every way how it is called, with the headers of its rule', () => {
    for (const auth of Object.keys(auths) as Auth[]) {
      const text = howToCall('https://x/webhooks/a', { auth, secret: 's' });
      expect(text, auth).toContain('curl https://x/webhooks/a');
      expect(text, auth).toContain('SECRET');
    }
    expect(howToCall('u', { auth: 'hmac_sha256', secret: 's', header: 'X-Mine' })).toContain('X-Mine: sha256=');
  });
  it('makes secrets in the form that is wanted', () => {
    const bytes = new Uint8Array(32).fill(255);
    expect(newSecret('hmac_sha256', bytes)).toBe('ff'.repeat(32));
    expect(newSecret('standard_webhooks', bytes)).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
  });
  it('is not asked for any more once it is deleted', () => {
    const fact = (topic: string, type: string, to_state = '') => concerns({ topic, type, to_state } as unknown as Fact);
    expect([fact('schedules', 'trigger.fired'), fact('schedules', 'trigger.deleted'), fact('schedules', 'schedule.fired')]).toEqual([true, false, false]);
    expect([fact('jobs', 'job.completed', 'completed'), fact('jobs', 'job.started', 'running'), fact('queues', 'item.added')]).toEqual([true, false, true]);
  });
  it('drops what is no outcome from its address', () => {
    expect([triggerSearch({ outcome: 'full' }), triggerSearch({ outcome: 'toString' })]).toEqual([{ outcome: 'full' }, {}]);
  });
});
