/** What the palette finds. Pure. */
import type { Schemas } from '../api/client';
import { label } from './words';

type Found = Schemas['Found'];

type Kind = 'robot' | 'workflow' | 'job' | 'schedule' | 'queue';

const nouns: Record<Kind, { group: string; key: string }> = {
  robot: { group: 'Robots', key: 'r' },
  workflow: { group: 'Workflows', key: 'w' },
  job: { group: 'Jobs', key: 'j' },
  schedule: { group: 'Schedules', key: 's' },
  queue: { group: 'Queues', key: 'q' },
};

/** targetOf is what the server has found, with its kind in words. */
export function targetOf(f: Found): Omit<Target, 'run'> {
  const { group, key } = nouns[f.kind as Kind];
  const job = f.kind === 'job';
  return { key: key + f.id, group, name: job ? `${f.name} …${f.id.slice(-8)}` : f.name, more: job && f.status ? label(f.status) : label(f.kind), words: f.id };
}

/** leads is the page of a thing. */
export const leads = (f: Found) =>
  ({
    robot: { to: '/fleet/robots/$id', params: { id: f.id }, search: {} } as const,
    workflow: { to: '/workflows/$id', params: { id: f.id }, search: {} } as const,
    job: { to: '/fleet/jobs/$id', params: { id: f.id }, search: {} } as const,
    schedule: { to: '/fleet/schedules/$id', params: { id: f.id }, search: {} } as const,
    queue: { to: '/fleet/queues/$id', params: { id: f.id }, search: {} } as const,
  })[f.kind as Kind];

export interface Target {
  key: string;
  group: string;
  name: string;
  more?: string; // beside the name
  keys?: string;
  words?: string; // that find it too
  run: () => void;
}

const most = 8; // of one group, when something was typed

/** rank says how well a text fits: 0 best, undefined not at all. */
export function rank(t: Target, q: string): number | undefined {
  const name = t.name.toLowerCase();
  if (name === q) return 0;
  if (name.startsWith(q)) return 1;
  if (name.split(/[\s_./-]+/).some((w) => w.startsWith(q))) return 2;
  if (name.includes(q)) return 3;
  if ((t.words ?? '').toLowerCase().includes(q)) return 4;
  return undefined;
}

/** find is what fits, in the order of the groups, the best of each first. */
export function find(all: readonly Target[], text: string, groups: readonly string[]): Target[] {
  const q = text.trim().toLowerCase();
  return groups.flatMap((g) => {
    const own = all.filter((t) => t.group === g);
    if (q === '') return own.slice(0, most);
    return own
      .map((t) => ({ t, r: rank(t, q) }))
      .filter((x): x is { t: Target; r: number } => x.r !== undefined)
      .sort((a, b) => a.r - b.r)
      .slice(0, most)
      .map((x) => x.t);
  });
}

/** asCommand is what a page shows as a command in a terminal and as a question to the API. */
export function asCommand(path: string, origin: string): { cli: string; curl: string } | undefined {
  const m = /^\/fleet\/(robots|jobs|schedules|triggers|queues)(?:\/([^/]+))?$/.exec(path);
  const noun = m?.[1];
  if (!noun) return path === '/workflows' ? { cli: 'fleet workflow list', curl: curl(`${origin}/api/v1/workflows`) } : undefined;
  const id = m[2];
  const word = noun.slice(0, -1);
  return { cli: id ? `fleet ${word} get ${id}` : `fleet ${word} list`, curl: curl(`${origin}/api/v1/${noun}${id ? `/${id}` : ''}`) };
}

const curl = (url: string) => `curl -H "Authorization: Bearer $FLEET_KEY" ${url}`;
