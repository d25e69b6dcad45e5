/** Which rows the robot picker shows. Pure. */
import type { PickerRobot } from '../parts/RobotPicker';

export interface Sources {
  follows: boolean; // the stream is up to date
  live: boolean; // nobody has stopped the list
  followed: readonly PickerRobot[]; // as the stream has them
  asked: readonly PickerRobot[]; // as they were last asked for; a new list each time
}

/** PickerRows keeps what was shown last while neither source has anything newer: a snapshot that loads empties no list. */
export class PickerRows {
  private shown: readonly PickerRobot[] = [];
  private passed: readonly PickerRobot[] | undefined; // the answer that the stream has overtaken

  next(s: Sources): readonly PickerRobot[] {
    if (s.follows) {
      if (s.live || this.shown.length === 0) this.shown = s.followed;
      this.passed = s.asked;
    } else if (s.asked !== this.passed) {
      this.shown = s.asked;
      this.passed = s.asked;
    }
    return this.shown;
  }

  /** refresh shows the present rows although the list is stopped. */
  refresh(s: Sources): void {
    if (s.follows) this.shown = s.followed;
  }
}
