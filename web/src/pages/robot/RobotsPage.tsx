import { useNavigate } from '@tanstack/react-router';
import { lazy, memo, Suspense, useRef, useState } from 'react';
import { FleetTabs } from '../../parts/FleetTabs';
import { fleet, stream, useFleetState } from '../../parts/live';
import parts from '../../parts/parts';
import { Said } from '../../parts/Said';
import { Empty, Fault, Loading } from '../../parts/States';
import { useMay } from '../../parts/session';
import { robotCommands } from '../../parts/told';
import { label } from '../../parts/words';
import { chosenIds, useActions } from './actions';
import { BulkBar } from './BulkBar';
import { RobotTable, Waiting } from './RobotTable';
import css from './robots.module.css';
import { listOf, type RobotSearch, robotSearch, shapesOfPage, words } from './rows';
import { Counted, Toolbar } from './Toolbar';
import { useListed, useStable } from './use';
import { useChoice } from './useChoice';

const AddRobot = lazy(() => import('./AddRobot'));
const BulkDialog = lazy(() => import('./BulkDialog'));
const BulkDrawer = lazy(() => import('./BulkDrawer'));
const FleetHealth = lazy(() => import('./FleetHealth'));
const RobotGrid = lazy(() => import('./RobotGrid'));
const EditRobot = lazy(() => import('./dialogs').then((m) => ({ default: m.EditRobot })));
const Commands = lazy(() => import('../../parts/Commands').then((m) => ({ default: m.Commands })));
const RunDialog = lazy(() => import('../../parts/RunDialog').then((m) => ({ default: m.RunDialog })));

/** RobotsPage is the fleet as a table, as a grid of cells, and by its health. Its address carries what is looked at. */
export function RobotsPage({ search, onSearch }: { search: RobotSearch; onSearch: (s: RobotSearch, replace: boolean) => void }) {
  const state = useFleetState();
  const keys = useMay('keys:manage') ?? false;
  const [adding, setAdding] = useState(false);
  const filters = useRef<HTMLSelectElement>(null);
  const latest = useRef(search);
  latest.current = search;
  // Typing, walking and choosing change the address of this visit; a filter is another one, to which Back leads.
  const set = useStable((more: { [K in keyof RobotSearch]: RobotSearch[K] | undefined }, typed?: boolean) => {
    const next = robotSearch({ ...latest.current, ...more });
    const quiet = typed === true || Object.keys(more).every((k) => k === 'sel' || k === 'peek');
    latest.current = next;
    onSearch(next, quiet);
  });
  const go = useStable((s: RobotSearch) => onSearch(s, false));
  const choice = useChoice(search, set);
  const matching = () => listOf(fleet.all(), search).rows;
  const acting = useActions(choice, () => chosenIds(choice, matching));
  const navigate = useNavigate();
  const view = search.view ?? 'table';
  return (
    <div className={`${parts.page} ${parts.fixed} ${css.page}`}>
      <div className={css.top}>
        <h1>Robots</h1>
        <FleetTabs />
        <div className={css.topRight}>
          {state.loaded && <Counted search={search} />}
          <fieldset className={css.segments}>
            <legend>View</legend>
            {shapesOfPage.map((v) => (
              <button key={v} type="button" aria-pressed={view === v} onClick={() => set({ view: v === 'table' ? undefined : v })}>
                {label(v)}
              </button>
            ))}
          </fieldset>
          <button
            type="button"
            className={parts.primary}
            disabled={!keys}
            title={keys ? undefined : 'This needs the permission keys:manage.'}
            onClick={() => setAdding(true)}
          >
            Add robot
          </button>
        </div>
      </div>
      {view !== 'health' && <Toolbar search={search} set={set} onSearch={go} filters={filters} />}
      {state.error && <Fault error={state.error} asOf={state.loaded ? state.asOf : ''} again={() => stream.retry()} />}
      <Said act={acting.act} />
      {choice.count > 0 && (
        <BulkBar search={search} choice={choice} may={acting.may} manage={acting.manage} onAsk={(k) => acting.ask(k, chosenIds(choice, matching))} />
      )}
      {!state.loaded && !state.error && (view === 'table' ? <Waiting /> : <Loading what="robots" />)}
      {state.loaded && state.none && (
        <Empty command="fleet robot enrol --help">
          No robots yet. A robot is a machine that runs your workflows. Press Add robot for a command that makes one, with a token that works once.
        </Empty>
      )}
      {state.loaded && !state.none && view === 'table' && <RobotTable search={search} set={set} choice={choice} actions={acting.actions} />}
      {state.loaded && !state.none && view === 'grid' && (
        <Suspense fallback={<Loading what="the grid" />}>
          <RobotGrid search={search} set={set} actions={acting.actions} />
        </Suspense>
      )}
      {state.loaded && !state.none && view === 'health' && (
        <Suspense fallback={<Loading what="the health of the fleet" />}>
          <FleetHealth />
        </Suspense>
      )}
      {state.loaded && !state.none && view !== 'health' && <Nothing search={search} set={set} />}
      <Suspense fallback={null}>
        {adding && <AddRobot onClose={() => setAdding(false)} />}
        {acting.asked && (
          <BulkDialog
            asked={acting.asked}
            onClose={acting.close}
            onStarted={(bulk) => {
              acting.close();
              set({ bulk });
            }}
          />
        )}
        {search.bulk && <BulkDrawer key={search.bulk} id={search.bulk} onId={(bulk) => set({ bulk })} />}
        {acting.told && <Commands of={acting.told.name || acting.told.robot_id} list={robotCommands(acting.told, location.origin)} onClose={acting.close} />}
        {acting.editing && <EditRobot id={acting.editing} onClose={acting.close} onDone={() => acting.act.say('Saved.')} />}
        {acting.running && (
          <RunDialog
            robot={{ id: acting.running, name: fleet.row(acting.running)?.name ?? acting.running }}
            onClose={acting.close}
            onDone={(id) => void navigate({ to: '/fleet/jobs/$id', params: { id }, search: {} })}
          />
        )}
      </Suspense>
    </div>
  );
}

/** Nothing says that the filters leave nobody. */
const Nothing = memo(function Nothing({ search, set }: { search: RobotSearch; set: (more: Partial<Record<keyof RobotSearch, undefined>>) => void }) {
  const { rows } = useListed(search);
  if (rows.length > 0) return null;
  const on = [search.q && `“${search.q}”`, ...[search.status, search.cap, search.env, search.tag].flatMap((f) => words(f).map(label))].filter(Boolean);
  return (
    <div className={parts.empty}>
      <p>No robot matches {on.join(' + ')}.</p>
      <button type="button" onClick={() => set({ q: undefined, status: undefined, cap: undefined, env: undefined, tag: undefined })}>
        Clear filters
      </button>
    </div>
  );
});
