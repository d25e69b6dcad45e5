/** The dialog of one robot: what a person may set of it. */
import { call, type Robot, type Schemas } from '../../api/client';
import { FormDialog } from '../../parts/FormDialog';
import { useLive } from '../../parts/live';
import { Fault, Loading } from '../../parts/States';

const list = (text: string): string[] =>
  text
    .split(/[\s,]+/)
    .map((w) => w.trim())
    .filter((w) => w !== '');

const same = (a: readonly string[], b: readonly string[]) => a.length === b.length && a.every((w, i) => w === b[i]);

/** changed are the fields that a person has set otherwise; the rest stays the robot's own. */
export function changed(r: Pick<Robot, 'name' | 'pool' | 'tags' | 'slot_limit'>, v: Record<string, string>): Schemas['RobotBody'] {
  const out: Schemas['RobotBody'] = {};
  if ((v.name ?? '').trim() !== r.name) out.name = (v.name ?? '').trim();
  if ((v.pool ?? '').trim() !== r.pool) out.pool = (v.pool ?? '').trim();
  if (!same(list(v.tags ?? ''), r.tags)) out.tags = list(v.tags ?? '');
  if (Number(v.slots || 0) !== (r.slot_limit ?? 0)) out.max_concurrent_jobs = Number(v.slots || 0);
  return out;
}

/** EditRobot changes what a person may set of a robot. */
export function EditRobot({ id, onClose, onDone }: { id: string; onClose: () => void; onDone: () => void }) {
  const path = `/robots/${encodeURIComponent(id)}`;
  const robot = useLive<Robot>(`edit ${path}`, { topics: [], ask: (s) => call('GET', path, undefined, s), take: () => undefined });
  const r = robot.data;
  if (!r) return robot.error ? <Fault error={robot.error} again={robot.again} /> : <Loading what="the robot" />;
  return (
    <FormDialog
      title={`Edit ${r.name || id}`}
      action="Save"
      note="Name, pool and tags that are set here stay when the robot connects."
      fields={[
        { key: 'name', label: 'Name', required: true },
        { key: 'slots', label: 'Jobs at once', kind: 'number', min: 0, max: 100, hint: 'at most; 0 is what the robot asks for' },
        { key: 'pool', label: 'Pool', required: true },
        { key: 'tags', label: 'Tags', hint: 'apart by blanks' },
      ]}
      initial={{ name: r.name, slots: String(r.slot_limit ?? 0), pool: r.pool, tags: r.tags.join(' ') }}
      send={(v) => call('PATCH', path, changed(r, v))}
      onClose={onClose}
      onDone={onDone}
    />
  );
}
