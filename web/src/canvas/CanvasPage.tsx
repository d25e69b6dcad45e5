import type { Edge, ReactFlowInstance } from '@xyflow/react';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { Any, afterMode, firstMode, type Mode, RobotPicker, type Submission } from '../parts/RobotPicker';
import css from './canvas.module.css';
import { type Catalog, catalogOf, titleOf } from './catalog';
import { Conflict, Menu, Problems, requiredInputs, VariablesDialog } from './dialogs';
import { Flow } from './Flow';
import { addNode, copy, moveNodes, paste, remove, setProperty } from './model/graph';
import type { Box } from './NodeBox';
import { NodePanel } from './NodePanel';
import * as net from './net';
import { OtherVersion } from './OtherVersion';
import { Palette } from './Palette';
import { PlacementPanel } from './PlacementPanel';
import { RunPanel } from './RunPanel';
import { RunsMenu } from './RunsMenu';
import { final } from './run';
import { TopBar } from './TopBar';
import { type Source, useEditor } from './useEditor';
import { may, useFleet } from './useFleet';
import { useReplay } from './useReplay';
import { useRun } from './useRun';

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
  if (!catalog) return <div className={css.message} aria-busy="true" />;
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
  const [submission, setSubmission] = useState<Submission>({ state: 'idle' });
  const [floating, setFloating] = useState(false);
  const [adding, setAdding] = useState(false);
  const [menu, setMenu] = useState<{ x: number; y: number; node: string | undefined }>();
  const [problemsOpen, setProblemsOpen] = useState(false);
  const [showPlaces, setShowPlaces] = useState(false);
  const [ask, setAsk] = useState(false); // for the inputs of a run here
  const [inputs, setInputs] = useState<unknown>();
  const [checked, setChecked] = useState<net.Validation>();
  const [narrow, setNarrow] = useState(() => window.innerWidth < 900);
  const flow = useRef<ReactFlowInstance<Box, Edge>>(undefined);
  const root = useRef<HTMLDivElement>(null);
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
  const show = (p: Panel | undefined) => onSearch({ panel: p });
  const reveal = (id: string) => {
    select(new Set([id]));
    const n = graph.nodes.find((x) => x.id === id);
    if (n) void flow.current?.setCenter(n.x + 100, n.y + 50, { zoom: flow.current.getZoom() });
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
    const box = root.current?.querySelector('.react-flow')?.getBoundingClientRect();
    const from = node;
    const at =
      x !== undefined && y !== undefined
        ? { x, y }
        : from
          ? { x: from.x + 280, y: from.y }
          : box && flow.current
            ? flow.current.screenToFlowPosition({ x: box.x + box.width / 2 - 100, y: box.y + box.height / 2 - 40 })
            : { x: 0, y: 0 };
    while (graph.nodes.some((n) => Math.abs(n.x - at.x) < 180 && Math.abs(n.y - at.y) < 90)) at.y += 110; // not on top of another
    const [next, id] = addNode(graph, type, at.x, at.y);
    ed.change(next, `Add ${catalog.byName.get(type)?.title ?? type}`);
    select(new Set([id]));
    setAdding(false);
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
    requestAnimationFrame(() => void flow.current?.fitView({ maxZoom: 1, padding: 0.2 }));
  };
  const walk = (key: string) => {
    if (!node) return graph.nodes[0] && select(new Set([graph.nodes[0].id]));
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

  // Runs.
  const runLocally = () => {
    if (!local.enabled) return;
    if (graph.doc && requiredInputs(graph).length > 0) return setAsk(true);
    void startLocal(inputs);
  };
  const startLocal = async (vars: unknown) => {
    setAsk(false);
    setInputs(vars);
    try {
      const r = await net.startLocal(ed.text(), graph.name, ed.origin.kind === 'file' ? ed.origin.path : '', vars);
      onSearch({ run: `local:${r.run_id}` });
    } catch (e) {
      setSubmission({ state: 'error', message: e instanceof Error ? e.message : String(e) });
    }
  };
  const submit = async (robotId?: string) => {
    const target = robotId ?? robot;
    if (target === null || submission.state === 'submitting') return;
    setAsk(false);
    setSubmission({ state: 'submitting' });
    try {
      const job = await net.submit(ed.text(), graph.name, target === Any ? undefined : target, inputs);
      setSubmission({ state: 'success', message: job.job_id, href: jobHref(job.job_id) });
      onSearch({ run: job.job_id });
    } catch (e) {
      setSubmission({ state: 'error', message: e instanceof Error ? e.message : String(e) });
    }
  };
  const go = () => {
    if (where === 'local') return runLocally();
    if (robot === null || fleet.connection.state !== 'connected') return show('picker');
    void submit();
  };
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
  // Keys of the canvas; those of text fields are theirs.
  const keys = (e: React.KeyboardEvent) => {
    const el = e.target as HTMLElement;
    const ctrl = e.ctrlKey || e.metaKey;
    const typing = el.closest('input, textarea, select, [contenteditable]') !== null;
    const inFlow = el.closest('.react-flow') !== null || el === root.current;
    const done = (f: () => void) => {
      e.preventDefault();
      f();
    };
    if (ctrl && e.key.toLowerCase() === 's') return done(() => !e.repeat && mayWrite && !readOnly && !ed.saving && void saveIt());
    if (ctrl && e.key === 'Enter') return done(() => !e.repeat && go());
    if (ctrl && !typing && e.key.toLowerCase() === 'z') return done(() => !readOnly && (e.shiftKey ? ed.redo() : ed.undo()));
    if (ctrl && !typing && e.key.toLowerCase() === 'y') return done(() => !readOnly && ed.redo());
    if (typing || e.altKey) return;
    if (ctrl) {
      switch (e.key.toLowerCase()) {
        case 'd':
          return done(() => !readOnly && selected.size > 0 && insert(copy(graph, selected)));
        case 'a':
          return inFlow && done(() => select(new Set(graph.nodes.map((n) => n.id))));
      }
      return;
    }
    switch (e.key) {
      case 'Tab':
        if (inFlow && !e.shiftKey && !readOnly) done(() => setAdding(true));
        return;
      case 'Delete':
      case 'Backspace':
        return inFlow && !readOnly && done(removeSelected);
      case 'Enter':
        return inFlow && node && done(() => show('node'));
      case 'F2':
        return (
          node &&
          done(() => {
            show('node');
            requestAnimationFrame(() => root.current?.querySelector<HTMLInputElement>('[data-rename]')?.focus());
          })
        );
      case 'Escape':
        return done(() => {
          setMenu(undefined);
          setAdding(false);
          setProblemsOpen(false);
        });
      case 'ArrowLeft':
      case 'ArrowRight':
      case 'ArrowUp':
      case 'ArrowDown':
        return inFlow && done(() => walk(e.key));
      case '0':
        return inFlow && done(() => void flow.current?.fitView({ maxZoom: 1, padding: 0.2 }));
      case '+':
      case '=':
        return inFlow && done(() => void flow.current?.zoomIn());
      case '-':
        return inFlow && done(() => void flow.current?.zoomOut());
      case 'p':
      case 'P':
        return done(() => show(panel === 'picker' ? undefined : 'picker'));
      case 'r':
      case 'R':
        return done(() => show(panel === 'placement' ? undefined : 'placement'));
    }
  };
  const clipboard = (e: React.ClipboardEvent, what: 'copy' | 'cut' | 'paste') => {
    if ((e.target as HTMLElement).closest('input, textarea, select')) return;
    if (what === 'paste') {
      if (!readOnly) insert(e.clipboardData.getData('text/plain'));
    } else if (selected.size > 0) {
      e.clipboardData.setData('text/plain', copy(graph, selected));
      if (what === 'cut' && !readOnly) removeSelected();
    } else return;
    e.preventDefault();
  };

  if (ed.state === 'failed')
    return (
      <div className={css.message} role="alert">
        <h1>Canvas</h1>
        <p>The workflow cannot be opened: {ed.trouble?.message}</p>
        {ed.trouble instanceof net.Trouble && ed.trouble.requestId && <p className={css.hint}>Request {ed.trouble.requestId}</p>}
        <button type="button" className={css.button} onClick={ed.retry}>
          Try again
        </button>
      </div>
    );

  const errors = checked?.errors.length ?? 0;
  const warnings = checked?.warnings.length ?? 0;
  const mayRun = may(fleet.me, 'jobs:run') ? undefined : fleet.me ? 'Your role may not run jobs. Ask an admin.' : undefined;
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: keys of the page as a whole; each has a control of its own
    <div
      ref={root}
      className={css.page}
      data-narrow={narrow || undefined}
      onKeyDown={keys}
      onCopy={(e) => clipboard(e, 'copy')}
      onCut={(e) => clipboard(e, 'cut')}
      onPaste={(e) => clipboard(e, 'paste')}
    >
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
        onRun={go}
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
              onMenu={(x, y, n) => {
                if (n && !selected.has(n)) select(new Set([n]));
                setMenu({ x, y, node: n });
              }}
              onReady={(i) => {
                flow.current = i;
              }}
            />
          )}
          {adding && (
            <div className={css.adding}>
              <Palette catalog={catalog} popup onAdd={(t) => add(t)} onClose={() => setAdding(false)} />
            </div>
          )}
          {problemsOpen && <Problems findings={findings} title={title} onNode={reveal} onClose={() => setProblemsOpen(false)} />}
        </div>
        <aside
          className={css.right}
          aria-label="Panels"
          data-open={panel !== undefined || undefined}
          data-floating={(floating && panel === 'picker') || undefined}
        >
          <div role="tablist" aria-label="Panels" className={css.tabs}>
            {(
              [
                ['node', 'Node', 'Enter'],
                ['placement', 'Placement', 'R'],
                ['picker', 'Robot Picker', 'P'],
              ] as const
            ).map(([p, label, key]) => (
              <button
                key={p}
                type="button"
                role="tab"
                aria-selected={panel === p}
                title={`${label} (${key})`}
                onClick={() => show(panel === p ? undefined : p)}
              >
                {label}
              </button>
            ))}
          </div>
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
                submission={submission}
                live={fleet.live}
                may={mayRun}
                floating={floating}
                onRobotSelected={(id) => {
                  setRobot(id);
                  onSearch({ robot: id ?? undefined });
                }}
                onExecutionModeChanged={changeMode}
                onRefreshRequested={fleet.refresh}
                onSubmitToCloudRequested={(id) => void submit(id)}
                onRunLocally={runLocally}
                onLiveChanged={fleet.setLive}
                {...(fleet.meta?.mode === 'canvas' ? { onConnect: fleet.connect } : {})}
                onFloat={() => setFloating((f) => !f)}
                onClose={() => show(undefined)}
              />
            </div>
          )}
        </aside>
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
        <Menu
          x={menu.x}
          y={menu.y}
          onClose={() => setMenu(undefined)}
          items={
            menu.node
              ? [
                  ['Settings', 'Enter', () => show('node')],
                  ['Placement', 'R', () => show('placement')],
                  ['Duplicate', 'Ctrl D', readOnly ? undefined : () => insert(copy(graph, selected))],
                  ['Copy as JSON', 'Ctrl C', () => void navigator.clipboard?.writeText(copy(graph, selected))],
                  [
                    node?.config.get('_disabled') === true ? 'Run it again' : 'Bypass',
                    '',
                    readOnly
                      ? undefined
                      : () => node && ed.change(setProperty(graph, node.id, '_disabled', node.config.get('_disabled') === true ? undefined : true), 'Bypass'),
                  ],
                  ['Delete', 'Del', readOnly ? undefined : removeSelected],
                ]
              : [
                  ['Add a node', 'Tab', readOnly ? undefined : () => setAdding(true)],
                  ['Add a comment', '', readOnly ? undefined : () => add('CommentNode')],
                  ['Arrange', '', readOnly ? undefined : () => void arrange()],
                  ['Show all', '0', () => void flow.current?.fitView({ maxZoom: 1, padding: 0.2 })],
                ]
          }
        />
      )}
      {ed.conflict && <Conflict mine={graph} conflict={ed.conflict} title={title} onResolve={ed.resolve} />}
      {ask && <VariablesDialog graph={graph} onClose={() => setAsk(false)} onRun={(v) => void startLocal(v)} />}
    </div>
  );
}
