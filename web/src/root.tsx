import { createRootRoute, retainSearchParams } from '@tanstack/react-router';
import { NotFound } from './pages/NotFound';
import { Shell } from './Shell';

/** root is what all pages have: the shell, and the tenant that is looked at. */
export const root = createRootRoute({
  // The tenant that is looked at stays in the address on the way from page to page.
  validateSearch: (s: Record<string, unknown>): { tenant?: string } => (typeof s.tenant === 'string' && s.tenant ? { tenant: s.tenant } : {}),
  search: { middlewares: [retainSearchParams(['tenant'])] },
  component: Shell,
  notFoundComponent: NotFound,
});
