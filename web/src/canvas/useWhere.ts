import { useState } from 'react';
import { Any, afterMode, firstMode, type Mode } from '../parts/RobotPicker';
import type { CanvasSearch } from './search';
import type { Fleet } from './useFleet';

/** Where is on which machine the workflow is to run: this one, or a robot of the fleet. */
export interface Where {
  mode: Mode;
  robot: string | null; // its id, or Any
  local: { enabled: boolean; host: string; reason: string };
  label: string; // of the button that runs it
  title: string;
  setMode: (m: Mode) => void;
  setRobot: (id: string | null) => void;
}

/** useWhere keeps the choice of the Robot Picker, in the address too. Local, which comes first where it is possible, clears the robot. */
export function useWhere(fleet: Fleet, robotName: (id: string) => string, search: CanvasSearch, onSearch: (change: CanvasSearch) => void): Where {
  const [chosen, setChosen] = useState<Mode | undefined>(search.mode);
  const [robot, setRobot] = useState<string | null>(search.robot ?? null);
  const here = fleet.meta?.local;
  const local = { enabled: here?.enabled ?? false, host: here?.host ?? '', reason: here?.reason ?? '' };
  const mode: Mode = chosen ?? (fleet.meta ? firstMode(local.enabled) : 'local');
  return {
    mode,
    robot,
    local,
    label: mode === 'local' ? 'Run locally' : robot === null ? 'Run…' : robot === Any ? 'Run on any robot' : `Run on ${robotName(robot)}`,
    title: mode === 'local' ? `Runs on ${local.host} (Ctrl Enter)` : 'Submit to the fleet (Ctrl Enter)',
    setMode: (m) => {
      setChosen(m);
      const next = afterMode(m, robot);
      setRobot(next);
      onSearch({ mode: m, robot: next ?? undefined, panel: 'picker' });
    },
    setRobot: (id) => {
      setRobot(id);
      onSearch({ robot: id ?? undefined });
    },
  };
}
