/** Whether anybody can see this page. A page that is hidden asks the server nothing; it catches up when it is shown. */

export const hidden = (): boolean => typeof document !== 'undefined' && document.hidden;

/** onShown calls f each time the page comes back to sight. */
export function onShown(f: () => void): () => void {
  if (typeof document === 'undefined') return () => undefined;
  const look = () => {
    if (!document.hidden) f();
  };
  document.addEventListener('visibilitychange', look);
  return () => document.removeEventListener('visibilitychange', look);
}

/** seen waits until the page can be seen, or until nobody waits any more. */
export function seen(signal?: AbortSignal): Promise<void> {
  if (!hidden() || signal?.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const end = () => {
      leave();
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const leave = onShown(end);
    signal?.addEventListener('abort', end);
  });
}
