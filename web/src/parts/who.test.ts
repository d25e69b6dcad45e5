// @vitest-environment happy-dom
import { act, cleanup, renderHook, waitFor } from '@testing-library/react';
import { afterEach, expect, it, vi } from 'vitest';
import { askEarly, useWho } from './who';

let hidden = false;
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
  vi.useRealTimers();
  hidden = false;
});

/** server answers the two questions; nobody: no one is signed in. */
function server() {
  const s = { who: 'ada' as string | undefined, down: false, asked: 0 };
  vi.stubGlobal('fetch', async (path: string) => {
    s.asked++;
    if (s.down) throw new Error('no answer');
    if (path === '/api/v1/meta') return Response.json({ now: '2026-11-27T00:00:00Z', mode: 'serve' });
    if (s.who === undefined) return new Response('{}', { status: 401 });
    return Response.json({ user_id: s.who, permissions: [] });
  });
  vi.spyOn(document, 'hidden', 'get').mockImplementation(() => hidden);
  return s;
}

it('knows nobody once nobody is signed in, and the same person again afterwards', async () => {
  const s = server();
  const { result } = renderHook(() => useWho());
  await waitFor(() => expect(result.current.state).toBe('in'));
  const first = result.current.me;
  expect(first?.user_id).toBe('ada');
  await act(async () => void (await result.current.ask()));
  expect(result.current.me).toBe(first); // nothing changed: nothing begins anew
  s.who = undefined;
  await act(async () => expect(await result.current.ask()).toBeUndefined());
  expect([result.current.state, result.current.me]).toEqual(['out', undefined]);
  s.who = 'ada';
  act(() => result.current.again());
  await waitFor(() => expect(result.current.state).toBe('in'));
  expect(result.current.me).toEqual(first);
  expect(result.current.me).not.toBe(first); // so that what was stopped begins anew
});

it('asks nothing while nobody looks, and at once when somebody does', async () => {
  vi.useFakeTimers();
  const s = server();
  const { result } = renderHook(() => useWho());
  await act(() => vi.advanceTimersByTimeAsync(10_500));
  expect(s.asked).toBe(4);
  hidden = true;
  await act(() => vi.advanceTimersByTimeAsync(600_000));
  expect(s.asked).toBe(4);
  s.down = true;
  hidden = false;
  await act(async () => {
    document.dispatchEvent(new Event('visibilitychange'));
    await vi.advanceTimersByTimeAsync(10);
  });
  expect([s.asked, result.current.state]).toEqual([6, 'lost']); // both questions at once
  expect(result.current.me?.user_id).toBe('ada'); // what was known stays
  s.down = false;
  await act(() => vi.advanceTimersByTimeAsync(3100));
  expect(result.current.state).toBe('in');
});

it('takes the answers that were asked for while the page was being built, once', async () => {
  const s = server();
  askEarly();
  expect(s.asked).toBe(2);
  const { result } = renderHook(() => useWho());
  await waitFor(() => expect(result.current.state).toBe('in'));
  expect(s.asked).toBe(2);
  act(() => result.current.again());
  await waitFor(() => expect(s.asked).toBe(4));
  hidden = true;
  askEarly(); // nobody looks: the answers would be old when somebody does
  expect(s.asked).toBe(4);
});
