import { createRoute, createRouter, lazyRouteComponent, Navigate, redirect, useNavigate } from '@tanstack/react-router';
import { Suspense } from 'react';
import { call } from './api/client';
import { canvasSearch } from './canvas/search';
import { lists } from './lists';
import { numbersSearch } from './pages/analytics/numbers';
import { auditSearch } from './pages/audit/audit';
import { JobsPage } from './pages/job/JobsPage';
import { detailSearch, jobSearch } from './pages/job/rows';
import { OverviewPage } from './pages/overview/OverviewPage';
import { RobotsPage } from './pages/robot/RobotsPage';
import { robotSearch } from './pages/robot/rows';
import { robotTab } from './pages/robot/tabs';
import { VersionsPage } from './pages/workflow/VersionsPage';
import { WorkflowsPage } from './pages/workflow/WorkflowsPage';
import { lastTab } from './parts/FleetTabs';
import { root } from './root';
import { nouns } from './words/activity';

const text = (v: unknown): string | undefined => (typeof v === 'string' && v !== '' ? v : undefined);

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

const DeadLettersPage = lazyRouteComponent(() => import('./pages/queue/DeadLettersPage'), 'DeadLettersPage');

const deadLetters = createRoute({
  getParentRoute: () => root,
  path: '/fleet/dead-letters',
  validateSearch: (s: Record<string, unknown>): { view?: 'groups' | 'all' } => (s.view === 'groups' || s.view === 'all' ? { view: s.view } : {}),
  component: function DeadLetters() {
    const navigate = useNavigate();
    const { view = 'open' } = deadLetters.useSearch();
    return (
      <DeadLettersPage
        key={view}
        view={view}
        onView={(v) => void navigate({ to: '/fleet/dead-letters', search: v === 'open' ? {} : { view: v } })}
        onJob={(id) => void navigate({ to: '/fleet/jobs/$id', params: { id }, search: {} })}
      />
    );
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

const CliPage = lazyRouteComponent(() => import('./pages/cli/CliPage'), 'CliPage');
const cli = createRoute({ getParentRoute: () => root, path: '/cli', component: () => <CliPage /> });

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
    deadLetters,
    keys,
    analytics,
    activity,
    audit,
    ...lists,
    cli,
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
