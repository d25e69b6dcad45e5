import { describe, expect, it } from 'vitest';
import { phaseOf } from './phase';

describe('the connection', () => {
  it('is no better than that of the canvas to its orchestrator', () => {
    expect(phaseOf('live', false, undefined)).toBe('live');
    expect(phaseOf('live', false, { state: 'connected' })).toBe('live');
    expect(phaseOf('live', false, { state: 'offline' })).toBe('offline');
    expect(phaseOf('idle', false, { state: 'offline' })).toBe('offline');
    expect(phaseOf('idle', false, { state: 'refused' })).toBe('refused');
    expect(phaseOf('live', false, { state: 'connecting' })).toBe('connecting');
  });

  it('is lost when the server does not answer, unless the stream stands', () => {
    expect(phaseOf('idle', true, undefined)).toBe('offline');
    expect(phaseOf('live', true, undefined)).toBe('live');
  });
});
