import { useMemo, useState } from 'react';
import { stream, useFleetList } from './live';
import css from './parts';
import { Any, ofFleet, RobotPicker, unfit } from './RobotPicker';
import { priority } from './words';

const named = [0, 5, 10, 15];

/** PriorityField asks how urgent: by a name, or by any number. unset is what no answer means; left out: there must be one. */
export function PriorityField({ value, unset, onValue }: { value: string; unset?: string; onValue: (v: string) => void }) {
  return (
    <fieldset className={css.choice}>
      <legend>Priority (0 goes first)</legend>
      {unset && (
        <label>
          <input type="radio" name="priority" checked={value === ''} onChange={() => onValue('')} /> {unset}
        </label>
      )}
      {named.map((n) => (
        <label key={n}>
          <input type="radio" name="priority" checked={value === String(n)} onChange={() => onValue(String(n))} /> {priority(n)} ({n})
        </label>
      ))}
      <label>
        Another number, 0 to 20 <input type="number" min={0} max={20} value={value} onChange={(e) => onValue(e.target.value)} />
      </label>
    </fieldset>
  );
}

/** RobotField chooses a robot by its name, or any; it shows how each one is and how much it has room for. */
export function RobotField({ value, many, onValue }: { value: string | null; many: boolean; onValue: (v: string) => void }) {
  const list = useFleetList();
  const [text, setText] = useState('');
  const robots = useMemo(() => {
    const q = text.trim().toLowerCase();
    return list.robots.map(ofFleet).filter((r) => q === '' || [r.name, r.id, r.hostname].some((t) => t.toLowerCase().includes(q)));
  }, [list.robots, text]);
  const row = value && value !== Any ? list.robots.find((r) => r.robot_id === value) : undefined;
  const one = row && ofFleet(row);
  const wait = many ? 'They wait' : 'It waits';
  return (
    <>
      <label>
        Find a robot{' '}
        <input
          type="search"
          autoComplete="off"
          placeholder="Name or host"
          value={text}
          onChange={(e) => setText(e.target.value)}
          onKeyDown={(e) => e.key === 'Enter' && e.preventDefault()}
        />
      </label>
      <RobotPicker
        robots={robots}
        mode="cloud"
        selected={value}
        connection={{ state: list.error ? 'offline' : 'connected', address: '', tried: [] }}
        local={{ enabled: false, host: '', reason: '' }}
        submission={{ state: 'idle' }}
        live
        any
        actions={false}
        onRobotSelected={(r) => r && onValue(r)}
        onExecutionModeChanged={() => undefined}
        onRefreshRequested={() => stream.retry()}
        onSubmitToCloudRequested={() => undefined}
      />
      <p className={css.hint} role="status">
        {value === null && 'Choose a robot, or any.'}
        {value === Any && (many ? 'Any robot that fits may run them.' : 'Any robot that fits may run it.')}
        {one && (unfit(one) ? `${unfit(one)}. ${wait} until it takes work again.` : `${wait} for ${one.name}: ${one.currentJobs} of ${one.maxJobs} jobs now.`)}
        {value && value !== Any && !one && `${value} is not there any more.`}
      </p>
    </>
  );
}
