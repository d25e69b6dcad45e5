/** The parts of the page of a robot, as its address names them. Pure. */
export const tabs = ['overview', 'jobs', 'metrics', 'logs', 'commands', 'config', 'events'] as const;
export type Tab = (typeof tabs)[number];

export const spans = ['15m', '1h', '6h', '24h', '7d'] as const;
export type Span = (typeof spans)[number];

export interface RobotTab {
  tab?: string;
  range?: string;
}

/** robotTab keeps what the page knows of its address; anything else is dropped. */
export function robotTab(s: Record<string, unknown>): RobotTab {
  const out: RobotTab = {};
  if (tabs.some((t) => t === s.tab) && s.tab !== 'overview') out.tab = s.tab as string;
  if (spans.some((x) => x === s.range) && s.range !== '1h') out.range = s.range as string;
  return out;
}
