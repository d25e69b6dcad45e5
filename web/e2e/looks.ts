/** Pages of which pictures are made: with the data of a made-up fleet, while they load, and when the server fails. */
export interface Look {
  name: string;
  path: string; // a word behind a dollar stands for the id of such a thing
  asks?: RegExp; // the questions that make up the page, for loading and failing
  long?: boolean; // hundreds of rows of the same kind: axe looks at the short page in pages.e2e.ts
}

const robotTabs = ['jobs', 'metrics', 'logs', 'commands', 'config', 'events'];
const jobPanes = ['log', 'variables', 'artifacts', 'attempts', 'events', 'raw'];

/** looks is the list; the address of each page of the router is among them. A new page adds a line. */
export const looks: Look[] = [
  { name: 'overview', path: '/', asks: /\/api\/v1\/(fleet\/snapshot|jobs)/ },
  { name: 'robots', path: '/fleet/robots', asks: /\/api\/v1\/fleet\/snapshot/ },
  { name: 'robots-grid', path: '/fleet/robots?view=grid' },
  { name: 'robots-health', path: '/fleet/robots?view=health' },
  { name: 'robot', path: '/fleet/robots/$robot', asks: /\/api\/v1\/robots\/[^/]+(\?|$)/ },
  ...robotTabs.map((tab) => ({ name: `robot-${tab}`, path: `/fleet/robots/$robot?tab=${tab}` })),
  { name: 'jobs', path: '/fleet/jobs', asks: /\/api\/v1\/jobs/ },
  { name: 'jobs-pending', path: '/fleet/jobs?status=pending' },
  { name: 'job', path: '/fleet/jobs/$job', asks: /\/api\/v1\/jobs\/[^/]+(\?|$)/ },
  ...jobPanes.map((pane) => ({ name: `job-${pane}`, path: `/fleet/jobs/$job?pane=${pane}` })),
  { name: 'job-nodes', path: '/fleet/jobs/$job?tab=nodes' },
  { name: 'job-graph', path: '/fleet/jobs/$job?tab=graph' },
  { name: 'schedules', path: '/fleet/schedules', asks: /\/api\/v1\/schedules/ },
  { name: 'agenda', path: '/fleet/schedules?view=agenda' },
  { name: 'schedule', path: '/fleet/schedules/$schedule' },
  { name: 'schedule-new', path: '/fleet/schedules/new' },
  { name: 'triggers', path: '/fleet/triggers', asks: /\/api\/v1\/triggers/ },
  { name: 'trigger', path: '/fleet/triggers/$trigger' },
  { name: 'queues', path: '/fleet/queues', asks: /\/api\/v1\/queues/ },
  { name: 'queue', path: '/fleet/queues/$queue' },
  { name: 'queue-item', path: '/fleet/queues/$queue?sel=$item' },
  { name: 'dead-letters', path: '/fleet/dead-letters', asks: /\/api\/v1\/(dlq|dead)/ },
  { name: 'dead-letters-groups', path: '/fleet/dead-letters?view=groups' },
  { name: 'analytics', path: '/fleet/analytics?range=24h', asks: /\/api\/v1\/analytics/ },
  { name: 'api-keys', path: '/fleet/api-keys', asks: /\/api\/v1\/(keys|enrolments)/ },
  { name: 'activity', path: '/activity', asks: /\/api\/v1\/events/ },
  { name: 'incidents', path: '/incidents', asks: /\/api\/v1\/incidents/ },
  { name: 'incident', path: '/incidents/$incident' },
  { name: 'audit', path: '/audit', asks: /\/api\/v1\/audit/, long: true },
  { name: 'cli', path: '/cli' },
  { name: 'workflows', path: '/workflows', asks: /\/api\/v1\/workflows/ },
  { name: 'canvas', path: '/workflows/$workflow', asks: /\/api\/v1\/workflows\/[^/]+(\?|$)/ },
  { name: 'versions', path: '/workflows/$workflow/versions', asks: /\/api\/v1\/workflows/ },
  { name: 'version', path: '/workflows/$workflow/versions/$version' },
  { name: 'settings-profile', path: '/settings/profile' },
  { name: 'settings-users', path: '/settings/users', asks: /\/api\/v1\/users/ },
  { name: 'settings-tenants', path: '/settings/tenants', asks: /\/api\/v1\/tenants/ },
  { name: 'settings-environments', path: '/settings/environments', asks: /\/api\/v1\/environments/ },
  { name: 'settings-reservations', path: '/settings/reservations', asks: /\/api\/v1\/reservations/ },
  { name: 'settings-calendars', path: '/settings/calendars', asks: /\/api\/v1\/calendars/ },
  { name: 'settings-alerts', path: '/settings/alerts', asks: /\/api\/v1\/alert-rules/ },
  { name: 'settings-secrets', path: '/settings/secrets', asks: /\/api\/v1\/secrets/ },
  { name: 'settings-assets', path: '/settings/assets', asks: /\/api\/v1\/assets/ },
  { name: 'settings-webhooks', path: '/settings/webhooks', asks: /\/api\/v1\/webhooks-out/ },
  { name: 'settings-limits', path: '/settings/limits', asks: /\/api\/v1\/settings/ },
  { name: 'settings-retention', path: '/settings/retention', asks: /\/api\/v1\/settings/ },
  { name: 'settings-system', path: '/settings/system' },
];

/** route is the address of a look as the router has it, whatever its parameters are called. */
export const route = (path: string): string => path.replace(/\?.*/, '').replace(/\$\w*/g, '$');
