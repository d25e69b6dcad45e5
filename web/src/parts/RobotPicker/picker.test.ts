import { describe, expect, it } from 'vitest';
import * as p from './picker';

const robot = (id: string, over: Partial<p.PickerRobot> = {}): p.PickerRobot => ({
  id,
  name: id,
  hostname: `${id}.local`,
  status: 'online',
  environment: 'default',
  capabilities: [],
  currentJobs: 0,
  maxJobs: 1,
  ...over,
});

describe('the eight filters', () => {
  it('stand in the order and wording of the specification', () => {
    expect(p.filters).toEqual([
      'All Robots',
      'Browser Capable',
      'Desktop Capable',
      'GPU Available',
      'High Memory',
      'Secure Zone',
      'Cloud Hosted',
      'On-Premise',
    ]);
    expect(p.capabilities.map((c) => c.letter).join('')).toBe('BDGMSCP');
  });
  it.each(p.capabilities.map((c) => [c.filter, c.word]))('%s keeps robots with %s', (filter, word) => {
    expect(p.matches(robot('a', { capabilities: [word] }), filter)).toBe(true);
    expect(p.matches(robot('a', { capabilities: ['other'] }), filter)).toBe(false);
    expect(p.matches(robot('a'), p.AllRobots)).toBe(true);
  });
});

describe('mode', () => {
  it('starts as Local where something runs here, else as Cloud', () => {
    expect(p.firstMode(true)).toBe('local');
    expect(p.firstMode(false)).toBe('cloud');
  });
  it('Local clears the selection', () => {
    expect(p.afterMode('local', 'bot-1')).toBeNull();
    expect(p.afterMode('cloud', 'bot-1')).toBe('bot-1');
  });
});

describe('the submit button', () => {
  const rows: [p.Mode, boolean, string | null, boolean, boolean, string][] = [];
  for (const mode of ['local', 'cloud'] as const)
    for (const connected of [true, false])
      for (const selected of [null, 'bot-1', p.Any])
        for (const submitting of [true, false]) {
          const enabled = mode === 'cloud' && connected && selected !== null && !submitting;
          const reason =
            submitting || enabled ? '' : mode === 'local' ? 'Switch to Cloud to submit' : !connected ? 'Not connected to an orchestrator' : 'Select a robot';
          rows.push([mode, connected, selected, submitting, enabled, reason]);
        }
  it.each(rows)('%s, connected %s, selected %s, submitting %s', (mode, connected, selected, submitting, enabled, reason) => {
    const s = p.submitState({ mode, connected, selected, submitting });
    expect(s.enabled).toBe(enabled);
    expect(s.reason).toBe(reason);
    expect(s.label).toBe(submitting ? 'Submitting…' : 'Submit to Cloud');
    expect(s.switches).toBe(reason === 'Switch to Cloud to submit');
  });
});

describe('robots', () => {
  it('those that can take a job come first, then by name', () => {
    const list = [robot('c', { status: 'busy', currentJobs: 1 }), robot('b'), robot('a', { status: 'offline' }), robot('d', { maxJobs: 2, currentJobs: 1 })];
    expect(p.ordered(list).map((r) => r.id)).toEqual(['b', 'd', 'a', 'c']);
    expect(p.countLine(list, list)).toBe('4 of 4 robots shown · 2 can take a job');
  });
  it('are grouped by environment, by status or not', () => {
    const list = [robot('a', { environment: 'z' }), robot('b', { environment: 'lab', status: 'offline' })];
    expect(p.grouped(list, 'environment').map((g) => g.name)).toEqual(['lab', 'z']);
    expect(p.grouped(list, 'status').map((g) => g.name)).toEqual(['Offline', 'Online']);
    expect(p.grouped(list, 'none')).toHaveLength(1);
  });
  it('that cannot run a job say why', () => {
    for (const status of ['offline', 'error', 'maintenance', 'paused', 'draining'] as const) expect(p.unfit(robot('a', { status }))).toContain('a ');
    expect(p.unfit(robot('a'))).toBeUndefined();
    expect(p.unfit(robot('a', { status: 'busy' }))).toBeUndefined();
    expect(p.unfit(robot('a', { status: 'maintenance', reason: 'disk' }))).toBe('a is in maintenance: disk');
  });
  it('addresses are cut at 25 characters', () => {
    expect(p.cut('https://orchestrator.example.com')).toHaveLength(25);
    expect(p.cut('http://localhost:8000')).toBe('http://localhost:8000');
  });
});
