import { createRootRoute, createRoute, createRouter, lazyRouteComponent, Navigate, redirect, retainSearchParams, useNavigate } from '@tanstack/react-router';
import { Suspense } from 'react';
import { call } from './api/client';
import type { CanvasSearch, Panel } from './canvas/search';
import { incidentSearch } from './pages/alert/alerts';
import { numbersSearch } from './pages/analytics/numbers';
import { auditSearch } from './pages/audit/audit';
import { JobsPage } from './pages/job/JobsPage';
import { detailSearch, jobSearch } from './pages/job/rows';
import { NotFound } from './pages/NotFound';
import { OverviewPage } from './pages/overview/OverviewPage';
import { queueSearch } from './pages/queue/items';
import { RobotsPage } from './pages/robot/RobotsPage';
import { robotSearch } from './pages/robot/rows';
import { robotTab } from './pages/robot/tabs';
import { type Search as ScheduleSearch, scheduleSearch } from './pages/schedule/schedules';
import { triggerSearch } from './pages/trigger/triggers';
import { VersionsPage } from './pages/workflow/VersionsPage';
import { WorkflowsPage } from './pages/workflow/WorkflowsPage';
import { lastTab } from './parts/FleetTabs';
import { Shell } from './Shell';
import { nouns } from './words/activity';

const root = createRootRoute({
  // The tenant that is looked at stays in the address on the way from page to page.
  validateSearch: (s: Record<string, unknown>): { tenant?: string } => (typeof s.tenant === 'string' && s.tenant ? { tenant: s.tenant } : {}),
  search: { middlewares: [retainSearchParams(['tenant'])] },
  component: Shell,
  notFoundComponent: NotFound,
});

const text = (v: unknown): string | undefined => (typeof v === 'string' && v !== '' ? v : undefined);
const panels: readonly Panel[] = ['node', 'placement', 'picker'];

/** canvasSearch keeps what the canvas knows of its address; anything else is dropped. */
function canvasSearch(s: Record<string, unknown>): CanvasSearch {
  const out: CanvasSearch = {};
  const put = <K extends keyof CanvasSearch>(k: K, v: CanvasSearch[K]) => {
    if (v !== undefined) out[k] = v;
  };
  put('node', text(s.node));
  put('run', text(s.run));
  put('robot', text(s.robot));
  put(
    'panel',
    panels.find((p) => p === s.panel),
  );
  put('mode', s.mode === 'local' || s.mode === 'cloud' ? s.mode : undefined);
  return out;
}

/** Who edits on the own machine begins with the workflows; everybody else with the fleet. */
const index = createRoute({
  getParentRoute: () => root,
  path: '/',
  beforeLoad: async () => {
    const meta = await call<{ mode: string }>('GET', '/meta').catch(() => undefined);
    if (meta?.mode === 'canvas') return Promise.reject(redirect({ to: '/workflows', search: { q: '' } }));
  },
  component: OverviewPage,
});

const fleet = createRoute({
  getParentRoute: () => root,
  path: '/fleet',
  beforeLoad: () => Promise.reject(redirect({ to: lastTab(), search: {} })),
});

const robots = createRoute({
  getParentRoute: () => root,
  path: '/fleet/robots',
  validateSearch: robotSearch,
  component: function Robots() {
    const navigate = useNavigate();
    return <RobotsPage search={robots.useSearch()} onSearch={(search, replace) => void navigate({ to: '/fleet/robots', search, replace })} />;
  },
});

const RobotPage = lazyRouteComponent(() => import('./pages/robot/RobotPage'), 'RobotPage');

const robot = createRoute({
  getParentRoute: () => root,
  path: '/fleet/robots/$id',
  validateSearch: robotTab,
  component: function Robot() {
    const { id } = robot.useParams();
    const navigate = useNavigate();
    return (
      <RobotPage
        key={id}
        id={id}
        search={robot.useSearch()}
        onSearch={(search) => void navigate({ to: '/fleet/robots/$id', params: { id }, search: robotTab({ ...search }) })}
      />
    );
  },
});

const jobs = createRoute({
  getParentRoute: () => root,
  path: '/fleet/jobs',
  validateSearch: jobSearch,
  component: function Jobs() {
    const navigate = useNavigate();
    return <JobsPage search={jobs.useSearch()} onSearch={(search, typed) => void navigate({ to: '/fleet/jobs', search, replace: typed ?? false })} />;
  },
});

const list = createRoute({
  getParentRoute: () => root,
  path: '/workflows',
  validateSearch: (s: Record<string, unknown>) => ({ q: text(s.q) ?? '' }),
  component: function List() {
    const { q } = list.useSearch();
    const navigate = useNavigate();
    return <WorkflowsPage query={q} onQuery={(query) => void navigate({ to: '/workflows', search: { q: query }, replace: true })} />;
  },
});

const Canvas = lazyRouteComponent(() => import('./canvas/route'), 'CanvasRoute');

const editor = createRoute({
  getParentRoute: () => root,
  path: '/workflows/$id',
  validateSearch: canvasSearch,
  component: function Editor() {
    const { id } = editor.useParams();
    return <Canvas source={id === 'new' ? {} : { workflow: id }} search={editor.useSearch()} />;
  },
});

const versions = createRoute({
  getParentRoute: () => root,
  path: '/workflows/$id/versions',
  component: function Versions() {
    const { id } = versions.useParams();
    return <VersionsPage id={id} />;
  },
});

const version = createRoute({
  getParentRoute: () => root,
  path: '/workflows/$id/versions/$v',
  validateSearch: canvasSearch,
  component: function Version() {
    const { id, v } = version.useParams();
    return <Canvas source={{ workflow: id, version: Number(v) || 0 }} search={version.useSearch()} />;
  },
});

const file = createRoute({
  getParentRoute: () => root,
  path: '/local/$',
  validateSearch: canvasSearch,
  component: function LocalFile() {
    const { _splat } = file.useParams();
    return <Canvas source={{ file: _splat ?? '' }} search={file.useSearch()} />;
  },
});

const JobPage = lazyRouteComponent(() => import('./pages/job/JobPage'), 'JobPage');
const RunGraph = lazyRouteComponent(() => import('./canvas/RunGraph'), 'RunGraph');

const job = createRoute({
  getParentRoute: () => root,
  path: '/fleet/jobs/$id',
  validateSearch: detailSearch,
  component: function JobDetail() {
    const { id } = job.useParams();
    const search = job.useSearch();
    const navigate = useNavigate();
    return (
      <JobPage
        key={id}
        id={id}
        search={search}
        onSearch={(more) =>
          void navigate({ to: '/fleet/jobs/$id', params: { id }, search: detailSearch({ ...search, ...more }), replace: !('tab' in more || 'pane' in more) })
        }
        graph={(p) => (
          <Suspense fallback={<p role="status">Loading the graph…</p>}>
            <RunGraph {...p} />
          </Suspense>
        )}
      />
    );
  },
});

const QueuesPage = lazyRouteComponent(() => import('./pages/queue/QueuesPage'), 'QueuesPage');
const DeadLettersPage = lazyRouteComponent(() => import('./pages/queue/DeadLettersPage'), 'DeadLettersPage');

const queues = createRoute({
  getParentRoute: () => root,
  path: '/fleet/queues',
  component: function Queues() {
    const navigate = useNavigate();
    return (
      <QueuesPage
        id=""
        search={{}}
        onSearch={() => undefined}
        onOpen={(id, search = {}) => void (id && navigate({ to: '/fleet/queues/$id', params: { id }, search }))}
      />
    );
  },
});

const queue = createRoute({
  getParentRoute: () => root,
  path: '/fleet/queues/$id',
  validateSearch: queueSearch,
  component: function Queue() {
    const { id } = queue.useParams();
    const navigate = useNavigate();
    return (
      <QueuesPage
        id={id}
        search={queue.useSearch()}
        onSearch={(search, replace = false) => void navigate({ to: '/fleet/queues/$id', params: { id }, search, replace })}
        onOpen={(to) => void (to ? navigate({ to: '/fleet/queues/$id', params: { id: to }, search: {} }) : navigate({ to: '/fleet/queues' }))}
      />
    );
  },
});

const deadLetters = createRoute({
  getParentRoute: () => root,
  path: '/fleet/dead-letters',
  validateSearch: (s: Record<string, unknown>): { view?: 'groups' | 'all' } => (s.view === 'groups' || s.view === 'all' ? { view: s.view } : {}),
  component: function DeadLetters() {
    const navigate = useNavigate();
    const { view = 'open' } = deadLetters.useSearch();
    return <DeadLettersPage key={view} view={view} onView={(v) => void navigate({ to: '/fleet/dead-letters', search: v === 'open' ? {} : { view: v } })} />;
  },
});

const KeysPage = lazyRouteComponent(() => import('./pages/key/KeysPage'), 'KeysPage');
const AnalyticsPage = lazyRouteComponent(() => import('./pages/analytics/AnalyticsPage'), 'AnalyticsPage');
const ActivityPage = lazyRouteComponent(() => import('./pages/activity/ActivityPage'), 'ActivityPage');
const AuditPage = lazyRouteComponent(() => import('./pages/audit/AuditPage'), 'AuditPage');

const keys = createRoute({
  getParentRoute: () => root,
  path: '/fleet/api-keys',
  validateSearch: (s: Record<string, unknown>): { ended?: true } => (s.ended === true ? { ended: true } : {}),
  component: function Keys() {
    const navigate = useNavigate();
    return <KeysPage ended={keys.useSearch().ended === true} onEnded={(on) => void navigate({ to: '/fleet/api-keys', search: on ? { ended: true } : {} })} />;
  },
});

const analytics = createRoute({
  getParentRoute: () => root,
  path: '/fleet/analytics',
  validateSearch: numbersSearch,
  component: function Analytics() {
    const navigate = useNavigate();
    return (
      <AnalyticsPage search={analytics.useSearch()} onSearch={(search) => void navigate({ to: '/fleet/analytics', search: numbersSearch({ ...search }) })} />
    );
  },
});

const activity = createRoute({
  getParentRoute: () => root,
  path: '/activity',
  validateSearch: (s: Record<string, unknown>): { kind?: string } => (nouns.some((n) => n === s.kind) ? { kind: s.kind as string } : {}),
  component: function Activity() {
    const navigate = useNavigate();
    return <ActivityPage noun={activity.useSearch().kind ?? ''} onNoun={(kind) => void navigate({ to: '/activity', search: kind ? { kind } : {} })} />;
  },
});

const audit = createRoute({
  getParentRoute: () => root,
  path: '/audit',
  validateSearch: auditSearch,
  component: function Audit() {
    const navigate = useNavigate();
    return <AuditPage search={audit.useSearch()} onSearch={(search) => void navigate({ to: '/audit', search, replace: true })} />;
  },
});

const SettingsPage = lazyRouteComponent(() => import('./pages/settings/SettingsPage'), 'SettingsPage');
const SetupPage = lazyRouteComponent(() => import('./pages/login/SetupPage'), 'SetupPage');

const SchedulesPage = lazyRouteComponent(() => import('./pages/schedule/SchedulesPage'), 'SchedulesPage');

/** Schedules is the list, and beside it the one that is open; the address narrows the list either way. */
function Schedules({ id, search }: { id: string; search: ScheduleSearch }) {
  const navigate = useNavigate();
  const go = (to: string, s: ScheduleSearch, replace = false) =>
    void (to ? navigate({ to: '/fleet/schedules/$id', params: { id: to }, search: s, replace }) : navigate({ to: '/fleet/schedules', search: s, replace }));
  const { outcome: _, ...list } = search;
  return <SchedulesPage id={id} search={search} onSearch={(s, typing) => go(id, s, typing)} onOpen={(to) => go(to, list)} />;
}

const schedules = createRoute({
  getParentRoute: () => root,
  path: '/fleet/schedules',
  validateSearch: scheduleSearch,
  component: () => <Schedules id="" search={schedules.useSearch()} />,
});

const schedule = createRoute({
  getParentRoute: () => root,
  path: '/fleet/schedules/$id',
  validateSearch: scheduleSearch,
  component: () => <Schedules id={schedule.useParams().id} search={schedule.useSearch()} />,
});

const TriggersPage = lazyRouteComponent(() => import('./pages/trigger/TriggersPage'), 'TriggersPage');

const triggers = createRoute({
  getParentRoute: () => root,
  path: '/fleet/triggers',
  component: function Triggers() {
    const navigate = useNavigate();
    return (
      <TriggersPage id="" search={{}} onSearch={() => undefined} onOpen={(id) => void navigate({ to: '/fleet/triggers/$id', params: { id }, search: {} })} />
    );
  },
});

const trigger = createRoute({
  getParentRoute: () => root,
  path: '/fleet/triggers/$id',
  validateSearch: triggerSearch,
  component: function TriggerDetail() {
    const { id } = trigger.useParams();
    const navigate = useNavigate();
    return (
      <TriggersPage
        id={id}
        search={trigger.useSearch()}
        onSearch={(search) => void navigate({ to: '/fleet/triggers/$id', params: { id }, search, replace: true })}
        onOpen={(to) => void (to ? navigate({ to: '/fleet/triggers/$id', params: { id: to }, search: {} }) : navigate({ to: '/fleet/triggers' }))}
      />
    );
  },
});

const IncidentsPage = lazyRouteComponent(() => import('./pages/alert/IncidentsPage'), 'IncidentsPage');

const incidents = createRoute({
  getParentRoute: () => root,
  path: '/incidents',
  validateSearch: incidentSearch,
  component: function Incidents() {
    const navigate = useNavigate();
    return <IncidentsPage id="" search={incidents.useSearch()} onSearch={(search) => void navigate({ to: '/incidents', search })} />;
  },
});

const incident = createRoute({
  getParentRoute: () => root,
  path: '/incidents/$id',
  validateSearch: incidentSearch,
  component: function IncidentDetail() {
    const navigate = useNavigate();
    return <IncidentsPage id={incident.useParams().id} search={incident.useSearch()} onSearch={(search) => void navigate({ to: '/incidents', search })} />;
  },
});

/** Who is not signed in sees the sign-in on every page; who is has nothing to do on its own. */
const login = createRoute({
  getParentRoute: () => root,
  path: '/login',
  validateSearch: (s: Record<string, unknown>): { problem?: string } => (text(s.problem) ? { problem: text(s.problem) ?? '' } : {}),
  component: () => <Navigate to="/" replace />,
});

const setup = createRoute({ getParentRoute: () => root, path: '/setup', component: () => <SetupPage /> });

const settings = createRoute({
  getParentRoute: () => root,
  path: '/settings',
  beforeLoad: () => Promise.reject(redirect({ to: '/settings/$part', params: { part: 'profile' } })),
});

const settingsPart = createRoute({
  getParentRoute: () => root,
  path: '/settings/$part',
  validateSearch: (s: Record<string, unknown>): { of?: string } => (text(s.of) ? { of: text(s.of) ?? '' } : {}),
  component: function Settings() {
    return <SettingsPage part={settingsPart.useParams().part} />;
  },
});

export const router = createRouter({
  routeTree: root.addChildren([
    index,
    fleet,
    robots,
    robot,
    jobs,
    list,
    editor,
    versions,
    version,
    file,
    job,
    queues,
    queue,
    deadLetters,
    keys,
    analytics,
    activity,
    audit,
    schedules,
    schedule,
    triggers,
    trigger,
    incidents,
    incident,
    login,
    setup,
    settings,
    settingsPart,
  ]),
  search: { strict: true }, // what a page does not know of its address is dropped from it
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
