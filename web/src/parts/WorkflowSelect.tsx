import { call, type Schemas } from '../api/client';
import { sentence } from './act';
import { useLive } from './live';
import css from './parts';

/** useWorkflows are the workflows to choose from, the same answer for all forms of a page. */
export const useWorkflows = () =>
  useLive<Schemas['WorkflowList']>('workflows to choose', {
    topics: ['workflows'],
    ask: (s) => call('GET', '/workflows?limit=500', undefined, s),
  });

interface Props {
  label: string;
  value: string;
  onChange: (id: string) => void;
  also?: { id: string; name: string } | undefined; // that is chosen already, whether it is listed or not
  none?: string; // what no choice means; left out: one must be chosen
}

/** WorkflowSelect is the field by which a workflow is chosen. */
export function WorkflowSelect({ label, value, onChange, also, none }: Props) {
  const flows = useWorkflows();
  const list = flows.data?.workflows ?? [];
  return (
    <>
      <label>
        {label}{' '}
        <select required={none === undefined} value={value} onChange={(e) => onChange(e.target.value)}>
          <option value="">{none ?? 'Choose one'}</option>
          {also && !list.some((w) => w.workflow_id === also.id) && <option value={also.id}>{also.name}</option>}
          {list.map((w) => (
            <option key={w.workflow_id} value={w.workflow_id}>
              {w.workflow_name}
            </option>
          ))}
        </select>
      </label>
      {flows.error && (
        <span className={css.bad} role="alert">
          {sentence(flows.error)}
        </span>
      )}
    </>
  );
}
