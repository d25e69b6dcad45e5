/** What the Robot Picker decides, apart from how it looks. Pure. */

import type { LiveRobot } from '../../live/frames';
import { label } from '../words';

export type Mode = 'local' | 'cloud';

/** Any is the choice that leaves the robot to placement. */
export const Any = '*';

export type RobotStatus = 'offline' | 'online' | 'busy' | 'error' | 'maintenance' | 'paused' | 'draining';

export interface PickerRobot {
  id: string;
  name: string;
  hostname: string;
  status: RobotStatus;
  environment: string;
  capabilities: readonly string[];
  currentJobs: number;
  maxJobs: number;
  reason?: string; // why it has this status, where somebody said so
}

/** Capability is a word of the fleet, its letter in the list and its filter. A new one is one line. */
export interface Capability {
  word: string;
  letter: string;
  name: string;
  filter: string;
}

export const capabilities: readonly Capability[] = [
  { word: 'browser', letter: 'B', name: 'Browser', filter: 'Browser Capable' },
  { word: 'desktop', letter: 'D', name: 'Desktop', filter: 'Desktop Capable' },
  { word: 'gpu', letter: 'G', name: 'GPU', filter: 'GPU Available' },
  { word: 'high_memory', letter: 'M', name: 'High memory', filter: 'High Memory' },
  { word: 'secure', letter: 'S', name: 'Secure', filter: 'Secure Zone' },
  { word: 'cloud', letter: 'C', name: 'Cloud', filter: 'Cloud Hosted' },
  { word: 'on_premise', letter: 'P', name: 'On-premise', filter: 'On-Premise' },
];

export const AllRobots = 'All Robots';
export const filters: readonly string[] = [AllRobots, ...capabilities.map((c) => c.filter)];

export function matches(r: PickerRobot, filter: string): boolean {
  const c = capabilities.find((x) => x.filter === filter);
  return c === undefined || r.capabilities.includes(c.word);
}

export const known = (r: PickerRobot): Capability[] => capabilities.filter((c) => r.capabilities.includes(c.word));
export const further = (r: PickerRobot): string[] => r.capabilities.filter((w) => !capabilities.some((c) => c.word === w));

/** takes says whether a robot can take a job at this moment. */
export const takes = (r: PickerRobot): boolean => r.status === 'online' && r.currentJobs < r.maxJobs;

/** unfit says why a robot cannot run a job now; undefined: it can. A busy one is a matter of waiting. */
export function unfit(r: PickerRobot): string | undefined {
  const because = r.reason ? `: ${r.reason}` : '';
  switch (r.status) {
    case 'offline':
      return `${r.name} is offline`;
    case 'error':
      return `${r.name} reports an error${because}`;
    case 'maintenance':
      return `${r.name} is in maintenance${because}`;
    case 'paused':
      return `${r.name} is paused${because}`;
    case 'draining':
      return `${r.name} takes no more jobs, it drains${because}`;
    default:
      return undefined;
  }
}

export function ordered(robots: readonly PickerRobot[]): PickerRobot[] {
  return [...robots].sort((a, b) => Number(takes(b)) - Number(takes(a)) || compare(a.name, b.name) || compare(a.id, b.id));
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

export type Grouping = 'environment' | 'status' | 'none';

export interface Group {
  name: string; // empty: not grouped
  robots: PickerRobot[];
}

export function grouped(robots: readonly PickerRobot[], by: Grouping): Group[] {
  const sorted = ordered(robots);
  if (by === 'none') return sorted.length > 0 ? [{ name: '', robots: sorted }] : [];
  const groups = new Map<string, PickerRobot[]>();
  for (const r of sorted) {
    const key = by === 'status' ? label(r.status) : r.environment;
    const list = groups.get(key);
    if (list) list.push(r);
    else groups.set(key, [r]);
  }
  return [...groups].sort((a, b) => compare(a[0], b[0])).map(([name, list]) => ({ name, robots: list }));
}

export interface SubmitInput {
  mode: Mode;
  connected: boolean;
  selected: string | null;
  submitting: boolean;
  may?: string | undefined; // why the caller may not, if so
}

export interface SubmitState {
  enabled: boolean;
  label: string;
  reason: string; // as text beside the button; empty: it is enabled
  switches: boolean; // the reason is a link that switches to Cloud
}

/** submitState is the truth table of the button. */
export function submitState(s: SubmitInput): SubmitState {
  const off = (reason: string, switches = false, label = 'Submit to Cloud'): SubmitState => ({ enabled: false, label, reason, switches });
  if (s.submitting) return off('', false, 'Submitting…');
  if (s.mode === 'local') return off('Switch to Cloud to submit', true);
  if (!s.connected) return off('Not connected to an orchestrator');
  if (s.may) return off(s.may);
  if (s.selected === null) return off('Select a robot');
  return { enabled: true, label: 'Submit to Cloud', reason: '', switches: false };
}

/** firstMode is where the panel starts: Local, unless nothing runs here. */
export const firstMode = (localEnabled: boolean): Mode => (localEnabled ? 'local' : 'cloud');

/** afterMode is what stays selected: Local clears. */
export const afterMode = (mode: Mode, selected: string | null): string | null => (mode === 'local' ? null : selected);

export const cut = (text: string, most = 25): string => (text.length <= most ? text : `${text.slice(0, most - 1)}…`);

/** countLine says how many are shown, and how many can take a job: now, or when the connection was there last. */
export function countLine(all: readonly PickerRobot[], shown: readonly PickerRobot[], asOf?: string): string {
  const n = shown.filter(takes).length;
  return `${shown.length} of ${all.length} robot${all.length === 1 ? '' : 's'} shown · ${n} ${asOf ? `could take a job at ${asOf}` : 'can take a job'}`;
}

/** ofFleet is a robot of the live list as the picker shows it. */
export const ofFleet = (r: LiveRobot): PickerRobot => ({
  id: r.robot_id,
  name: r.name || r.robot_id,
  hostname: r.hostname,
  status: r.status as PickerRobot['status'],
  environment: r.environment,
  capabilities: r.capabilities,
  currentJobs: r.current_jobs,
  maxJobs: r.max_concurrent_jobs,
  ...(r.reason ? { reason: r.reason } : {}),
});
