import { useMemo } from 'react';
import { call, type Schemas } from '../api/client';
import { onlyIf, useLive } from './live';
import own from './production.module.css';

export interface Marked {
  names: ReadonlySet<string>;
  known: boolean; // before that nobody may do what a mark would ask about
}

const none: ReadonlySet<string> = new Set();

/** useProduction are the names of the environments that are marked as production. */
export function useProduction(): Marked {
  const list = useLive<Schemas['EnvironmentList']>('environments marked', {
    topics: ['events'],
    ask: (s) => call('GET', '/environments', undefined, s),
    take: onlyIf((f) => f.type === 'environment.changed'),
  });
  const known = list.data !== undefined || list.error !== undefined; // who may not see environments sees no marks
  return useMemo(
    () => ({ names: list.data ? new Set(list.data.environments.filter((e) => e.production).map((e) => e.name)) : none, known }),
    [list.data, known],
  );
}

/** ProductionMark stands beside what lives in an environment that is production. */
export function ProductionMark() {
  return <span className={own.mark}>Production</span>;
}

/** TypedName has somebody type a name before something that cannot be undone. */
export function TypedName({ name, value, onChange }: { name: string; value: string; onChange: (v: string) => void }) {
  return (
    <>
      <p>
        <ProductionMark /> {name} is a production environment. This cannot be undone.
      </p>
      <Typed word={name} means="it" value={value} onChange={onChange} />
    </>
  );
}

/** Typed has somebody type a name or a number, so that nobody does by a slip what touches much. */
export function Typed({ word, means, value, onChange }: { word: string; means: string; value: string; onChange: (v: string) => void }) {
  const digits = /^\d+$/.test(word);
  return (
    <label>
      Type {word} to say that you mean {means}
      <input
        {...(digits ? { inputMode: 'numeric' as const } : {})}
        autoComplete="off"
        spellCheck={false}
        value={value}
        onChange={(e) => onChange(e.target.value)}
      />
    </label>
  );
}
