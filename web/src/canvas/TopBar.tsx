import { useRef } from 'react';
import { type Item, Menu } from '../parts/Menu';
import { rename, save } from './model/graph';
import css from './topbar.module.css';
import ui from './ui.module.css';
import type { Editor } from './useEditor';

interface TopBarProps {
  ed: Editor;
  narrow: boolean;
  readOnly: boolean;
  mayWrite: boolean;
  folder: boolean; // files can be stored on this machine
  connected: boolean;
  errors: number;
  warnings: number;
  problemsOpen: boolean;
  run: { title: string; label: string };
  runs: React.ReactNode;
  ways: readonly Item[]; // to run it
  onProblems: () => void;
  onArrange: () => void;
  onSave: () => void;
  onRun: () => void;
}

/** TopBar names the workflow, says how it is stored, and has what is done with it as a whole. */
export function TopBar(props: TopBarProps) {
  const { ed, narrow, readOnly, mayWrite, folder, connected, errors, warnings, problemsOpen, run, onProblems, onArrange, onSave, onRun, runs, ways } = props;
  const { graph } = ed;
  const fileInput = useRef<HTMLInputElement>(null);
  const download = () => {
    const url = URL.createObjectURL(new Blob([save(graph)], { type: 'application/json' }));
    const a = document.createElement('a');
    a.href = url;
    a.download = `${graph.name || 'workflow'}.json`;
    a.click();
    URL.revokeObjectURL(url);
  };
  return (
    <header className={css.top}>
      <div className={css.names}>
        <h1 className={css.h1}>
          <span className={ui.hidden}>Canvas: </span>
          {readOnly || !mayWrite ? (
            graph.name || 'Untitled'
          ) : (
            <input
              className={css.nameInput}
              aria-label="Name of the workflow"
              value={graph.name}
              placeholder="Untitled"
              size={Math.max(12, graph.name.length)}
              title={graph.name}
              onChange={(e) => ed.change((g) => rename(g, e.target.value), 'Rename the workflow', 'name')}
              onBlur={ed.seal}
            />
          )}
        </h1>
        <span className={css.facts}>
          {ed.origin.kind === 'file' ? (
            <span className={ui.mono}>{ed.origin.path}</span>
          ) : ed.origin.kind === 'workflow' ? (
            `Version ${ed.origin.version}`
          ) : (
            'New'
          )}
          {' · '}
          <span data-dirty={ed.dirty || undefined}>{ed.saving ? 'Saving…' : ed.savedAs}</span>
          {narrow && ' · read-only on a narrow screen'}
        </span>
      </div>
      {!narrow && (
        <>
          <button
            type="button"
            className={ui.button}
            disabled={!ed.undoWhat}
            title={ed.undoWhat ? `Undo: ${ed.undoWhat} (Ctrl Z)` : 'Nothing to undo'}
            onClick={ed.undo}
          >
            Undo
          </button>
          <button
            type="button"
            className={ui.button}
            disabled={!ed.redoWhat}
            title={ed.redoWhat ? `Redo: ${ed.redoWhat} (Ctrl Shift Z)` : 'Nothing to redo'}
            onClick={ed.redo}
          >
            Redo
          </button>
          <button type="button" className={ui.button} title="Arrange the graph" onClick={onArrange}>
            Arrange
          </button>
          <button type="button" className={ui.button} onClick={() => fileInput.current?.click()}>
            Import
          </button>
          <input
            ref={fileInput}
            type="file"
            accept=".json,application/json"
            hidden
            aria-label="Workflow file"
            onChange={(e) => {
              const f = e.target.files?.[0];
              if (f) void f.text().then(ed.take);
              e.target.value = '';
            }}
          />
        </>
      )}
      <button type="button" className={ui.button} onClick={download}>
        Export
      </button>
      <button
        type="button"
        className={ui.button}
        aria-expanded={problemsOpen}
        data-level={errors > 0 ? 'error' : warnings > 0 ? 'warning' : undefined}
        onClick={onProblems}
      >
        {errors > 0 ? '✕' : warnings > 0 ? '▲' : '✓'} Problems {errors + warnings}
      </button>
      {!narrow && ed.origin.kind !== 'workflow' && folder && (
        <button type="button" className={ui.button} disabled={ed.saving || !mayWrite} title="Ctrl S" onClick={onSave}>
          Save
        </button>
      )}
      {!narrow && (
        <button
          type="button"
          className={ui.button}
          disabled={ed.saving || !mayWrite || !connected}
          title={
            !mayWrite
              ? 'Your role may not change workflows'
              : !connected
                ? 'Not connected to an orchestrator'
                : errors > 0
                  ? 'It cannot run yet'
                  : 'Store it as the next version'
          }
          onClick={() => void ed.publish()}
        >
          Publish
        </button>
      )}
      {runs}
      <span className={css.split}>
        <button type="button" className={ui.primary} title={run.title} onClick={onRun}>
          {run.label}
        </button>
        <Menu label="Ways to run" short="▾" items={ways} />
      </span>
    </header>
  );
}
