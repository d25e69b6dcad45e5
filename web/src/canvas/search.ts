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
