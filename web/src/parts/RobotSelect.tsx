import type { LiveRobot } from '../live/frames';
import { useRobots } from './live';
import { label } from './words';

interface Props {
  label: string;
  value: string;
  onChange: (id: string, robot: LiveRobot | undefined) => void;
  fresh: string; // what is chosen for one that is not there yet
}

/** New is the choice of a robot that is not there yet. No robot has such an id. */
export const New = '*';

/** RobotSelect is the field by which a robot is chosen: by its name, with how it is now. */
export function RobotSelect({ label: text, value, onChange, fresh }: Props) {
  const robots = useRobots();
  const list = robots.toSorted((a, b) => a.name.localeCompare(b.name));
  const twice = new Set(list.filter((r, i) => list[i - 1]?.name === r.name).map((r) => r.name));
  return (
    <label>
      {text}{' '}
      <select
        required
        value={value}
        onChange={(e) =>
          onChange(
            e.target.value,
            list.find((r) => r.robot_id === e.target.value),
          )
        }
      >
        <option value="">Choose one</option>
        <option value={New}>{fresh}</option>
        {list.map((r) => (
          <option key={`${r.tenant} ${r.robot_id}`} value={r.robot_id}>
            {r.name}
            {twice.has(r.name) ? ` (${r.robot_id})` : ''} · {label(r.status)} · {r.environment}
          </option>
        ))}
      </select>
    </label>
  );
}
