/** The tenants that this browser looked at last. */

const place = 'fleet.tenants';
const most = 4; // the one that is looked at, and three before it

/** lastTenants are their ids, the newest first. */
export function lastTenants(): string[] {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(place) ?? '[]');
    return Array.isArray(kept) ? kept.filter((id): id is string => typeof id === 'string').slice(0, most) : [];
  } catch {
    return []; // somebody else has written there
  }
}

/** rememberTenant puts one first. */
export function rememberTenant(id: string): void {
  try {
    localStorage.setItem(place, JSON.stringify([id, ...lastTenants().filter((t) => t !== id)].slice(0, most)));
  } catch {
    // it is full, or the browser keeps nothing: then nothing is remembered
  }
}
