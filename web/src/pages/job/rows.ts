/** What the list of jobs decides. Pure. */
export const jobStatuses = ['pending', 'assigned', 'running', 'cancelling', 'needs_decision', 'completed', 'failed', 'cancelled', 'timeout'] as const;

export interface JobSearch {
  status?: string;
}

export function jobSearch(s: Record<string, unknown>): JobSearch {
  return jobStatuses.some((w) => w === s.status) ? { status: s.status as string } : {};
}

export const final = (status: string): boolean => ['completed', 'failed', 'cancelled', 'timeout'].includes(status);
export const stoppable = (status: string): boolean => ['pending', 'assigned', 'running'].includes(status);

export const left = ['timeline', 'graph', 'steps'] as const;
export const right = ['log', 'variables', 'attempts', 'events', 'raw'] as const;

/** DetailSearch is what the address of a job says: which tabs are open, which node is chosen, which line of the log. */
export interface DetailSearch {
  tab?: (typeof left)[number];
  pane?: (typeof right)[number];
  node?: string;
  line?: string; // ATTEMPT.LINE
}

export function detailSearch(s: Record<string, unknown>): DetailSearch {
  const out: DetailSearch = {};
  const tab = left.find((t) => t === s.tab);
  const pane = right.find((t) => t === s.pane);
  if (tab) out.tab = tab;
  if (pane) out.pane = pane;
  if (typeof s.node === 'string' && s.node) out.node = s.node;
  const line = typeof s.line === 'number' ? String(s.line) : s.line;
  if (typeof line === 'string' && lineOf(line)) out.line = line;
  return out;
}

/** lineOf reads ATTEMPT.LINE. */
export function lineOf(text: string | undefined): { epoch: number; line: number } | undefined {
  const m = /^(\d{1,9})\.(\d{1,12})$/.exec(text ?? '');
  const [epoch, line] = [Number(m?.[1]), Number(m?.[2])];
  return m && epoch > 0 && line > 0 ? { epoch, line } : undefined;
}
