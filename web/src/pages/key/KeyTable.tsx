import type { Schemas } from '../../api/client';
import css from '../../parts/parts';
import { Status } from '../../parts/Status';
import { Table } from '../../parts/Table';
import { Ago, exact, In } from '../../parts/Time';
import { hasEnded, madeBy, prefix, scopeOf } from './keys';

type Key = Schemas['Key'];

interface Props {
  keys: readonly Key[];
  may: boolean;
  people: ReadonlyMap<string, string>;
  onRotate: (k: Key) => void;
  onRevoke: (k: Key) => void;
}

/** KeyTable is what is known of each key, without its secret. */
export function KeyTable({ keys, may, people, onRotate, onRevoke }: Props) {
  return (
    <Table label="Keys" heads={['Name', 'Prefix', 'Scope', 'State', 'Created', 'Expires', 'Last used', { number: 'Uses, 7 days' }, 'Actions']}>
      {keys.map((k) => (
        <tr key={k.key_id}>
          <td>
            {k.name}
            {k.description && <div className={css.hint}>{k.description}</div>}
          </td>
          <td className={`${css.mono} ${css.keep}`}>
            {prefix(k.kind)}…{k.hint}
          </td>
          <td className={css.keep}>{scopeOf(k)}</td>
          <td>
            <Status word={k.status} />
            {k.replaced_by && !hasEnded(k) && <div className={css.hint}>Another takes its place</div>}
            {k.used_after_rotation_at && (
              <div className={css.warn}>
                Used after its rotation, <Ago at={k.used_after_rotation_at} />
              </div>
            )}
          </td>
          <td>
            <Ago at={k.created_at} />
            {madeBy(k, people) && <div className={css.hint}>by {madeBy(k, people)}</div>}
          </td>
          <td>
            {k.expires_at === undefined ? 'Never' : hasEnded(k) ? exact(k.expires_at) : <In at={k.expires_at} />}
            {k.revoked_at && (
              <div className={css.hint}>
                Revoked <Ago at={k.revoked_at} />
              </div>
            )}
          </td>
          <td>
            {k.last_used_at ? (
              <>
                <Ago at={k.last_used_at} />
                <div className={css.hint}>{k.last_used_ip}</div>
              </>
            ) : (
              'Not yet'
            )}
          </td>
          <td data-number>{k.uses_7d.toLocaleString('en')}</td>
          <td className={`${css.acts} ${css.keep}`}>
            {!hasEnded(k) && (
              <>
                {!k.replaced_by && (
                  <button type="button" disabled={!may} aria-label={`Rotate ${k.name}`} onClick={() => onRotate(k)}>
                    Rotate…
                  </button>
                )}{' '}
                <button type="button" disabled={!may} aria-label={`Revoke ${k.name}`} onClick={() => onRevoke(k)}>
                  Revoke…
                </button>
              </>
            )}
          </td>
        </tr>
      ))}
    </Table>
  );
}
