import css from './chart.module.css';

/** Spark is the course of a number, without an axis: the number beside it says the rest. */
export function Spark({ values, has }: { values: readonly number[]; has?: readonly boolean[] }) {
  const known = values.map((v, i) => ({ v, i })).filter(({ i }) => has?.[i] ?? true);
  if (known.length < 2) return null;
  const top = Math.max(...known.map((k) => k.v), 1e-9);
  const points = known.map((k) => `${((100 * k.i) / Math.max(1, values.length - 1)).toFixed(1)},${(23 - (22 * k.v) / top).toFixed(1)}`).join(' ');
  return (
    <svg className={css.spark} viewBox="0 0 100 24" preserveAspectRatio="none" aria-hidden="true">
      <polyline points={points} />
    </svg>
  );
}
