import { describe, expect, it } from 'vitest';
import type { Schemas } from '../../api/client';
import { lateWords, merged } from './events';

const event = (seq: number, data?: object) => ({ seq, at: '2026-11-27T10:00:00Z', type: 'job.late_result', data }) as Schemas['Event'];

describe('the events of a job', () => {
  it('stand in the order in which they came, whatever they are about', () => {
    expect(merged({ events: [event(1), event(5)] }, { events: [event(3)] }).map((e) => e.seq)).toEqual([1, 3, 5]);
  });

  it('say what a robot told too late', () => {
    expect(lateWords(event(1, { report: 'complete' }))).toMatch(/^Late, at .+: the robot said that it had completed\. It changed nothing\.$/);
    expect(lateWords(event(1, { report: 'failed', message: 'no such invoice' }))).toContain('it had failed (no such invoice).');
    expect(lateWords(event(1))).toContain('said that');
  });
});
