import css from './chart.module.css';

interface Course {
  values: readonly number[];
  has?: readonly boolean[];
}

/** Spark is the course of a number, without an axis: the number beside it says the rest. What was before lies under it, dashed. */
export function Spark({ values, has, before }: Course & { before?: Course }) {
  const known = (c: Course) => c.values.map((v, i) => ({ v, i })).filter(({ i }) => c.has?.[i] ?? true);
  const own = known({ values, ...(has ? { has } : {}) });
  if (own.length < 2) return null;
  const under = before ? known(before) : [];
  const top = Math.max(...[...own, ...under].map((k) => k.v), 1e-9);
  const points = (list: typeof own) =>
    list.map((k) => `${((100 * k.i) / Math.max(1, values.length - 1)).toFixed(1)},${(23 - (22 * k.v) / top).toFixed(1)}`).join(' ');
  return (
    <svg className={css.spark} viewBox="0 0 100 24" preserveAspectRatio="none" aria-hidden="true">
      {under.length > 1 && <polyline data-before points={points(under)} />}
      <polyline points={points(own)} />
    </svg>
  );
}
