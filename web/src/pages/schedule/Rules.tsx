import { Wrong } from '../../parts/Wrong';
import { counted, type Draft } from './schedules';

interface Props {
  d: Draft;
  set: (more: Partial<Draft>) => void;
  wrong: Readonly<Record<string, string>>;
}

/** Rules are what becomes of a time at which jobs of the schedule have not ended, and of one that was missed. */
export function Rules({ d, set, wrong }: Props) {
  return (
    <>
      <Wrong say={wrong.overlap}>
        <label>
          When the one before has not ended{' '}
          <select value={d.overlap} onChange={(e) => set({ overlap: e.target.value as Draft['overlap'] })}>
            <option value="skip">Skip (usual)</option>
            <option value="queue_one">Queue one</option>
            <option value="queue_all">Queue all</option>
            <option value="cancel_previous">Cancel those before</option>
            <option value="parallel">Run in parallel</option>
          </select>
        </label>
        {counted(d.overlap) && (
          <label>
            Most jobs at once <input required type="number" min={1} max={100} value={d.atOnce} onChange={(e) => set({ atOnce: e.target.value })} />
          </label>
        )}
      </Wrong>
      <Wrong say={wrong.misfire}>
        <label>
          When it was missed, because no server ran{' '}
          <select value={d.misfire} onChange={(e) => set({ misfire: e.target.value as Draft['misfire'] })}>
            <option value="run_once">Run once, for the newest (usual)</option>
            <option value="run_all">Catch up, one job for each</option>
            <option value="skip">Skip</option>
          </select>
        </label>
        {d.misfire !== 'skip' && (
          <label>
            If missed within so many minutes <input required type="number" min={1} value={d.within} onChange={(e) => set({ within: e.target.value })} />
          </label>
        )}
        {d.misfire === 'run_all' && (
          <label>
            Most runs to catch up <input required type="number" min={1} max={100} value={d.catchUp} onChange={(e) => set({ catchUp: e.target.value })} />
          </label>
        )}
      </Wrong>
    </>
  );
}
