/** What is done with a schedule from the list and from its own view. */
import { call, Refusal, type Schemas } from '../../api/client';
import type { Act } from '../../parts/act';
import { later } from '../../parts/later';
import { skipOf } from './agenda';
import { inZone, type Schedule } from './schedules';

const at = (s: Schedule) => `/schedules/${encodeURIComponent(s.schedule_id)}`;

/** removeLater deletes a schedule in 8 s, unless somebody takes it back. */
export function removeLater(act: Act, s: Schedule, onGone: () => void): void {
  later(
    `The schedule ${s.schedule_name} is deleted in 8 s; its jobs go on.`,
    () =>
      void act
        .run(
          'Deleting…',
          () => call('DELETE', at(s)).then(() => true),
          () => `${s.schedule_name} is deleted; its jobs go on.`,
        )
        .then(onGone),
  );
}

/** runNow makes a job at once, beside the times of the schedule. */
export const runNow = (act: Act, s: Schedule) =>
  act.run(
    'Starting…',
    () => call<Schemas['ScheduleDone']>('POST', `${at(s)}/run-now`),
    (a) => [a.message, ...(a.warnings ?? [])].join(' '),
  );

/** skipNext lets the schedule go on from the run after the next one: nothing comes before that. */
export const skipNext = (act: Act, s: Schedule) =>
  act.run(
    'Skipping…',
    async () => {
      const p = await call<Schemas['SchedulePreview']>('POST', '/schedules/preview', { schedule_id: s.schedule_id, count: 10 });
      const one = skipOf(p.runs);
      if (!one) throw new Refusal('No run comes after the next one.', 0, 'Disable the schedule instead.', '');
      await call('PUT', at(s), { start_at: one.start }, undefined, { 'If-Match': `"${s.revision}"` });
      return one;
    },
    (one) => `The run of ${inZone(one.skipped, s.timezone)} does not come. It goes on at ${inZone(one.start, s.timezone)}.`,
  );

/** skippable says whether there is a next run that can be left out. */
export const skippable = (s: Schedule): boolean => s.enabled && s.next_run !== null && s.kind !== 'once';
