import { Link } from '@tanstack/react-router';
import css from '../../parts/parts';
import { Ago, In } from '../../parts/Time';
import type { Change } from './keys';

/** Changes tells of keys that are being replaced who still uses the old one. */
export function Changes({ list }: { list: readonly Change[] }) {
  if (list.length === 0) return null;
  const still = list.filter((c) => c.still).length;
  return (
    <section className={css.panel} aria-label="Keys that are being replaced">
      <h2>Being replaced</h2>
      <p className={css.fact}>
        {still === 0 ? 'All use their new key.' : `${still} of ${list.length} ${still === 1 ? 'has' : 'have'} not used the new key yet.`}
      </p>
      <ul className={css.list}>
        {list.map(({ old, still: on }) => (
          <li key={old.key_id}>
            <span>
              {old.robot_id ? (
                <Link to="/fleet/robots/$id" params={{ id: old.robot_id }} search={{}}>
                  {old.robot_id}
                </Link>
              ) : (
                old.name
              )}{' '}
              {on ? (
                <>
                  is still on the old key …{old.hint}, {old.last_used_at ? <>last used {<Ago at={old.last_used_at} />}</> : 'which was never used'}.
                </>
              ) : (
                'uses the new key.'
              )}{' '}
              {old.expires_at && (
                <span className={css.fact}>
                  The old one ends <In at={old.expires_at} />.
                </span>
              )}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}
