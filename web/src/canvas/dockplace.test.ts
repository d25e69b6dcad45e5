import { describe, expect, it } from 'vitest';
import { first, least, leastHeight, leastWidth, moved, readDock, within } from './dockplace';

const room = { width: 1000, height: 700 };

describe('the dock', () => {
  it('is never smaller than robots can be read in, nor out of sight', () => {
    const p = within({ ...first, width: 10, height: 10, docked: 10, floating: true, x: -50, y: 9000 }, room);
    expect([p.width, p.height, p.docked]).toEqual([leastWidth, leastHeight, leastWidth]);
    expect([p.x, p.y]).toEqual([0, 400]);
    expect(within({ ...first, width: 5000, docked: 5000 }, room)).toMatchObject({ width: 1000, docked: 600 });
    expect(within({ ...first, floating: true }, { width: 100, height: 100 })).toMatchObject({ width: leastWidth, height: leastHeight, x: 0, y: 0 });
    expect(within(first, room).x).toBe(first.x); // it has never floated
  });
  it('floats in the upper right at first, and then where it was', () => {
    expect(least(first, room)).toEqual({ x: 616, y: 24 });
    const p = moved({ ...first, ...least(first, room) }, -16, 16);
    expect([p.x, p.y]).toEqual([600, 40]);
    expect(least(p, room)).toEqual({});
  });
  it('is read back as far as it makes sense', () => {
    expect(readDock(JSON.stringify({ ...first, side: 'left', floating: true, x: 5 }))).toEqual({ ...first, side: 'left', floating: true, x: 5 });
    for (const text of [null, 'null', '{', '7']) expect(readDock(text)).toEqual(first);
    expect(readDock('{"side":"up","width":"x","height":1}')).toEqual({ ...first, height: leastHeight });
  });
});
