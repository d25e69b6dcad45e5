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
