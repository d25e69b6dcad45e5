import { useRouter } from '@tanstack/react-router';
import type { MouseEvent, ReactNode } from 'react';

/** PageLink leads to a page that the server names. It stays in the tenant that is looked at. */
export function PageLink({ to, children, className }: { to: string; children: ReactNode; className?: string | undefined }) {
  const router = useRouter();
  const tenant = new URLSearchParams(location.search).get('tenant');
  const href = tenant ? `${to}${to.includes('?') ? '&' : '?'}tenant=${encodeURIComponent(tenant)}` : to;
  const go = (e: MouseEvent) => {
    if (e.button !== 0 || e.metaKey || e.ctrlKey || e.shiftKey || e.altKey) return;
    e.preventDefault();
    router.history.push(href);
  };
  return (
    <a href={href} className={className} onClick={go}>
      {children}
    </a>
  );
}
