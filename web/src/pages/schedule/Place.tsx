import { useMemo } from 'react';
import { stream, useFleetList } from '../../parts/live';
import css from '../../parts/parts';
import { capabilities, ofFleet, RobotPicker } from '../../parts/RobotPicker';
import type { Schedule } from './schedules';

type Placement = NonNullable<Schedule['placement']>;

/** Place is where the jobs of a schedule run: as the workflow says, on one robot, or by what a robot can do. */
export function Place({ of, onPlace }: { of: Placement; onPlace: (p: Placement) => void }) {
  const list = useFleetList();
  const robots = useMemo(() => list.robots.map(ofFleet), [list.robots]);
  const { target_robot_id: robot, capabilities: wanted = [], ...others } = of;
  const put = (target: string | undefined, caps: readonly string[]) =>
    onPlace({ ...others, ...(target ? { target_robot_id: target } : {}), ...(caps.length > 0 ? { capabilities: [...caps] } : {}) });
  const more = Object.keys(others).length;
  return (
    <fieldset className={css.choice}>
      <legend>Where its jobs run</legend>
      <p className={css.hint}>
        {robot ? `Each job waits for ${robot}.` : 'On any robot that the workflow may run on.'}{' '}
        {wanted.length > 0 && 'Only on a robot that has the chosen capabilities. '}
        {more > 0 && `${more} further ${more === 1 ? 'demand' : 'demands'} of this schedule stay as they are.`}
      </p>
      {robot && (
        <button type="button" onClick={() => put(undefined, wanted)}>
          Any robot
        </button>
      )}
      <RobotPicker
        robots={robots}
        mode="cloud"
        selected={robot ?? null}
        connection={{ state: list.error ? 'offline' : 'connected', address: '', tried: [] }}
        local={{ enabled: false, host: '', reason: '' }}
        submission={{ state: 'idle' }}
        live
        actions={false}
        onRobotSelected={(r) => put(r && r !== '*' ? r : undefined, wanted)}
        onExecutionModeChanged={() => undefined}
        onRefreshRequested={() => stream.retry()}
        onSubmitToCloudRequested={() => undefined}
      />
      {capabilities.map((c) => (
        <label key={c.word}>
          <input
            type="checkbox"
            checked={wanted.includes(c.word)}
            onChange={(e) => put(robot, e.target.checked ? [...wanted, c.word] : wanted.filter((w) => w !== c.word))}
          />{' '}
          {c.filter}
        </label>
      ))}
    </fieldset>
  );
}
