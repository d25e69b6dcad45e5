/** What a person says of a job that needs a decision. Pure. */
import type { Schemas } from '../../api/client';

export type Open = Schemas['OpenEffect'];

/** Said is what somebody says of an open step. */
export interface Said {
  done?: boolean;
  outputs?: string; // a JSON object, if somebody knows them
}

export const outcomes = [
  { decision: 'retry', word: 'Run again' },
  { decision: 'complete', word: 'Mark completed' },
  { decision: 'fail', word: 'Mark failed' },
  { decision: 'cancel', word: 'Cancel' },
] as const;

export type Outcome = (typeof outcomes)[number]['decision'];

export const keyOf = (e: Open): string => `${e.node_id}\n${e.effect_key}`;

/** nameOf tells the executions of a node apart where its name does not. */
export const nameOf = (e: Open): string => (e.effect_key === e.node_id || e.effect_key === '' ? e.node_id : `${e.node_id} (${e.effect_key})`);

/** bodyOf is what is sent, or why nothing can be sent yet. */
export function bodyOf(decision: Outcome, reason: string, open: readonly Open[], said: Readonly<Record<string, Said>>): Schemas['DecideBody'] | string {
  if (reason.trim() === '') return 'Say why first.';
  const missing = open.filter((e) => said[keyOf(e)]?.done === undefined);
  if (decision === 'retry' && missing.length > 0) return `Say first whether ${missing.map(nameOf).join(', ')} ${missing.length === 1 ? 'was' : 'were'} done.`;
  const effects: Schemas['EffectAnswer'][] = [];
  for (const e of missing.length > 0 ? [] : open) {
    const { done = false, outputs = '' } = said[keyOf(e)] ?? {};
    const answer: Schemas['EffectAnswer'] = { node_id: e.node_id, effect_key: e.effect_key, done };
    if (done && outputs.trim() !== '') {
      const parsed = object(outputs);
      if (parsed === undefined) return `The outputs of ${nameOf(e)} must be a JSON object.`;
      answer.outputs = parsed;
    }
    effects.push(answer);
  }
  return { decision, reason: reason.trim(), ...(effects.length > 0 ? { effects } : {}) };
}

function object(text: string): object | undefined {
  try {
    const v: unknown = JSON.parse(text);
    return typeof v === 'object' && v !== null && !Array.isArray(v) ? v : undefined;
  } catch {
    return undefined;
  }
}
