import type { Mode } from '../parts/RobotPicker';

export type Panel = 'node' | 'placement' | 'picker';

/** CanvasSearch is what the address says of the page. */
export interface CanvasSearch {
  node?: string | undefined;
  panel?: Panel | undefined;
  run?: string | undefined; // id of a job, or local:ID
  robot?: string | undefined;
  mode?: Mode | undefined;
}

const panels: readonly Panel[] = ['node', 'placement', 'picker'];

/** canvasSearch keeps what the canvas knows of its address; anything else is dropped. */
export function canvasSearch(s: Record<string, unknown>): CanvasSearch {
  const out: CanvasSearch = {};
  for (const k of ['node', 'run', 'robot'] as const) {
    const v = s[k];
    if (typeof v === 'string' && v !== '') out[k] = v;
  }
  const panel = panels.find((p) => p === s.panel);
  if (panel) out.panel = panel;
  if (s.mode === 'local' || s.mode === 'cloud') out.mode = s.mode;
  return out;
}
