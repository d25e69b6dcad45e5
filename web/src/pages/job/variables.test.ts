import { describe, expect, it } from 'vitest';
import { outputsOf, typeOf, variablesOf } from './variables';

describe('the variables of a job', () => {
  it('have a type', () => {
    expect([null, [1], {}, 'x', 1, true].map(typeOf)).toEqual(['null', 'list', 'object', 'string', 'number', 'boolean']);
  });

  it('are those of the result, or the result itself', () => {
    expect(outputsOf({ variables: { a: 1 }, success: true })).toEqual({ a: 1 });
    expect(outputsOf({ paid: true })).toEqual({ paid: true });
    for (const none of [undefined, null, 7, [1]]) expect(outputsOf(none)).toBeUndefined();
  });

  it('are compared with those of the job before, whatever order members stand in', () => {
    const now = { kept: { a: 1, b: [2, 3] }, month: 'June', fresh: null, pay: { exit_code: 0 } };
    const rows = variablesOf(now, { kept: { b: [2, 3], a: 1 }, month: 'May', old: 7, pay: { exit_code: 1 } }, new Set(['pay']));
    expect(rows.map((r) => [r.name, r.type, r.change, r.was.replaceAll(/\s/g, ''), r.by])).toEqual([
      ['kept', 'object', '', '', ''],
      ['month', 'string', 'changed', 'May', ''],
      ['fresh', 'null', 'new', '', ''],
      ['pay', 'object', 'changed', '{"exit_code":1}', 'pay'],
      ['old', 'number', 'gone', '7', ''],
    ]);
  });

  it('are not compared where there is no job before', () => {
    expect(variablesOf({ a: 'x' }, undefined, new Set())).toEqual([{ name: 'a', type: 'string', value: 'x', by: '', change: '', was: '' }]);
  });
});
