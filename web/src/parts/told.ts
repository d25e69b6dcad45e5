/** What can be done with a thing as commands of a terminal and as questions to the API, the most likely first. Pure. */
import type { Schemas } from '../api/client';

/** Told is one thing to do, in both forms. Words in capitals are for whoever pastes it. */
export interface Told {
  name: string;
  cli: string;
  curl: string;
}

type Ask = readonly [method: string, path: string, body?: Readonly<Record<string, unknown>>];

const told =
  (origin: string) =>
  (name: string, cli: string, [method, path, body]: Ask): Told => ({
    name,
    cli,
    curl: [
      'curl',
      ...(method === 'GET' ? [] : ['-X', method]),
      '-H "Authorization: Bearer $FLEET_KEY"',
      ...(body ? [`--json '${JSON.stringify(body)}'`] : []),
      quoted(`${origin}/api/v1${path}`),
    ].join(' '),
  });

const quoted = (t: string): string => (/^[\w.:/%-]+$/.test(t) ? t : `'${t.replaceAll("'", "'\\''")}'`);

/** jobCommands are those of a job. What it is likely to need depends on how it stands. */
export function jobCommands(j: Pick<Schemas['JobLine'], 'job_id' | 'status' | 'workflow'>, origin: string): Told[] {
  const id = j.job_id;
  const of = `/jobs/${encodeURIComponent(id)}`;
  const say = told(origin);
  const cancel = say('Cancel', `fleet job cancel ${id}`, ['POST', `${of}/cancel`, {}]);
  const force = say('Force stop', `fleet job cancel ${id} --force`, ['POST', `${of}/cancel`, { force: true }]);
  const look = [
    say('Show', `fleet job get ${id}`, ['GET', of]),
    say('Log', `fleet job log ${id}`, ['GET', `${of}/log`]),
    say('Attempts', `fleet job attempts ${id}`, ['GET', `${of}/attempts`]),
  ];
  const watch = say('Stay with it until it has ended', `fleet job watch ${id}`, ['GET', of]);
  const steps = say('Timeline', `fleet job steps ${id}`, ['GET', `${of}/timeline`]);
  switch (j.status) {
    case 'pending':
      return [
        cancel,
        say('Set priority', `fleet job priority ${id} --to 5`, ['POST', `${of}/priority`, { priority: 5 }]),
        say('Move to a robot', `fleet job move ${id} --robot ROBOT`, ['POST', `${of}/move`, { target_robot_id: 'ROBOT' }]),
        say('Let any robot take it', `fleet job move ${id} --any`, ['POST', `${of}/move`, { target_robot_id: 'any' }]),
        say('Say why it waits', `fleet job explain ${id}`, ['GET', `${of}/explain`]),
        watch,
        ...look,
      ];
    case 'assigned':
    case 'running':
      return [cancel, force, watch, say('Follow its log', `fleet job log ${id} --follow`, ['GET', `${of}/log`]), steps, ...look];
    case 'cancelling':
      return [force, watch, steps, ...look];
    case 'needs_decision':
      return [
        ...(['retry', 'complete', 'fail', 'cancel'] as const).map((d) =>
          say(`Decide: ${d}`, `fleet job decide ${id} ${d} --reason TEXT`, ['POST', `${of}/decide`, { decision: d, reason: 'TEXT' }]),
        ),
        ...look,
        steps,
      ];
    case 'completed': {
      const flow = j.workflow.workflow_id;
      return [say('Run its workflow again', `fleet job submit --workflow-id ${flow}`, ['POST', '/jobs', { workflow_id: flow }]), ...look, steps];
    }
    default:
      return [
        say('Retry', `fleet job retry ${id}`, ['POST', `${of}/retry`, {}]),
        say('Retry on the same robot', `fleet job retry ${id} --robot same`, ['POST', `${of}/retry`, { robot: 'same' }]),
        ...look,
        steps,
      ];
  }
}

/** robotCommands are those of a robot: what puts it back to work first, if it is out of service. */
export function robotCommands(r: { robot_id: string; mode: string }, origin: string): Told[] {
  const id = r.robot_id;
  const name = quoted(id);
  const of = `/robots/${encodeURIComponent(id)}`;
  const say = told(origin);
  const post = (word: string, what: string) => say(word, `fleet robot ${what} ${name}`, ['POST', `${of}/${what}`, {}]);
  const modes = [
    say('Pause', `fleet robot pause ${name} --for 1h`, ['POST', `${of}/pause`, { for_seconds: 3600 }]),
    post('Drain', 'drain'),
    post('Maintenance', 'maintenance'),
  ];
  return [
    ...(r.mode === 'active' ? modes : [post('Resume', 'resume'), ...modes]),
    post('Restart', 'restart'),
    post('Stop', 'stop'),
    say('Run a workflow on it', `fleet job submit --workflow-id WORKFLOW --robot ${name}`, ['POST', '/jobs', { workflow_id: 'WORKFLOW', target_robot_id: id }]),
    say('Show', `fleet robot get ${name}`, ['GET', of]),
    say('Logs', `fleet robot logs ${name}`, ['GET', `${of}/logs`]),
    say('Health', `fleet robot health ${name}`, ['GET', `${of}/health`]),
    say('What was asked of it', `fleet robot commands ${name}`, ['GET', `${of}/commands`]),
    say('Delete', `fleet robot delete ${name}`, ['DELETE', of]),
  ];
}
