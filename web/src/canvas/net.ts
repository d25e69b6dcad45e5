/** What the canvas asks of the server that served it. Documents go as text, so that no number changes. */
import { withTenant } from '../api/client';
import type { components } from '../api/schema';
import { asNumber, asText, isObj, type JObj, parseJson, printJson } from './model/json';
import type { Pass } from './passes';

type S = components['schemas'];
export type NodeType = S['NodeType'];
export type NodeTypeList = S['NodeTypeList'];
export type Meta = S['Meta'];
export type Finding = S['Finding'];
export type Validation = S['Validation'];
export type Segment = S['SegmentPlan'];
export type Job = S['JobDetail'];
export type LogLine = S['LogLine'];
export type LocalRun = S['LocalRun'];
export type Link = S['Link'];
export type Robot = S['Robot'];
export type Workflow = S['Workflow'];
export type WorkflowVersion = S['WorkflowVersion'];
export type Me = S['Me'];

const base = '/api/v1';

/** Trouble is an answer that is no success, in the server's words. */
export class Trouble extends Error {
  constructor(
    message: string,
    readonly status: number,
    readonly code: string,
    readonly fix: string,
    readonly requestId: string,
  ) {
    super(message);
  }
}

export async function text(method: string, path: string, body?: string, signal?: AbortSignal): Promise<string> {
  let resp: Response;
  const headers: Record<string, string> = {};
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  if (method === 'POST') headers['Idempotency-Key'] = crypto.randomUUID();
  try {
    resp = await fetch(base + withTenant(path), { method, headers, body: body ?? null, signal: signal ?? null });
  } catch (e) {
    if (signal?.aborted) throw e;
    throw new Trouble('The server does not answer.', 0, 'no_answer', 'Look whether the program still runs.', '');
  }
  const got = await resp.text();
  if (resp.ok) return got;
  let p: { detail?: string; code?: string; fix?: string; request_id?: string } = {};
  try {
    p = JSON.parse(got) as typeof p;
  } catch {
    // a proxy has answered
  }
  throw new Trouble(p.detail ?? `The server answered ${resp.status}.`, resp.status, p.code ?? '', p.fix ?? '', p.request_id ?? '');
}

export async function json<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  const got = await text(method, path, body === undefined ? undefined : JSON.stringify(body), signal);
  return (got === '' ? undefined : JSON.parse(got)) as T;
}

/** around writes an object whose member workflow_json is a document that stays as it is. */
function around(doc: string, rest: Record<string, unknown>): string {
  const head = JSON.stringify(rest);
  return `${head === '{}' ? '{' : `${head.slice(0, -1)},`}"workflow_json":${doc}}`;
}

export const nodeTypes = () => json<NodeTypeList>('GET', '/node-types');
export const meta = () => json<Meta>('GET', '/meta');
export const me = () => json<Me>('GET', '/me');
export const validate = (doc: string, signal?: AbortSignal) => text('POST', '/workflows/validate', doc, signal).then((t) => JSON.parse(t) as Validation);

export interface Stored {
  id: string;
  name: string;
  version: number;
  doc: JObj;
}

/** workflow fetches a version with its document; 0: the newest. */
export async function workflow(id: string, version = 0): Promise<Stored> {
  const at = encodeURIComponent(id);
  const [v, wf] = await Promise.all([text('GET', `/workflows/${at}/versions/${version || 'latest'}`), json<Workflow>('GET', `/workflows/${at}`)]);
  const got = parseJson(v);
  const doc = isObj(got) ? got.get('workflow_json') : undefined;
  if (!isObj(got) || !isObj(doc)) throw new Trouble('The answer holds no workflow.', 200, 'no_workflow', '', '');
  return { id, name: wf.workflow_name, version: asNumber(got.get('version')) ?? 0, doc };
}

export const workflows = (cursor = '') =>
  json<{ workflows: Workflow[]; next_cursor?: string }>('GET', `/workflows?limit=200${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`);
export const versions = (id: string) => json<{ versions: WorkflowVersion[] }>('GET', `/workflows/${encodeURIComponent(id)}/versions`);

export async function publish(name: string, doc: string, baseVersion: number): Promise<{ id: string; version: number; warnings: string[] }> {
  const got = JSON.parse(await text('PUT', '/workflows', around(doc, { workflow_name: name, base_version: baseVersion }))) as S['StoredWorkflow'];
  return { id: got.workflow_id, version: got.version, warnings: got.warnings };
}

export type LocalFile = S['LocalFile'];
export const files = () => json<S['LocalFileList']>('GET', '/local/files');
export const openFile = (path: string) => json<LocalFile>('GET', `/local/files/open?path=${encodeURIComponent(path)}`);
export const saveFile = (path: string, content: string, etag: string) =>
  json<LocalFile>('PUT', '/local/files', { path, text: content, ...(etag ? { etag } : {}) });

export const startLocal = (doc: string, name: string, file: string, inputs: unknown) =>
  text('POST', '/local/runs', around(doc, { workflow_name: name, ...(file ? { file } : {}), ...(inputs ? { inputs } : {}) })).then(
    (t) => JSON.parse(t) as LocalRun,
  );
export const localRun = (id: string, after: number, signal?: AbortSignal) =>
  json<LocalRun>('GET', `/local/runs/${id}?after=${after}&wait_ms=${after > 0 ? 20000 : 0}`, undefined, signal);
export const localLog = (id: string, from: number, signal?: AbortSignal) =>
  json<S['LogPage']>('GET', `/local/runs/${id}/log?from_line=${from}&limit=1000`, undefined, signal);
export const cancelLocal = (id: string) => json<LocalRun>('POST', `/local/runs/${id}/cancel`);
export const connect = (url: string, key: string) => json<Link>('POST', '/local/connection', key ? { url, key } : { url });

export const submit = (doc: string, name: string, robot: string | undefined, inputs: unknown) =>
  text(
    'POST',
    '/jobs',
    around(doc, { ...(name ? { workflow_name: name } : {}), ...(robot ? { target_robot_id: robot } : {}), ...(inputs ? { inputs } : {}) }),
  ).then((t) => JSON.parse(t) as Job);
export const job = (id: string, signal?: AbortSignal) => json<Job>('GET', `/jobs/${encodeURIComponent(id)}`, undefined, signal);
export const jobLog = (id: string, epoch: number, line: number, signal?: AbortSignal) =>
  json<S['LogPage']>('GET', `/jobs/${encodeURIComponent(id)}/log?epoch=${epoch}&from_line=${line}&limit=1000`, undefined, signal);
export const cancelJob = (id: string) => json<unknown>('POST', `/jobs/${encodeURIComponent(id)}/cancel`, {});

/** steps are those of a job, or of the segments that it is cut into; undefined: this orchestrator keeps none. */
export async function steps(j: Pick<Job, 'job_id' | 'segment_jobs'>, signal?: AbortSignal): Promise<Pass[] | undefined> {
  const parts = j.segment_jobs ?? [];
  if (parts.length === 0) return stepsOf(j.job_id, 0, signal);
  const out: Pass[] = [];
  for (const [i, p] of parts.entries()) {
    const more = await stepsOf(p.job_id, i + 1, signal);
    if (more === undefined) return undefined;
    out.push(...more);
  }
  return out;
}

/** mostSteps is how many executions of nodes are read of one job. */
export const mostSteps = 100_000;

async function stepsOf(id: string, part: number, signal?: AbortSignal): Promise<Pass[] | undefined> {
  const out: Pass[] = [];
  try {
    for (let epoch = 1, from = 1; out.length < mostSteps; ) {
      const p = await json<S['StepPage']>('GET', `/jobs/${encodeURIComponent(id)}/steps?epoch=${epoch}&from_step=${from}&limit=5000`, undefined, signal);
      for (const s of p.steps) out.push({ ...s, part });
      if (p.steps.length < 5000) break;
      [epoch, from] = [p.next_epoch, p.next_step];
    }
    return out;
  } catch (e) {
    if (e instanceof Trouble && e.status === 404) return undefined;
    throw e;
  }
}

export type JobRow = S['JobLine'];
/** jobsOf are the newest runs of a workflow. */
export const jobsOf = (workflow: string, signal?: AbortSignal) =>
  json<{ jobs: JobRow[] }>('GET', `/jobs?workflow_id=${encodeURIComponent(workflow)}&limit=20`, undefined, signal).then((p) => p.jobs);
export const localRuns = (signal?: AbortSignal) => json<S['LocalRunList']>('GET', '/local/runs', undefined, signal).then((p) => p.runs);

/** robots lists all robots, page by page. */
export async function robots(signal?: AbortSignal): Promise<Robot[]> {
  const out: Robot[] = [];
  let cursor = '';
  do {
    const p = await json<{ robots: Robot[]; next_cursor?: string }>(
      'GET',
      `/robots?limit=500${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`,
      undefined,
      signal,
    );
    out.push(...p.robots);
    cursor = p.next_cursor ?? '';
  } while (cursor !== '' && out.length < 20000);
  return out;
}

export type Explanation = S['JobExplanation'];

/** preview asks placement which robots fit. Capabilities of the document are added by the caller. */
export async function preview(place: JObj, signal?: AbortSignal): Promise<Explanation> {
  const p: JObj = new Map(place);
  const robot = asText(p.get('robot_id'));
  const inner = p.get('placement');
  const asked: JObj = new Map(isObj(inner) ? inner : []);
  const caps = p.get('required_capabilities');
  if (Array.isArray(caps) && caps.length > 0) asked.set('capabilities', caps);
  const body = new Map<string, JObj | string>();
  if (robot) body.set('target_robot_id', robot);
  if (asked.size > 0) body.set('placement', asked);
  return JSON.parse(await text('POST', '/placement/preview', printJson(body as JObj, 0), signal)) as Explanation;
}
