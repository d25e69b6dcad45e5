import { useMemo } from 'react';
import { RobotPicker } from '../parts/RobotPicker';
import type { Catalog } from './catalog';
import css from './dock.module.css';
import { placeOf } from './model/graph';
import { NodePanel } from './NodePanel';
import { PlacementPanel } from './PlacementPanel';
import type { Panel } from './search';
import ui from './ui.module.css';
import type { Checked } from './useChecked';
import type { Editor } from './useEditor';
import type { Fleet } from './useFleet';
import type { Runner } from './useRunner';
import type { Selection } from './useSelection';
import type { Where } from './useWhere';

/** DockPanels is what stands in the dock: the settings of a node, where it runs, or the Robot Picker. */
export function DockPanels(p: {
  panel: Panel | undefined;
  ed: Editor;
  sel: Selection;
  catalog: Catalog;
  checked: Checked;
  fleet: Fleet;
  where: Where;
  runner: Runner;
  readOnly: boolean;
  title: (id: string) => string;
  showPlaces: boolean;
  onShowPlaces: (on: boolean) => void;
}) {
  const { ed, sel, catalog, fleet, where, runner } = p;
  const { graph } = ed;
  const { node } = sel;
  const derived = useMemo(() => {
    const of = node === undefined ? graph.nodes.filter((n) => placeOf(graph, n.id) === undefined) : [node];
    return [...new Set(of.flatMap((n) => catalog.byName.get(n.type)?.capability ?? []))].filter(Boolean);
  }, [graph, node, catalog]);
  return (
    <>
      {p.panel === 'node' && (
        <div role="tabpanel" aria-label="Node" className={css.panelBody}>
          {node ? (
            <NodePanel
              key={node.id}
              node={node}
              catalog={catalog}
              findings={p.checked.findings.filter((f) => f.node_id === node.id)}
              readOnly={p.readOnly}
              onChange={ed.change}
            />
          ) : (
            <p className={ui.hint}>{sel.nodes.size > 1 ? `${sel.nodes.size} nodes are selected.` : 'Select a node to see its settings. Tab adds one.'}</p>
          )}
        </div>
      )}
      {p.panel === 'placement' && (
        <div role="tabpanel" aria-label="Placement" className={css.panelBody}>
          <PlacementPanel
            graph={graph}
            node={node?.id}
            title={p.title}
            robots={fleet.robots}
            connected={fleet.connection.state === 'connected' && fleet.meta !== undefined}
            readOnly={p.readOnly}
            derived={derived}
            show={p.showPlaces}
            onShow={p.onShowPlaces}
            onRefresh={fleet.refresh}
            onChange={ed.change}
          />
        </div>
      )}
      {p.panel === 'picker' && (
        <div role="tabpanel" aria-label="Robot Picker" className={css.pickerBody}>
          <RobotPicker
            robots={fleet.robots}
            asOf={fleet.asOf}
            mode={where.mode}
            selected={where.robot}
            connection={fleet.connection}
            local={where.local}
            submission={runner.submission}
            live={fleet.live}
            may={runner.mayNot}
            onRobotSelected={where.setRobot}
            onExecutionModeChanged={where.setMode}
            onRefreshRequested={fleet.refresh}
            onSubmitToCloudRequested={runner.submit}
            onRunLocally={runner.runLocally}
            onLiveChanged={fleet.setLive}
            {...(fleet.connect ? { onConnect: fleet.connect } : {})}
          />
        </div>
      )}
    </>
  );
}
