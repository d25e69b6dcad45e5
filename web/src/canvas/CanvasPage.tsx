import type { Edge, ReactFlowInstance } from '@xyflow/react';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { Any, afterMode, firstMode, type Mode, RobotPicker } from '../parts/RobotPicker';
import { CanvasMenu, type Spot } from './CanvasMenu';
import { ConnectDialog } from './ConnectDialog';
import css from './canvas.module.css';
import { type Catalog, catalogOf, portsOf, titleOf } from './catalog';
import { Dock } from './Dock';
import { Conflict, Problems, VariablesDialog } from './dialogs';
import { Flow, wholeGraph } from './Flow';
import { addNode, between, connect, copy, moveNodes, paste, placeOf, remove, setProperty } from './model/graph';
import type { Box } from './NodeBox';
import { NodePanel } from './NodePanel';
import * as net from './net';
import { OtherVersion } from './OtherVersion';
import { Palette } from './Palette';
import { PlacementPanel } from './PlacementPanel';
import { RunPanel } from './RunPanel';
import { RunsMenu } from './RunsMenu';
import { final } from './run';
import { Toast } from './Toast';
import { TopBar } from './TopBar';
import { type Source, useEditor } from './useEditor';
import { may, useFleet } from './useFleet';
import { useKeys } from './useKeys';
import { useReplay } from './useReplay';
import { useRun } from './useRun';
import { useRunner } from './useRunner';
import { Waiting } from './Waiting';

export type Panel = 'node' | 'placement' | 'picker';

/** CanvasSearch is what the address says of the page. */
export interface CanvasSearch {
  node?: string | undefined;
  panel?: Panel | undefined;
  run?: string | undefined; // id of a job, or local:ID
  robot?: string | undefined;
  mode?: Mode | undefined;
}

export interface CanvasPageProps {
  source: Source;
  search: CanvasSearch;
  onSearch: (change: CanvasSearch) => void;
  jobHref: (id: string) => string;
  onOpened?: (origin: { kind: 'workflow'; id: string } | { kind: 'file'; path: string }) => void;
}

const none: ReadonlySet<string> = new Set();

/** CanvasPage edits one workflow and runs it here or on the fleet. */
export function CanvasPage(props: CanvasPageProps) {
  const [catalog, setCatalog] = useState<Catalog>();
  const [failed, setFailed] = useState('');
  useEffect(() => {
    net
      .nodeTypes()
      .then((l) => setCatalog(catalogOf(l)))
      .catch((e: unknown) => setFailed(e instanceof Error ? e.message : String(e)));
  }, []);
  if (failed)
    return (
      <div className={css.message} role="alert">
        <h1>Canvas</h1>
        <p>The node types cannot be read: {failed}</p>
        <button type="button" className={css.button} onClick={() => location.reload()}>
          Try again
        </button>
      </div>
    );
  if (!catalog) return <Waiting what="the node types" />;
  return <Canvas {...props} catalog={catalog} />;
}

function Canvas({ source, search, onSearch, jobHref, onOpened, catalog }: CanvasPageProps & { catalog: Catalog }) {
  const ed = useEditor(source);
  const fleet = useFleet();
  const run = useRun();
  const replay = useReplay(run);
  const { graph } = ed;
  const [selected, setSelected] = useState<ReadonlySet<string>>(search.node ? new Set([search.node]) : none);
  const [links, setLinks] = useState<ReadonlySet<string>>(none);
  const [mode, setMode] = useState<Mode | undefined>(search.mode);
  const [robot, setRobot] = useState<string | null>(search.robot ?? null);
  const [adding, setAdding] = useState<{ x?: number; y?: number; link?: string }>(); // where the node goes that is being chosen
  const [menu, setMenu] = useState<Spot>();
  const [connecting, setConnecting] = useState(false);
  const copied = useRef(''); // where the clipboard cannot be read
  const [problemsOpen, setProblemsOpen] = useState(false);
  const [showPlaces, setShowPlaces] = useState(false);
  const [checked, setChecked] = useState<net.Validation>();
  const [narrow, setNarrow] = useState(() => window.innerWidth < 900);
  const flow = useRef<ReactFlowInstance<Box, Edge>>(undefined);
  const root = useRef<HTMLDivElement>(null);
  const fitted = useRef(true);
  const panel: Panel | undefined = search.panel;

  useEffect(() => {
    const look = () => setNarrow(window.innerWidth < 900);
    window.addEventListener('resize', look);
    return () => window.removeEventListener('resize', look);
  }, []);
  const mayWrite = may(fleet.me, 'workflows:write');
  const readOnly = narrow || ed.state !== 'ready';

  // Where it runs.
  const local = { enabled: fleet.meta?.local.enabled ?? false, host: fleet.meta?.local.host ?? '', reason: fleet.meta?.local.reason ?? '' };
  const where: Mode = mode ?? (fleet.meta ? firstMode(local.enabled) : 'local');
  const changeMode = (m: Mode) => {
    setMode(m);
    const next = afterMode(m, robot);
    setRobot(next);
    onSearch({ mode: m, robot: next ?? undefined, panel: 'picker' });
  };

  // What is wrong with it, a moment after each change.
  useEffect(() => {
    if (ed.state !== 'ready') return;
    const end = new AbortController();
    const text = ed.text();
    const timer = setTimeout(() => {
      net
        .validate(text, end.signal)
        .then(setChecked)
        .catch((e: unknown) => {
          if (end.signal.aborted) return;
          const message = e instanceof Error ? e.message : String(e);
          setChecked({ valid: false, errors: [{ code: 'UNREADABLE', message }], warnings: [] });
        });
    }, 400);
    return () => {
      clearTimeout(timer);
      end.abort();
    };
  }, [ed.text, ed.state]);
  const problems = useMemo(() => {
    const out = new Map<string, 'error' | 'warning'>();
    for (const f of checked?.warnings ?? [])
      if (f.node_id && graph.nodes.find((n) => n.id === f.node_id)?.type !== 'CommentNode') out.set(f.node_id, 'warning');
    for (const f of checked?.errors ?? []) if (f.node_id) out.set(f.node_id, 'error');
    return out;
  }, [checked, graph.nodes]);
  const findings = useMemo(() => [...(checked?.errors ?? []), ...(checked?.warnings ?? [])], [checked]);

  const title = useCallback(
    (id: string) => {
      const n = graph.nodes.find((x) => x.id === id);
      if (n) return titleOf(n, catalog.byName.get(n.type));
      return id === '__auto_start__' ? 'Start' : id;
    },
    [graph.nodes, catalog],
  );
  const robotName = useCallback((id: string) => fleet.robots.find((r) => r.id === id)?.name ?? id, [fleet.robots]);

  // What is gone, by undo perhaps, is selected no more.
  useEffect(() => {
    setSelected((was) => {
      const left = [...was].filter((id) => graph.nodes.some((n) => n.id === id));
      return left.length === was.size || graph.nodes.length === 0 ? was : new Set(left);
    });
  }, [graph.nodes]);
  const one = selected.size === 1 ? [...selected][0] : undefined;
  const node = one === undefined ? undefined : graph.nodes.find((n) => n.id === one);
  const select = useCallback(
    (nodes: ReadonlySet<string>, edges: ReadonlySet<string> = none) => {
      setSelected(nodes);
      setLinks(edges);
      ed.seal();
    },
    [ed.seal],
  );
  const derived = useMemo(() => {
    const of = one === undefined ? graph.nodes.filter((n) => placeOf(graph, n.id) === undefined) : graph.nodes.filter((n) => n.id === one);
    return [...new Set(of.flatMap((n) => catalog.byName.get(n.type)?.capability ?? []))].filter(Boolean);
  }, [graph, one, catalog]);
  const show = (p: Panel | undefined) => onSearch({ panel: p });
  const reveal = (id: string) => {
    select(new Set([id]));
    const n = graph.nodes.find((x) => x.id === id);
    fitted.current = false;
    if (n) void flow.current?.setCenter(n.x + 100, n.y + 50, { zoom: flow.current.getZoom() });
    root.current?.querySelector<HTMLElement>(`.react-flow__node[data-id="${CSS.escape(id)}"]`)?.focus({ preventScroll: true });
  };

  // A run of the past, or the one that goes on, by the address.
  const shownRun = search.run;
  // biome-ignore lint/correctness/useExhaustiveDependencies: only the address decides
  useEffect(() => {
    if (!shownRun) return run.leave();
    if (shownRun.startsWith('local:')) run.watch('local', shownRun.slice('local:'.length));
    else run.watch('job', shownRun);
  }, [shownRun]);

  const failedNode = run.view && final(run.view.status) ? run.view.failedNode : '';
  // biome-ignore lint/correctness/useExhaustiveDependencies: once for each run, and only where nothing is selected
  useEffect(() => {
    if (failedNode && selected.size === 0) select(new Set([failedNode]));
  }, [failedNode, run.view?.id]);

  // Changes.
  const add = (type: string, x?: number, y?: number) => {
    const link = graph.links.find((l) => l.key === adding?.link);
    if (link) {
      const t = catalog.byName.get(type);
      const [next, id] = between(graph, link.key, type, t?.exec_in === false ? 'in' : 'exec_in', t?.exec_out[0]);
      ed.change(next, `Insert ${t?.title ?? type}`);
      select(new Set([id]));
      setAdding(undefined);
      return show('node');
    }
    const box = root.current?.querySelector('.react-flow')?.getBoundingClientRect();
    const from = node;
    const at =
      x !== undefined && y !== undefined
        ? { x, y }
        : adding?.x !== undefined && adding.y !== undefined && flow.current
          ? flow.current.screenToFlowPosition({ x: adding.x, y: adding.y })
          : from
            ? { x: from.x + 280, y: from.y }
            : box && flow.current
              ? flow.current.screenToFlowPosition({ x: box.x + box.width / 2 - 100, y: box.y + box.height / 2 - 40 })
              : { x: 0, y: 0 };
    while (graph.nodes.some((n) => Math.abs(n.x - at.x) < 180 && Math.abs(n.y - at.y) < 90)) at.y += 110; // not on top of another
    const [next, id] = addNode(graph, type, at.x, at.y);
    ed.change(next, `Add ${catalog.byName.get(type)?.title ?? type}`);
    select(new Set([id]));
    setAdding(undefined);
    show('node');
  };
  const removeSelected = () => {
    if (selected.size + links.size === 0) return;
    ed.change(
      remove(graph, selected, links),
      selected.size > 0 ? `Delete ${selected.size === 1 ? title([...selected][0] ?? '') : `${selected.size} nodes`}` : 'Delete a connection',
    );
    select(none);
  };
  const insert = (text: string) => {
    try {
      const [next, ids] = paste(graph, text);
      ed.change(next, 'Paste');
      select(new Set(ids));
    } catch {
      // what is in the clipboard is no workflow
    }
  };
  const arrange = async () => {
    const { arranged } = await import('./layout'); // its library is large, and not everybody arranges
    const sizes = new Map((flow.current?.getNodes() ?? []).map((n) => [n.id, { width: n.measured?.width ?? 200, height: n.measured?.height ?? 90 }]));
    ed.change(moveNodes(graph, arranged(graph, sizes)), 'Arrange the graph');
    fitted.current = true;
    requestAnimationFrame(() => void flow.current?.fitView(wholeGraph));
  };
  const walk = (key: string) => {
    if (!node) return graph.nodes[0] && reveal(graph.nodes[0].id);
    const next =
      key === 'ArrowRight'
        ? graph.links.find((l) => l.source === node.id)?.target
        : key === 'ArrowLeft'
          ? graph.links.find((l) => l.target === node.id)?.source
          : sibling(key === 'ArrowDown' ? 1 : -1);
    if (next) reveal(next);
  };
  const sibling = (step: number): string | undefined => {
    const from = graph.links.find((l) => l.target === node?.id)?.source;
    const list = from ? graph.links.filter((l) => l.source === from).map((l) => l.target) : graph.nodes.map((n) => n.id);
    const i = list.indexOf(node?.id ?? '');
    return list[(i + step + list.length) % list.length];
  };

  const runner = useRunner({ ed, fleet, where, robot, changeMode, onPicker: () => show('picker'), onSearch, jobHref });
  const saveIt = async () => {
    if (ed.origin.kind === 'file') return void ed.saveFile();
    if (ed.origin.kind === 'new' && fleet.meta?.local.folder) {
      const path = `${
        (graph.name || 'workflow')
          .toLowerCase()
          .replace(/[^a-z0-9]+/g, '-')
          .replace(/^-+|-+$/g, '') || 'workflow'
      }.json`;
      if (await ed.saveFile(path)) onOpened?.({ kind: 'file', path });
      return;
    }
    await ed.publish();
  };
  const originId = ed.origin.kind === 'workflow' ? ed.origin.id : undefined;
  // biome-ignore lint/correctness/useExhaustiveDependencies: once the new workflow has an id
  useEffect(() => {
    if (originId && source.workflow === undefined && source.file === undefined) onOpened?.({ kind: 'workflow', id: originId });
  }, [originId]);
  const selection = (): string | undefined => {
    if (selected.size === 0) return undefined;
    copied.current = copy(graph, selected);
    return copied.current;
  };
  const cut = (): string | undefined => {
    const text = selection();
    if (text !== undefined && !readOnly) removeSelected();
    return text;
  };
  const toClipboard = (text: string | undefined) => {
    if (text !== undefined) navigator.clipboard?.writeText(text).catch(() => undefined); // what was copied is kept here, too
  };
  const fromClipboard = async () => {
    const text = await (navigator.clipboard?.readText?.() ?? Promise.reject(new Error('no clipboard'))).catch(() => '');
    insert(text || copied.current);
  };
  const fit = () => {
    fitted.current = true;
    void flow.current?.fitView(wholeGraph);
  };
  const all = () => select(new Set(graph.nodes.map((n) => n.id)));
  const duplicate = () => !readOnly && selected.size > 0 && insert(copy(graph, selected));
  const openMenu = (x: number, y: number, on: { node?: string; link?: string }) => {
    if (on.node && !selected.has(on.node)) select(new Set([on.node]));
    if (on.link) select(none, new Set([on.link]));
    setMenu({ x, y, ...on });
  };
  const rename = () => {
    show('node');
    requestAnimationFrame(() => root.current?.querySelector<HTMLInputElement>('[data-rename]')?.focus());
  };
  const move = (dx: number, dy: number) => {
    if (readOnly || selected.size === 0) return false;
    const to = new Map(graph.nodes.filter((n) => selected.has(n.id)).map((n) => [n.id, { x: n.x + dx, y: n.y + dy }]));
    ed.change(moveNodes(graph, to), to.size === 1 ? 'Move a node' : `Move ${to.size} nodes`, 'move by key');
    return true;
  };
  useKeys({
    root,
    onFocusNode: (id) => !selected.has(id) && select(new Set([id])),
    onFocusLink: (key) => !links.has(key) && select(none, new Set([key])),
    save: () => mayWrite && !readOnly && !ed.saving && void saveIt(),
    run: runner.go,
    undo: () => !readOnly && ed.undo(),
    redo: () => !readOnly && ed.redo(),
    duplicate,
    all,
    add: () => {
      if (!readOnly) setAdding({});
      return !readOnly;
    },
    remove: () => !readOnly && removeSelected(),
    open: () => {
      if (node) show('node');
      return node !== undefined;
    },
    rename: () => {
      if (node && !readOnly) rename();
      return node !== undefined;
    },
    escape: () => {
      setMenu(undefined);
      setAdding(undefined);
      setProblemsOpen(false);
    },
    walk,
    move,
    fit,
    zoom: (by) => {
      fitted.current = false;
      void (by > 0 ? flow.current?.zoomIn() : flow.current?.zoomOut());
    },
    picker: () => show(panel === 'picker' ? undefined : 'picker'),
    placement: () => show(panel === 'placement' ? undefined : 'placement'),
    menu: (x, y) => {
      const link = links.size === 1 && selected.size === 0 ? [...links][0] : undefined;
      const first = [...selected][0];
      openMenu(x, y, first ? { node: first } : link ? { link } : {});
    },
    copy: selection,
    cut,
    paste: (text) => !readOnly && insert(text),
  });
  const menuLink = menu?.link === undefined ? undefined : graph.links.find((l) => l.key === menu.link);
  const isFlow = (source: string | undefined, port: string | undefined) => {
    const n = graph.nodes.find((x) => x.id === source);
    return n !== undefined && portsOf(catalog.byName.get(n.type), n, graph.links).outputs.find((o) => o.name === port)?.type === 'exec';
  };

  if (ed.state === 'loading') return <Waiting what="the workflow" />;
  if (ed.state === 'failed')
    return (
      <div className={css.message} role="alert">
        <h1>Canvas</h1>
        <p>The workflow cannot be opened: {ed.trouble?.message}</p>
        {ed.trouble instanceof net.Trouble && ed.trouble.requestId && <p className={css.hint}>Request {ed.trouble.requestId}</p>}
        <button type="button" className={css.button} onClick={ed.retry}>
          Try again
        </button>{' '}
        <a href="/workflows" className={css.button}>
          All workflows
        </a>
      </div>
    );

  const errors = checked?.errors.length ?? 0;
  const warnings = checked?.warnings.length ?? 0;
  return (
    <div ref={root} className={css.page} data-narrow={narrow || undefined}>
      <TopBar
        ed={ed}
        narrow={narrow}
        readOnly={readOnly}
        mayWrite={mayWrite}
        folder={Boolean(fleet.meta?.local.folder)}
        connected={fleet.connection.state === 'connected'}
        errors={errors}
        warnings={warnings}
        problemsOpen={problemsOpen}
        run={{
          title: where === 'local' ? `Runs on ${local.host} (Ctrl Enter)` : 'Submit to the fleet (Ctrl Enter)',
          label: where === 'local' ? 'Run locally' : robot === null ? 'Run…' : robot === Any ? 'Run on any robot' : `Run on ${robotName(robot)}`,
        }}
        onProblems={() => setProblemsOpen((o) => !o)}
        onArrange={() => void arrange()}
        onSave={() => void saveIt()}
        onRun={runner.go}
        ways={[
          {
            name: 'Run locally',
            keys: where === 'local' ? 'Ctrl Enter' : '',
            run: runner.runLocally,
            ...(local.enabled ? {} : { why: local.reason || 'Nothing runs here' }),
          },
          { name: 'Submit to Cloud', keys: where === 'cloud' ? 'Ctrl Enter' : '', run: runner.toCloud, ...(runner.mayNot ? { why: runner.mayNot } : {}) },
          { name: 'Choose a robot…', keys: 'P', run: () => (where === 'cloud' ? show('picker') : changeMode('cloud')) },
        ]}
        runs={
          <RunsMenu
            key={originId ?? ''}
            workflow={fleet.connection.state === 'connected' && may(fleet.me, 'jobs:read') ? originId : undefined}
            file={ed.origin.kind === 'file' ? ed.origin.path : undefined}
            local={local.enabled}
            shown={search.run}
            onRun={(id) => onSearch({ run: id })}
          />
        }
      />
      {ed.draft && (
        <p className={css.bar} role="status">
          A draft of {ed.draft.at} was restored.{' '}
          <button type="button" className={css.link} onClick={ed.discardDraft}>
            Discard the draft
          </button>
        </p>
      )}
      {ed.trouble && (
        <p className={css.barBad} role="alert">
          {ed.trouble.message} {ed.trouble instanceof net.Trouble ? ed.trouble.fix : ''}
        </p>
      )}
      <div className={css.middle}>
        {!narrow && (
          <nav className={css.left} aria-label="Nodes">
            <Palette catalog={catalog} onAdd={(t) => add(t)} />
          </nav>
        )}
        <div className={css.flow}>
          {ed.state === 'ready' && (
            <Flow
              graph={graph}
              catalog={catalog}
              selected={selected}
              selectedLinks={links}
              problems={problems}
              run={replay.view}
              robotName={robotName}
              showPlaces={showPlaces}
              readOnly={readOnly}
              onChange={ed.change}
              onSelect={select}
              onOpen={(id) => {
                select(new Set([id]));
                show('node');
              }}
              onDropType={(t, x, y) => add(t, x, y)}
              onMenu={openMenu}
              fitted={fitted}
              onReady={(i) => {
                flow.current = i;
              }}
            />
          )}
          {ed.state === 'ready' && graph.nodes.length === 0 && !adding && (
            <div className={css.nothing}>
              <p>No nodes yet. A workflow runs from its Start node along the connections.</p>
              {!readOnly && (
                <button type="button" className={css.button} title="Tab" onClick={() => setAdding({})}>
                  Add a node
                </button>
              )}
            </div>
          )}
          {adding && (
            <div className={css.adding}>
              <Palette catalog={catalog} popup onAdd={(t) => add(t)} onClose={() => setAdding(undefined)} />
            </div>
          )}
          <Toast submission={runner.submission} />
          {problemsOpen && <Problems findings={findings} title={title} onNode={reveal} onClose={() => setProblemsOpen(false)} />}
        </div>
        <Dock panel={panel} narrow={narrow} onPanel={show}>
          {panel === 'node' && (
            <div role="tabpanel" aria-label="Node" className={css.panelBody}>
              {node ? (
                <NodePanel
                  key={node.id}
                  node={node}
                  catalog={catalog}
                  findings={findings.filter((f) => f.node_id === node.id)}
                  readOnly={readOnly}
                  onChange={ed.change}
                />
              ) : (
                <p className={css.hint}>{selected.size > 1 ? `${selected.size} nodes are selected.` : 'Select a node to see its settings. Tab adds one.'}</p>
              )}
            </div>
          )}
          {panel === 'placement' && (
            <div role="tabpanel" aria-label="Placement" className={css.panelBody}>
              <PlacementPanel
                graph={graph}
                node={one}
                title={title}
                robots={fleet.robots}
                connected={fleet.connection.state === 'connected' && fleet.meta !== undefined}
                readOnly={readOnly}
                derived={derived}
                show={showPlaces}
                onShow={setShowPlaces}
                onRefresh={fleet.refresh}
                onChange={ed.change}
              />
            </div>
          )}
          {panel === 'picker' && (
            <div role="tabpanel" aria-label="Robot Picker" className={css.pickerBody}>
              <RobotPicker
                robots={fleet.robots}
                asOf={fleet.asOf}
                mode={where}
                selected={robot}
                connection={fleet.connection}
                local={local}
                submission={runner.submission}
                live={fleet.live}
                may={runner.mayNot}
                onRobotSelected={(id) => {
                  setRobot(id);
                  onSearch({ robot: id ?? undefined });
                }}
                onExecutionModeChanged={changeMode}
                onRefreshRequested={fleet.refresh}
                onSubmitToCloudRequested={runner.submit}
                onRunLocally={runner.runLocally}
                onLiveChanged={fleet.setLive}
                {...(fleet.meta?.mode === 'canvas' ? { onConnect: fleet.connect } : {})}
              />
            </div>
          )}
        </Dock>
      </div>
      {search.run && (
        <RunPanel
          run={run}
          replay={replay}
          title={title}
          jobHref={jobHref}
          other={<OtherVersion job={run.job} origin={ed.origin} dirty={ed.dirty} />}
          onNode={reveal}
          onClose={() => onSearch({ run: undefined })}
        />
      )}
      {menu && (
        <CanvasMenu
          spot={menu}
          node={node}
          link={menuLink}
          flows={isFlow(menuLink?.source, menuLink?.sourcePort)}
          many={selected.size}
          places={showPlaces}
          readOnly={readOnly}
          title={title}
          onClose={() => setMenu(undefined)}
          acts={{
            settings: () => show('node'),
            placement: () => show('placement'),
            rename,
            connect: () => setConnecting(true),
            cut: () => toClipboard(cut()),
            copy: () => toClipboard(selection()),
            paste: () => void fromClipboard(),
            duplicate,
            bypass: () => node && ed.change(setProperty(graph, node.id, '_disabled', node.config.get('_disabled') === true ? undefined : true), 'Bypass'),
            remove: removeSelected,
            insert: (l) => setAdding({ link: l.key }),
            go: reveal,
            add: () => setAdding({ x: menu.x, y: menu.y }),
            comment: () => {
              const at = flow.current?.screenToFlowPosition({ x: menu.x, y: menu.y });
              add('CommentNode', at?.x, at?.y);
            },
            all,
            undo: ed.undoWhat ? ed.undo : undefined,
            redo: ed.redoWhat ? ed.redo : undefined,
            arrange: () => void arrange(),
            fit,
            places: () => setShowPlaces((on) => !on),
          }}
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
