/** The pages that have a list and beside it what is open: one route each, so that the list stays while one goes from row to row. */
import { createRoute, lazyRouteComponent, redirect, useCanGoBack, useMatchRoute, useNavigate, useParams, useRouter } from '@tanstack/react-router';
import { incidentSearch } from './pages/alert/alerts';
import { type QueueSearch, queueSearch } from './pages/queue/items';
import { type Search as ScheduleSearch, scheduleSearch } from './pages/schedule/schedules';
import { triggerSearch } from './pages/trigger/triggers';
import { root } from './root';

const QueuesPage = lazyRouteComponent(() => import('./pages/queue/QueuesPage'), 'QueuesPage');

/** queueing is the list of queues, and beside it the one that is open. */
const queueing = createRoute({
  getParentRoute: () => root,
  id: 'queueing',
  validateSearch: queueSearch,
  component: function Queues() {
    const { id = '' } = useParams({ strict: false });
    const search = queueing.useSearch();
    const navigate = useNavigate();
    const open = (to: string, search: QueueSearch = {}, replace = false) =>
      void (to ? navigate({ to: '/fleet/queues/$id', params: { id: to }, search, replace }) : navigate({ to: '/fleet/queues', search: {} }));
    return <QueuesPage id={id} search={id ? search : {}} onSearch={(search, replace = false) => open(id, search, replace)} onOpen={open} />;
  },
});

const queues = createRoute({ getParentRoute: () => queueing, path: '/fleet/queues' });
const queue = createRoute({ getParentRoute: () => queueing, path: '/fleet/queues/$id' });

const queueItem = createRoute({
  getParentRoute: () => root,
  path: '/fleet/queues/$id/items/$item',
  beforeLoad: ({ params: { id, item } }) => Promise.reject(redirect({ to: '/fleet/queues/$id', params: { id }, search: { sel: item } })),
});

const SchedulesPage = lazyRouteComponent(() => import('./pages/schedule/SchedulesPage'), 'SchedulesPage');

/** scheduling is the list, beside it the one that is open, or over it the form of a new one; the address narrows the list each time. */
const scheduling = createRoute({
  getParentRoute: () => root,
  id: 'scheduling',
  validateSearch: scheduleSearch,
  component: function Schedules() {
    const { id = '' } = useParams({ strict: false });
    const fresh = useMatchRoute()({ to: '/fleet/schedules/new' }) !== false;
    const search = scheduling.useSearch();
    const within = useCanGoBack(); // else the form is where somebody came in
    const router = useRouter();
    const navigate = useNavigate();
    const go = (to: string, s: ScheduleSearch, replace = false) =>
      void (to ? navigate({ to: '/fleet/schedules/$id', params: { id: to }, search: s, replace }) : navigate({ to: '/fleet/schedules', search: s, replace }));
    const { outcome: _, ...list } = search;
    return (
      <SchedulesPage
        id={id}
        fresh={fresh}
        search={search}
        onSearch={(s, typing) => go(id, s, typing)}
        onOpen={(to) => go(to, list, fresh)} // the way back does not lead into a form that was left
        onNew={() => void navigate({ to: '/fleet/schedules/new', search: list })}
        onLeave={() => (within ? router.history.back() : go('', list, true))}
      />
    );
  },
});

const schedules = createRoute({ getParentRoute: () => scheduling, path: '/fleet/schedules' });
const newSchedule = createRoute({ getParentRoute: () => scheduling, path: '/fleet/schedules/new' });
const schedule = createRoute({ getParentRoute: () => scheduling, path: '/fleet/schedules/$id' });

const TriggersPage = lazyRouteComponent(() => import('./pages/trigger/TriggersPage'), 'TriggersPage');

/** triggering is the list of triggers, and beside it the one that is open. */
const triggering = createRoute({
  getParentRoute: () => root,
  id: 'triggering',
  validateSearch: triggerSearch,
  component: function Triggers() {
    const { id = '' } = useParams({ strict: false });
    const search = triggering.useSearch();
    const navigate = useNavigate();
    return (
      <TriggersPage
        id={id}
        search={id ? search : {}}
        onSearch={(search) => void (id && navigate({ to: '/fleet/triggers/$id', params: { id }, search, replace: true }))}
        onOpen={(to) => void (to ? navigate({ to: '/fleet/triggers/$id', params: { id: to }, search: {} }) : navigate({ to: '/fleet/triggers', search: {} }))}
      />
    );
  },
});

const triggers = createRoute({ getParentRoute: () => triggering, path: '/fleet/triggers' });
const trigger = createRoute({ getParentRoute: () => triggering, path: '/fleet/triggers/$id' });

const IncidentsPage = lazyRouteComponent(() => import('./pages/alert/IncidentsPage'), 'IncidentsPage');

/** watching is the list of incidents, and beside it the one that is open. */
const watching = createRoute({
  getParentRoute: () => root,
  id: 'watching',
  validateSearch: incidentSearch,
  component: function Incidents() {
    const { id = '' } = useParams({ strict: false });
    const navigate = useNavigate();
    return <IncidentsPage id={id} search={watching.useSearch()} onSearch={(search) => void navigate({ to: '/incidents', search })} />;
  },
});

const incidents = createRoute({ getParentRoute: () => watching, path: '/incidents' });
const incident = createRoute({ getParentRoute: () => watching, path: '/incidents/$id' });

export const lists = [
  queueing.addChildren([queues, queue]),
  queueItem,
  scheduling.addChildren([schedules, newSchedule, schedule]),
  triggering.addChildren([triggers, trigger]),
  watching.addChildren([incidents, incident]),
] as const;
