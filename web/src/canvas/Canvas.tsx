import { useState } from 'react';
import { Bars, NotOpened } from './Bars';
import { CanvasMenu } from './CanvasMenu';
import { ConnectDialog } from './ConnectDialog';
import type { Catalog } from './catalog';
import { Dock } from './Dock';
import { DockPanels } from './DockPanels';
import { Conflict, VariablesDialog } from './dialogs';
import { GraphArea } from './GraphArea';
import { connect } from './model/graph';
import { OtherVersion } from './OtherVersion';
import { Palette } from './Palette';
import css from './page.module.css';
import { RunPanel } from './RunPanel';
import { RunsMenu } from './RunsMenu';
import type { CanvasSearch } from './search';
import { TopBar } from './TopBar';
import { useChecked } from './useChecked';
import { type Source, useEditor } from './useEditor';
import { useEdits } from './useEdits';
import { may, useFleet } from './useFleet';
import { useKeys } from './useKeys';
import { useMenu } from './useMenu';
import { usePanels } from './usePanels';
import { useRunner } from './useRunner';
import { useSelection } from './useSelection';
import { useShownRun } from './useShownRun';
import { useStage } from './useStage';
import { type Opened, useStoring } from './useStoring';
import { useTitles } from './useTitles';
import { useWhere } from './useWhere';
import { Waiting } from './Waiting';

export interface CanvasProps {
  source: Source;
  search: CanvasSearch;
  catalog: Catalog;
  onSearch: (change: CanvasSearch) => void;
  jobHref: (id: string) => string;
  onOpened?: (to: Opened) => void;
}

const none: ReadonlySet<string> = new Set();

/** Canvas joins the parts of the page. What each of them does is in the hook or component of its name. */
export function Canvas({ source, search, onSearch, jobHref, onOpened, catalog }: CanvasProps) {
  const ed = useEditor(source);
  const { graph } = ed;
  const fleet = useFleet();
  const { title, robotName } = useTitles(graph, catalog, fleet.robots);
  const where = useWhere(fleet, robotName, search, onSearch);
  const checked = useChecked(ed);
  const sel = useSelection(ed, search.node);
  const stage = useStage(graph, sel);
  const { run, replay } = useShownRun(search.run, sel);
  const { panel, show, enter, toggle } = usePanels(search.panel, stage.root, stage.back, onSearch);
  const runner = useRunner({ ed, fleet, where, onPicker: () => show('picker'), onSearch, jobHref });
  const folder = Boolean(fleet.meta?.local.folder);
  const store = useStoring(ed, source, folder, onOpened);
  const [connecting, setConnecting] = useState(false);
  const [problemsOpen, setProblemsOpen] = useState(false);
  const [showPlaces, setShowPlaces] = useState(false);

  const { narrow } = stage;
  const mayWrite = may(fleet.me, 'workflows:write');
  const readOnly = narrow || ed.state !== 'ready';
  const connected = fleet.connection.state === 'connected';
  const edits = useEdits({ ed, sel, stage, catalog, readOnly, title, onAdded: () => show('node') });
  const rename = () => enter('name');
  const menu = useMenu({
    ed,
    sel,
    stage,
    edits,
    catalog,
    show,
    rename,
    onConnect: () => setConnecting(true),
    onPlaces: () => setShowPlaces((on) => !on),
  });
  const { node } = sel;

  useKeys({
    root: stage.root,
    onFocusNode: (id) => !sel.nodes.has(id) && sel.select(new Set([id])),
    onFocusLink: (key) => !sel.links.has(key) && sel.select(none, new Set([key])),
    save: () => mayWrite && !readOnly && !ed.saving && void store(),
    run: runner.go,
    undo: () => !readOnly && ed.undo(),
    redo: () => !readOnly && ed.redo(),
    duplicate: edits.duplicate,
    all: edits.all,
    add: () => {
      if (!readOnly) edits.setAdding({});
      return !readOnly;
    },
    remove: () => !readOnly && edits.remove(),
    open: () => {
      if (node) enter('node');
      return node !== undefined;
    },
    rename: () => {
      if (node && !readOnly) rename();
      return node !== undefined;
    },
    escape: () => {
      menu.close();
      edits.setAdding(undefined);
      setProblemsOpen(false);
    },
    back: stage.back,
    walk: stage.walk,
    move: edits.move,
    fit: stage.fit,
    zoom: stage.zoom,
    picker: () => toggle('picker'),
    placement: () => toggle('placement'),
    menu: menu.openByKey,
    copy: edits.copied,
    cut: edits.cut,
    paste: (text) => !readOnly && edits.paste(text),
  });

  if (ed.state === 'loading') return <Waiting what="the workflow" />;
  if (ed.state === 'failed') return <NotOpened ed={ed} />;
  return (
    <div ref={stage.root} className={css.page} data-narrow={narrow || undefined}>
      <TopBar
        ed={ed}
        narrow={narrow}
        readOnly={readOnly}
        mayWrite={mayWrite}
        folder={folder}
        connected={connected}
        errors={checked.errors}
        warnings={checked.warnings}
        problemsOpen={problemsOpen}
        run={{ title: where.title, label: where.label }}
        onProblems={() => setProblemsOpen((o) => !o)}
        onArrange={() => void edits.arrange()}
        onSave={() => void store()}
        onRun={runner.go}
        ways={runner.ways}
        runs={
          <RunsMenu
            key={ed.origin.kind === 'workflow' ? ed.origin.id : ''}
            workflow={connected && may(fleet.me, 'jobs:read') && ed.origin.kind === 'workflow' ? ed.origin.id : undefined}
            file={ed.origin.kind === 'file' ? ed.origin.path : undefined}
            local={where.local.enabled}
            shown={search.run}
            onRun={(id) => onSearch({ run: id })}
          />
        }
      />
      <Bars ed={ed} />
      <div className={css.middle}>
        {!narrow && (
          <nav className={css.left} aria-label="Nodes">
            <Palette catalog={catalog} onAdd={(t) => edits.add(t)} />
          </nav>
        )}
        <GraphArea
          ed={ed}
          sel={sel}
          stage={stage}
          edits={edits}
          catalog={catalog}
          checked={checked}
          runner={runner}
          run={replay.view}
          robotName={robotName}
          title={title}
          showPlaces={showPlaces}
          readOnly={readOnly}
          problemsOpen={problemsOpen}
          onProblems={setProblemsOpen}
          onOpen={(id) => {
            sel.select(new Set([id]));
            show('node');
          }}
          onMenu={menu.open}
        />
        <Dock panel={panel} narrow={narrow} onPanel={show}>
          <DockPanels
            panel={panel}
            ed={ed}
            sel={sel}
            catalog={catalog}
            checked={checked}
            fleet={fleet}
            where={where}
            runner={runner}
            readOnly={readOnly}
            title={title}
            showPlaces={showPlaces}
            onShowPlaces={setShowPlaces}
          />
        </Dock>
      </div>
      {search.run && (
        <RunPanel
          run={run}
          replay={replay}
          title={title}
          jobHref={jobHref}
          other={<OtherVersion job={run.job} origin={ed.origin} dirty={ed.dirty} />}
          onNode={stage.reveal}
          onClose={() => onSearch({ run: undefined })}
        />
      )}
      {menu.spot && (
        <CanvasMenu
          spot={menu.spot}
          node={node}
          link={menu.link}
          flows={menu.flows}
          many={sel.nodes.size}
          places={showPlaces}
          readOnly={readOnly}
          title={title}
          onClose={menu.close}
          acts={menu.acts}
        />
      )}
      {connecting && node && (
        <ConnectDialog
          graph={graph}
          catalog={catalog}
          from={node}
          title={title}
          onClose={() => setConnecting(false)}
          onConnect={(sourcePort, target, targetPort, oneIn) => {
            setConnecting(false);
            ed.change(connect(graph, { source: node.id, sourcePort, target, targetPort }, oneIn), 'Connect');
          }}
        />
      )}
      {ed.conflict && <Conflict mine={graph} conflict={ed.conflict} title={title} onResolve={ed.resolve} />}
      {runner.asking && <VariablesDialog graph={graph} way={runner.asking} onClose={runner.dismiss} onRun={runner.answer} />}
    </div>
  );
}
