import { describe, expect, it } from 'vitest';
import type { Schemas } from '../api/client';
import { jobCommands, robotCommands } from './told';

const job = (status: string) => ({ job_id: '01-a', status, workflow: { workflow_id: 'w1' } }) as unknown as Schemas['JobLine'];
const first = (status: string) => jobCommands(job(status), 'http://h')[0]?.cli;

describe('things to do as commands', () => {
  it('begins with what a job is likely to need', () => {
    expect(['pending', 'running', 'cancelling', 'failed', 'completed', 'needs_decision'].map(first)).toEqual([
      'fleet job cancel 01-a',
      'fleet job cancel 01-a',
      'fleet job cancel 01-a --force',
      'fleet job retry 01-a',
      'fleet job submit --workflow-id w1',
      'fleet job decide 01-a retry --reason TEXT',
    ]);
    for (const s of ['pending', 'running', 'cancelling', 'failed', 'completed', 'needs_decision', 'moon']) {
      const all = jobCommands(job(s), 'http://h');
      expect(all.map((t) => t.cli)).toContain('fleet job get 01-a');
      expect(new Set(all.map((t) => t.name)).size).toBe(all.length);
    }
  });
  it('asks the API for the same', () => {
    expect(jobCommands(job('cancelling'), 'http://h')[0]?.curl).toBe(
      `curl -X POST -H "Authorization: Bearer $FLEET_KEY" --json '{"force":true}' http://h/api/v1/jobs/01-a/cancel`,
    );
  });
  it('puts a robot back to work first, and quotes what a shell would cut', () => {
    expect(robotCommands({ robot_id: 'r1', mode: 'active' }, 'http://h')[0]?.cli).toBe('fleet robot pause r1 --for 1h');
    expect(robotCommands({ robot_id: 'my r', mode: 'paused' }, 'http://h')[0]).toEqual({
      name: 'Resume',
      cli: "fleet robot resume 'my r'",
      curl: `curl -X POST -H "Authorization: Bearer $FLEET_KEY" --json '{}' http://h/api/v1/robots/my%20r/resume`,
    });
  });
});
