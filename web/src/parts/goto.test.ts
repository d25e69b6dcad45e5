import { describe, expect, it } from 'vitest';
import { asCommand, find, leads, type Target, targetOf } from './goto';

const t = (group: string, name: string, words = ''): Target => ({ key: name, group, name, words, run: () => undefined });

describe('the palette', () => {
  const all = [t('Robots', 'bot-10', 'host-a'), t('Robots', 'bot-1'), t('Pages', 'Robots'), t('Pages', 'API Keys'), t('Robots', 'robust')];
  it('shows the groups in their order, the best first', () => {
    expect(find(all, 'ro', ['Pages', 'Robots']).map((x) => x.name)).toEqual(['Robots', 'robust']);
    expect(find(all, 'BOT-1', ['Pages', 'Robots']).map((x) => x.name)).toEqual(['bot-1', 'bot-10']);
    expect(find(all, 'keys', ['Pages']).map((x) => x.name)).toEqual(['API Keys']);
    expect(find(all, 'host-a', ['Robots']).map((x) => x.name)).toEqual(['bot-10']);
    expect(find(all, ' ', ['Pages']).length).toBe(2);
    expect(find(all, 'zzz', ['Pages', 'Robots'])).toEqual([]);
  });
  it('says what a page is in a terminal', () => {
    expect(asCommand('/fleet/jobs/019a', 'http://x')).toEqual({
      cli: 'fleet job get 019a',
      curl: 'curl -H "Authorization: Bearer $FLEET_KEY" http://x/api/v1/jobs/019a',
    });
    expect(asCommand('/fleet/robots', 'http://x')?.cli).toBe('fleet robot list');
    expect(asCommand('/settings/profile', 'http://x')).toBeUndefined();
  });
});

describe('what the server finds', () => {
  it('says its kind in words and leads to its page', () => {
    expect(targetOf({ kind: 'schedule', id: 's1', name: 'Month end' })).toEqual({
      key: 'ss1',
      group: 'Schedules',
      name: 'Month end',
      more: 'Schedule',
      words: 's1',
    });
    expect(targetOf({ kind: 'job', id: '01a2-123456789', name: 'Import', status: 'needs_decision' })).toMatchObject({
      name: 'Import …23456789',
      more: 'Needs decision',
    });
    expect(leads({ kind: 'queue', id: 'q1', name: 'x' })).toEqual({ to: '/fleet/queues/$id', params: { id: 'q1' }, search: {} });
  });
});
