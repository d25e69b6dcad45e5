import css from '../../parts/parts';
import { Wrong } from '../../parts/Wrong';
import type { Rule } from './rules';
import own from './trigger.module.css';
import { type Condition, ops } from './triggers';

/** Conditions are what must hold of what a trigger is told, row by row; those that rows cannot show are edited as JSON. */
export function Conditions({ d, set, wrong }: Rule) {
  const change = (i: number, more: Partial<Condition>) => set({ conditions: d.conditions.map((c, k) => (k === i ? { ...c, ...more } : c)) });
  if (d.raw !== undefined)
    return (
      <Wrong say={wrong.filter}>
        <label>
          Only if, a JSON list of conditions <textarea value={d.raw} spellCheck={false} onChange={(e) => set({ raw: e.target.value })} />
        </label>
      </Wrong>
    );
  return (
    <Wrong say={wrong.filter}>
      <fieldset className={css.choice}>
        <legend>
          Only if <span className={css.hint}>{d.conditions.length === 0 ? 'nothing is asked: all that comes counts' : 'all of these hold'}</span>
        </legend>
        {d.conditions.map((c, i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: rows have nothing else, and are only added and removed
          <div className={own.condition} key={i}>
            <input
              aria-label={`Condition ${i + 1}, where`}
              placeholder="/order/amount"
              className={css.mono}
              value={c.path}
              onChange={(e) => change(i, { path: e.target.value })}
            />
            <select aria-label={`Condition ${i + 1}, how`} value={c.op} onChange={(e) => change(i, { op: e.target.value })}>
              {ops.map((o) => (
                <option key={o} value={o}>
                  {o.replaceAll('_', ' ')}
                </option>
              ))}
            </select>
            <input
              aria-label={`Condition ${i + 1}, what`}
              placeholder="10"
              className={css.mono}
              value={c.value}
              onChange={(e) => change(i, { value: e.target.value })}
            />
            <button type="button" aria-label={`Remove condition ${i + 1}`} onClick={() => set({ conditions: d.conditions.filter((_, k) => k !== i) })}>
              Remove
            </button>
          </div>
        ))}
        <button type="button" onClick={() => set({ conditions: [...d.conditions, { path: '', op: '==', value: '' }] })}>
          Add a condition
        </button>
      </fieldset>
    </Wrong>
  );
}
