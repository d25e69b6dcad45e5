import type { Catalog } from './catalog';
import { Problems } from './dialogs';
import { Flow } from './Flow';
import { Palette } from './Palette';
import css from './page.module.css';
import pop from './palette.module.css';
import type { RunView } from './run';
import { Toast } from './Toast';
import ui from './ui.module.css';
import type { Checked } from './useChecked';
import type { Editor } from './useEditor';
import type { Edits } from './useEdits';
import type { Runner } from './useRunner';
import type { Selection } from './useSelection';
import type { Stage } from './useStage';

/** GraphArea is the graph with what lies over it: the search for a node, what is wrong, what was submitted. */
export function GraphArea(p: {
  ed: Editor;
  sel: Selection;
  stage: Stage;
  edits: Edits;
  catalog: Catalog;
  checked: Checked;
  runner: Runner;
  run: RunView | undefined;
  robotName: (id: string) => string;
  title: (id: string) => string;
  showPlaces: boolean;
  readOnly: boolean;
  problemsOpen: boolean;
  onProblems: (open: boolean) => void;
  onOpen: (id: string) => void;
  onMenu: (x: number, y: number, on: { node?: string; link?: string }) => void;
}) {
  const { ed, sel, stage, edits, catalog, checked } = p;
  return (
    <div className={css.flow}>
      <Flow
        graph={ed.graph}
        catalog={catalog}
        selected={sel.nodes}
        selectedLinks={sel.links}
        problems={checked.marks}
        segments={checked.segments}
        run={p.run}
        robotName={p.robotName}
        showPlaces={p.showPlaces}
        readOnly={p.readOnly}
        onChange={ed.change}
        onSelect={sel.select}
        onOpen={p.onOpen}
        onDropType={edits.add}
        onMenu={p.onMenu}
        fitted={stage.fitted}
        fits={stage.fits}
        focus={stage.focus}
        onReady={stage.ready}
      />
      {ed.graph.nodes.length === 0 && !edits.adding && (
        <div className={css.nothing}>
          <p>No nodes yet. A workflow runs from its Start node along the connections.</p>
          {!p.readOnly && (
            <button type="button" className={ui.button} title="Tab" onClick={() => edits.setAdding({})}>
              Add a node
            </button>
          )}
        </div>
      )}
      {edits.adding && (
        <div className={pop.adding}>
          <Palette catalog={catalog} popup onAdd={(t) => edits.add(t)} onClose={() => edits.setAdding(undefined)} />
        </div>
      )}
      <Toast submission={p.runner.submission} />
      {p.problemsOpen && <Problems findings={checked.findings} title={p.title} onNode={stage.reveal} onClose={() => p.onProblems(false)} />}
    </div>
  );
}
