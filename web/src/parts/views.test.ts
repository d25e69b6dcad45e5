import { describe, expect, it } from 'vitest';
import { read, same } from './views';

describe('saved views', () => {
  it('are the same whatever the order of the address', () => {
    expect([same({ a: '1', b: '2' }, { b: '2', a: '1' }), same({ a: '1' }, {}), same({ a: '1' }, { a: '2' }), same({ a: '1' }, { b: '1' })]).toEqual([
      true,
      false,
      false,
      false,
    ]);
  });
  it('are read, and what is none is left out', () => {
    const list = [{ name: 'a', query: { q: '1' } }];
    expect(read(JSON.stringify(list))).toEqual(list);
    expect([read(null), read('{'), read('{}'), read('[1,{"name":"b"},{"name":"c","query":{"q":1}},null]')]).toEqual([[], [], [], []]);
  });
});
