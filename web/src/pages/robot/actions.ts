/** What can be done with robots, from the menu of a row, by key, and from the peek. */
import { useNavigate } from '@tanstack/react-router';
import { useMemo, useState } from 'react';
import { call, type Schemas } from '../../api/client';
import type { LiveRobot } from '../../live/frames';
import { type Act, useAct } from '../../parts/act';
import type { Command } from '../../parts/keys';
import { later } from '../../parts/later';
import { fleet } from '../../parts/live';
import type { Item } from '../../parts/RowMenu';
import { useMay } from '../../parts/session';
import type { BulkKind } from './bulk';
import { useStable } from './use';
import type { Choice } from './useChoice';

export interface Asked {
  kind: BulkKind;
  ids: readonly string[];
}

export interface Actions {
  items: (r: LiveRobot) => readonly Item[];
  commands: (id: string | undefined, row: (id: string) => LiveRobot | undefined) => readonly Command[];
  maintenance: (id: string) => void;
}

export interface Acting {
  actions: Actions;
  asked: Asked | undefined;
  ask: (kind: BulkKind, ids: readonly string[]) => void;
  close: () => void;
  editing: string | undefined;
  running: string | undefined;
  told: LiveRobot | undefined; // whose commands are shown
  act: Act;
  may: boolean;
  manage: boolean;
}

const noOperate = 'Your role can see robots but not operate them.';

/** useActions keeps what was asked for. chosen gives the ids on which a key acts, the row's own if none are chosen. */
export function useActions(choice: Choice, chosen: () => readonly string[]): Acting {
  const may = useMay('robots:operate') ?? false;
  const manage = useMay('robots:manage') ?? false;
  const run = useMay('jobs:run') ?? false;
  const [asked, setAsked] = useState<Asked>();
  const [editing, setEditing] = useState<string>();
  const [running, setRunning] = useState<string>();
  const [told, setTold] = useState<LiveRobot>();
  const act = useAct();
  const navigate = useNavigate();
  const ask = useStable((kind: BulkKind, ids: readonly string[]) => ids.length > 0 && setAsked({ kind, ids }));
  const now = (id: string, what: string) =>
    void act.run(
      'Asking…',
      () => call<Schemas['RobotCommand']>('POST', `/robots/${encodeURIComponent(id)}/${what}`, {}),
      (a) => `${id}: ${a.message}`,
    );
  const items = useStable((r: LiveRobot): readonly Item[] => {
    const id = r.robot_id;
    const why = may ? {} : { why: noOperate };
    const still = r.mode !== 'active';
    return [
      { name: 'Run workflow here…', run: () => setRunning(id), ...(run ? {} : { why: 'Your role may not run jobs.' }) },
      still
        ? { name: 'Resume', keys: 'p', run: () => now(id, 'resume'), apart: true, ...why }
        : { name: 'Pause…', keys: 'p', run: () => ask('pause', [id]), apart: true, ...why },
      { name: 'Drain…', run: () => ask('drain', [id]), ...why },
      { name: 'Maintenance…', keys: 'm', run: () => ask('maintenance', [id]), ...why },
      { name: 'Start', run: () => now(id, 'start'), ...why },
      { name: 'Restart…', keys: 'Shift R', run: () => ask('restart', [id]), ...why },
      { name: 'Stop…', keys: 'Shift S', run: () => ask('stop', [id]), ...why },
      { name: 'Logs', run: () => void navigate({ to: '/fleet/robots/$id', params: { id }, search: { tab: 'logs' } }), apart: true },
      { name: 'Edit…', run: () => setEditing(id), ...(manage ? {} : { why: 'This needs the permission robots:manage.' }) },
      { name: 'Copy as CLI…', keys: 'Shift C', run: () => setTold(r) },
      {
        name: 'Delete',
        apart: true,
        run: () =>
          later(
            `${r.name || id} is deleted in a moment.`,
            () =>
              void act.run(
                'Deleting…',
                () => call('DELETE', `/robots/${encodeURIComponent(id)}`).then(() => true),
                () => `${r.name || id} is deleted.`,
              ),
          ),
        ...(manage ? {} : { why: 'This needs the permission robots:manage.' }),
      },
    ];
  });
  const commands = useStable((id: string | undefined, row: (id: string) => LiveRobot | undefined): readonly Command[] => {
    const why = may ? {} : { why: noOperate };
    const on = () => (choice.count > 0 ? chosen() : id === undefined ? [] : [id]);
    const by = (k: BulkKind) => () => ask(k, on());
    const paused = id !== undefined && row(id)?.mode !== 'active';
    const group = 'The row, or those that are chosen';
    return [
      { name: 'Maintenance…', group, keys: 'm', run: by('maintenance'), ...why },
      { name: paused ? 'Resume…' : 'Pause…', group, keys: 'p', run: by(paused ? 'resume' : 'pause'), ...why },
      { name: 'Restart…', group, keys: 'Shift R', run: by('restart'), ...why },
      { name: 'Stop…', group, keys: 'Shift S', run: by('stop'), ...why },
      ...(id === undefined ? [] : [{ name: 'Copy as CLI…', group: 'The row', keys: 'Shift C', run: () => setTold(row(id)) }]),
    ];
  });
  const maintenance = useStable((id: string) => (may ? ask('maintenance', [id]) : act.say(noOperate)));
  const actions = useMemo(() => ({ items, commands, maintenance }), [items, commands, maintenance]);
  return {
    actions,
    asked,
    ask,
    close: () => {
      setAsked(undefined);
      setEditing(undefined);
      setRunning(undefined);
      setTold(undefined);
    },
    editing,
    running,
    told,
    act,
    may,
    manage,
  };
}

/** chosenIds are the ids of a choice; all that match are those that match now. */
export const chosenIds = (choice: Choice, matching: () => readonly LiveRobot[]): readonly string[] =>
  choice.isAll ? matching().map((r) => r.robot_id) : [...choice.ids].filter((id) => fleet.row(id) !== undefined);
