/** Where the panels of the canvas stand: beside the graph or over it. Pure but for what is kept. */

export interface DockPlace {
  side: 'left' | 'right';
  docked: number; // width beside the graph
  floating: boolean;
  x: number; // over the graph, from its left upper corner
  y: number;
  width: number;
  height: number;
}

export interface Room {
  width: number;
  height: number;
}

/** No panel is smaller than this: the robots would not be readable. */
export const leastWidth = 280;
export const leastHeight = 300;

export const first: DockPlace = { side: 'right', docked: 380, floating: false, x: -1, y: -1, width: 360, height: 560 };

const between = (n: number, low: number, high: number): number => Math.max(low, Math.min(n, Math.max(low, high)));

/** within keeps a panel in sight, whole, and large enough. */
export function within(p: DockPlace, room: Room): DockPlace {
  const width = between(Math.round(p.width), leastWidth, room.width);
  const height = between(Math.round(p.height), leastHeight, room.height);
  return {
    ...p,
    docked: between(Math.round(p.docked), leastWidth, Math.round(room.width * 0.6)),
    width,
    height,
    x: p.floating ? between(Math.round(p.x), 0, room.width - width) : p.x,
    y: p.floating ? between(Math.round(p.y), 0, room.height - height) : p.y,
  };
}

export const moved = (p: DockPlace, dx: number, dy: number): DockPlace => ({ ...p, x: p.x + dx, y: p.y + dy });

/** least is where a panel floats that never has: in the upper right. */
export const least = (p: DockPlace, room: Room): Partial<DockPlace> => (p.x >= 0 ? {} : { x: room.width - p.width - 24, y: 24 });

const key = 'fleet.canvas.dock';

export function keptDock(): DockPlace {
  try {
    return readDock(localStorage.getItem(key));
  } catch {
    return first;
  }
}

/** readDock takes what was kept, as far as it makes sense. */
export function readDock(text: string | null): DockPlace {
  try {
    const got = JSON.parse(text ?? 'null') as Partial<DockPlace> | null;
    if (got === null || typeof got !== 'object') return first;
    const number = (n: unknown, or: number) => (typeof n === 'number' && Number.isFinite(n) ? n : or);
    return {
      side: got.side === 'left' ? 'left' : 'right',
      docked: Math.max(leastWidth, number(got.docked, first.docked)),
      floating: got.floating === true,
      x: number(got.x, first.x),
      y: number(got.y, first.y),
      width: Math.max(leastWidth, number(got.width, first.width)),
      height: Math.max(leastHeight, number(got.height, first.height)),
    };
  } catch {
    return first;
  }
}

export function keepDock(p: DockPlace): void {
  try {
    localStorage.setItem(key, JSON.stringify(p));
  } catch {
    // it begins at its first place next time
  }
}
