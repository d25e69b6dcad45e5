/** The pages, in one list: the palette, the tabs of the fleet and the page for what is not there all lead to them. */

export interface Place {
  name: string;
  to: string;
  keys?: string;
  needs?: string; // a permission without which nobody is led there
  tab?: true; // of the fleet dashboard, in the order in which its tabs always were
  hint?: false; // not for who looks for something that is not there
}

export const places: readonly Place[] = [
  { name: 'Overview', to: '/', keys: 'g o' },
  { name: 'Fleet', to: '/fleet', keys: 'g f', hint: false },
  { name: 'Robots', to: '/fleet/robots', keys: 'g r', tab: true },
  { name: 'Jobs', to: '/fleet/jobs', keys: 'g j', tab: true },
  { name: 'Schedules', to: '/fleet/schedules', keys: 'g s', tab: true },
  { name: 'Triggers', to: '/fleet/triggers', keys: 'g t' },
  { name: 'Queues', to: '/fleet/queues', keys: 'g q', tab: true },
  { name: 'Dead letters', to: '/fleet/dead-letters' },
  { name: 'Analytics', to: '/fleet/analytics', keys: 'g a', tab: true },
  { name: 'API Keys', to: '/fleet/api-keys', keys: 'g k', tab: true },
  { name: 'Workflows', to: '/workflows', keys: 'g w' },
  { name: 'New workflow', to: '/workflows/new', hint: false },
  { name: 'Incidents', to: '/incidents', keys: 'g i', needs: 'alerts:read' },
  { name: 'Activity', to: '/activity', keys: 'g v', needs: 'events:read' },
  { name: 'Audit', to: '/audit', keys: 'g u', needs: 'audit:read' },
  { name: 'Settings', to: '/settings/profile' },
  { name: 'Command line', to: '/cli' },
];

export const fleetTabs: readonly Place[] = places.filter((p) => p.tab);

/** openTo are the pages of somebody with these permissions; nobody is known yet: those that need none. */
export const openTo = (permissions: readonly string[] | undefined): Place[] => places.filter((p) => !p.needs || (permissions?.includes(p.needs) ?? false));
