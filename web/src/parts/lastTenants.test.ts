// @vitest-environment happy-dom
import { beforeEach, describe, expect, it } from 'vitest';
import { lastTenants, rememberTenant } from './lastTenants';

describe('the tenants that were looked at last', () => {
  beforeEach(() => localStorage.clear());
  it('are the newest, each once', () => {
    for (const id of ['a', 'b', 'c', 'a', 'd', 'e']) rememberTenant(id);
    expect(lastTenants()).toEqual(['e', 'd', 'a', 'c']);
  });
  it('are none where something else was written', () => {
    for (const text of ['{', '{"a": 1}', '[1, null]']) {
      localStorage.setItem('fleet.tenants', text);
      expect(lastTenants()).toEqual([]);
    }
  });
});
