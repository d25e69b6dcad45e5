import { describe, expect, it } from 'vitest';
import { bodyOf, keyOf, nameOf, type Open } from './decide';

const step = (node_id: string, effect_key = node_id): Open => ({ node_id, effect_key, epoch: 1, begun_at: '2026-11-27T10:00:00Z' });

describe('what a person says of a job that needs a decision', () => {
  const [pay, mail] = [step('pay', 'pay[2]'), step('mail')];
  const open = [pay, mail];

  it('names steps so that they can be told apart', () => {
    expect(open.map(nameOf)).toEqual(['pay (pay[2])', 'mail']);
    expect(nameOf(step('x', ''))).toBe('x');
  });

  it('asks for a reason, and of each step whether it was done before the job runs again', () => {
    expect(bodyOf('retry', ' ', open, {})).toBe('Say why first.');
    expect(bodyOf('retry', 'seen', open, {})).toBe('Say first whether pay (pay[2]), mail were done.');
    expect(bodyOf('retry', 'seen', open, { [keyOf(pay)]: { done: true } })).toBe('Say first whether mail was done.');
    expect(bodyOf('retry', ' seen ', open, { [keyOf(pay)]: { done: true, outputs: '{"receipt": 7}' }, [keyOf(mail)]: { done: false, outputs: 'x' } })).toEqual({
      decision: 'retry',
      reason: 'seen',
      effects: [
        { node_id: 'pay', effect_key: 'pay[2]', done: true, outputs: { receipt: 7 } },
        { node_id: 'mail', effect_key: 'mail', done: false },
      ],
    });
    expect(bodyOf('retry', 'none was announced', [], {})).toEqual({ decision: 'retry', reason: 'none was announced' });
  });

  it('refuses outputs that are no object', () => {
    for (const outputs of ['7', '[1]', 'null', '{'])
      expect(bodyOf('retry', 'x', [mail], { [keyOf(mail)]: { done: true, outputs } })).toBe('The outputs of mail must be a JSON object.');
  });

  it('ends the job without a word about its steps, or with one about all of them', () => {
    expect(bodyOf('fail', 'x', open, { [keyOf(pay)]: { done: true } })).toEqual({ decision: 'fail', reason: 'x' });
    expect(bodyOf('complete', 'x', [mail], { [keyOf(mail)]: { done: true } })).toEqual({
      decision: 'complete',
      reason: 'x',
      effects: [{ node_id: 'mail', effect_key: 'mail', done: true }],
    });
  });
});
