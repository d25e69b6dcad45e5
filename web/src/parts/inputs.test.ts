import { describe, expect, it } from 'vitest';
import { inputsOf, valuesOf, withValue } from './inputs';

const doc = {
  settings: {
    fleet: {
      inputs: {
        properties: {
          note: { type: 'string', description: 'Shown to people.' },
          month: { type: 'integer', title: 'Month' },
          mode: { enum: ['fast', 'safe'], default: 'safe' },
          dry: { type: 'boolean' },
          rows: { type: 'array' },
        },
        required: ['month', 'key'],
      },
    },
  },
};

describe('inputs of a workflow', () => {
  it('are fields by their type, required ones first', () => {
    expect(inputsOf(doc).map((i) => [i.name, i.label, i.kind, i.required, i.preset])).toEqual([
      ['month', 'Month', 'number', true, undefined],
      ['key', 'key', 'text', true, undefined],
      ['note', 'note', 'text', false, undefined],
      ['mode', 'mode', 'select', false, 'safe'],
      ['dry', 'dry', 'check', false, undefined],
      ['rows', 'rows', 'json', false, undefined],
    ]);
  });
  it('are found in a wrapped document, and there may be none', () => {
    expect(inputsOf({ workflow: doc })).toHaveLength(6);
    for (const none of [undefined, null, 'x', [], {}, { settings: { fleet: { inputs: 7 } } }]) expect(inputsOf(none)).toEqual([]);
  });
  it('change one value and keep the others', () => {
    expect(valuesOf(withValue('{"a":1,"b":2}', 'b', 'x'))).toEqual({ a: 1, b: 'x' });
    expect(valuesOf(withValue('{"a":1,"b":2}', 'b', undefined))).toEqual({ a: 1 });
    expect(valuesOf('[1]')).toBeUndefined();
    expect(valuesOf('{')).toBeUndefined();
  });
});
