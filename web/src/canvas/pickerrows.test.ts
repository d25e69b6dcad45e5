import { describe, expect, it } from 'vitest';
import type { PickerRobot } from '../parts/RobotPicker';
import { PickerRows, type Sources } from './pickerrows';

const bots = (...ids: string[]) => ids.map((id) => ({ id }) as unknown as PickerRobot);

describe('the rows of the picker', () => {
  const none: PickerRobot[] = [];
  const base: Sources = { follows: false, live: true, followed: none, asked: none };
  it('stay while a new snapshot loads', () => {
    const rows = new PickerRows();
    const followed = bots('a', 'b');
    expect(rows.next({ ...base, follows: true, followed })).toBe(followed);
    expect(rows.next({ ...base, followed: none })).toBe(followed); // the connection is gone
    const asked = bots('a');
    expect(rows.next({ ...base, asked })).toBe(asked); // an answer is newer
    expect(rows.next({ ...base, asked })).toBe(asked);
    const after = bots('c');
    expect(rows.next({ ...base, follows: true, followed: after, asked })).toBe(after);
    expect(rows.next({ ...base, asked })).toBe(after); // that answer is older
  });
  it('stay while the list is stopped, until somebody refreshes it', () => {
    const rows = new PickerRows();
    const first = bots('a');
    const now = { ...base, follows: true, followed: bots('a', 'b'), live: false };
    rows.next({ ...base, follows: true, followed: first });
    expect(rows.next(now)).toBe(first);
    rows.refresh(now);
    expect(rows.next(now)).toBe(now.followed);
  });
});
