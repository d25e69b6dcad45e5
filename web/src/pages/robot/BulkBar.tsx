import { memo } from 'react';
import { useRobots } from '../../parts/live';
import parts from '../../parts/parts';
import { type BulkKind, kinds, manages, verbs } from './bulk';
import { count, counts, type RobotSearch } from './rows';
import { useListed } from './use';
import type { Choice } from './useChoice';

/** BulkBar says who is chosen and what can be done with them. */
export const BulkBar = memo(function BulkBar({
  search,
  choice,
  may,
  manage,
  onAsk,
}: {
  search: RobotSearch;
  choice: Choice;
  may: boolean;
  manage: boolean;
  onAsk: (k: BulkKind) => void;
}) {
  const { rows } = useListed(search);
  const all = useRobots();
  const chosen = choice.isAll ? rows : all.filter((r) => choice.ids.has(r.robot_id));
  if (chosen.length === 0) return null;
  const what = [...counts(chosen)].map(([w, n]) => `${count(n)} ${w}`).join(', ');
  const no = may ? undefined : 'This needs the permission robots:operate.';
  return (
    <section className={parts.bulk} aria-label="Chosen robots">
      <div className={parts.bar}>
        <strong>
          {chosen.length === 1 ? '1 robot' : `${count(chosen.length)} robots`} selected ({what})
        </strong>
        {kinds.map((k) => (
          <button
            key={k}
            type="button"
            disabled={manages(k) ? !manage : !may}
            title={manages(k) ? (manage ? undefined : 'This needs the permission robots:manage.') : no}
            onClick={() => onAsk(k)}
          >
            {verbs[k]}…
          </button>
        ))}
        <button type="button" disabled title="The environment of a robot comes from its key: make it a key of the other environment.">
          Environment
        </button>
        <span className={parts.grow} />
        {!choice.isAll && chosen.length < rows.length && (
          <button type="button" onClick={choice.all}>
            All {count(rows.length)} that match
          </button>
        )}
        <button type="button" aria-label="Clear selection" onClick={choice.clear}>
          Clear
        </button>
      </div>
      {!may && <p className={parts.fact}>Your role can see robots but not operate them.</p>}
    </section>
  );
});
