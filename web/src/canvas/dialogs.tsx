import { useEffect, useRef, useState } from 'react';
import css from './dialogs.module.css';
import { changesOf, differences } from './diff';
import type { Graph } from './model/graph';
import type { Finding } from './net';
import ui from './ui.module.css';
import type { Editor } from './useEditor';

/** Problems lists what validation found; each leads to its node. */
export function Problems({
  findings,
  title,
  onNode,
  onClose,
}: {
  findings: readonly Finding[];
  title: (id: string) => string;
  onNode: (id: string) => void;
  onClose: () => void;
}) {
  return (
    <section className={css.problems} aria-label="Problems">
      <header className={css.problemsHead}>
        <h2>Problems</h2>
        <button type="button" className={ui.icon} aria-label="Close the problems" onClick={onClose}>
          ✕
        </button>
      </header>
      {findings.length === 0 ? (
        <p className={ui.hint}>Nothing is wrong with it.</p>
      ) : (
        <ul>
          {findings.map((f) => (
            <li key={f.code + (f.node_id ?? '') + f.message}>
              {f.node_id ? (
                <button type="button" className={ui.link} onClick={() => onNode(f.node_id ?? '')}>
                  {title(f.node_id)}
                </button>
              ) : (
                <strong>Workflow</strong>
              )}{' '}
              {f.message} {f.hint && <span className={ui.hint}>{f.hint}</span>}
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

/** Menu is the context menu. */
export function Menu({
  x,
  y,
  items,
  onClose,
}: {
  x: number;
  y: number;
  items: readonly (readonly [string, string, (() => void) | undefined])[];
  onClose: () => void;
}) {
  const box = useRef<HTMLDivElement>(null);
  const close = useRef(onClose);
  close.current = onClose;
  useEffect(() => {
    const before = document.activeElement as HTMLElement | null;
    box.current?.querySelector<HTMLButtonElement>('button:not(:disabled)')?.focus();
    const out = (e: PointerEvent) => {
      if (!box.current?.contains(e.target as Element)) close.current();
    };
    document.addEventListener('pointerdown', out);
    return () => {
      document.removeEventListener('pointerdown', out);
      before?.focus?.();
    };
  }, []);
  const keys = (e: React.KeyboardEvent) => {
    const list = [...(box.current?.querySelectorAll<HTMLButtonElement>('button:not(:disabled)') ?? [])];
    const at = list.indexOf(document.activeElement as HTMLButtonElement);
    if (e.key === 'ArrowDown') list[(at + 1) % list.length]?.focus();
    else if (e.key === 'ArrowUp') list[(at - 1 + list.length) % list.length]?.focus();
    else if (e.key === 'Home') list[0]?.focus();
    else if (e.key === 'End') list.at(-1)?.focus();
    else if (e.key === 'Escape' || e.key === 'Tab') onClose();
    else return;
    e.preventDefault();
    e.stopPropagation();
  };
  return (
    <div
      ref={box}
      className={css.menu}
      role="menu"
      tabIndex={-1}
      aria-label="Actions"
      style={{ left: Math.max(4, Math.min(x, window.innerWidth - 260)), top: Math.max(4, Math.min(y, window.innerHeight - items.length * 32 - 16)) }}
      onKeyDown={keys}
    >
      {items.map(([label, key, act]) => (
        <button
          key={label}
          type="button"
          role="menuitem"
          disabled={act === undefined}
          onClick={() => {
            onClose();
            act?.();
          }}
        >
          <span>{label}</span> <kbd>{key}</kbd>
        </button>
      ))}
    </div>
  );
}

export function Dialog({ label, onClose, children }: { label: string; onClose: () => void; children: React.ReactNode }) {
  const box = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const d = box.current;
    const before = document.activeElement as HTMLElement | null;
    d?.showModal();
    return () => {
      d?.close();
      before?.focus?.();
    };
  }, []);
  return (
    <dialog
      ref={box}
      className={css.dialog}
      aria-label={label}
      onCancel={(e) => {
        e.preventDefault();
        onClose();
      }}
    >
      <h2>{label}</h2>
      {children}
    </dialog>
  );
}

/** Conflict shows what somebody else has changed meanwhile, and asks which one to take. */
export function Conflict({
  mine,
  conflict,
  title,
  onResolve,
}: {
  mine: Graph;
  conflict: NonNullable<Editor['conflict']>;
  title: (id: string) => string;
  onResolve: Editor['resolve'];
}) {
  const d = differences(mine, conflict.theirs);
  const list = (ids: string[], g: Graph) => ids.map((id) => g.nodes.find((n) => n.id === id)?.title || title(id)).join(', ');
  return (
    <Dialog
      label={conflict.version === undefined ? 'The file was changed meanwhile' : `Version ${conflict.version} was published meanwhile`}
      onClose={() => onResolve('later')}
    >
      <p>Theirs, compared with yours:</p>
      <ul>
        {d.added.length > 0 && <li>also has {list(d.added, conflict.theirs)}</li>}
        {d.removed.length > 0 && <li>lacks {list(d.removed, mine)}</li>}
        {d.changed.map((id) => (
          <li key={id}>
            has other settings in {list([id], mine)} <span className={ui.mono}>{id}</span>
            <dl className={css.changes}>
              {changesOf(mine, conflict.theirs, id).map((c) => (
                <div key={c.what}>
                  <dt>{c.what}</dt>
                  <dd>
                    yours <del>{c.mine || 'nothing'}</del>, theirs <ins>{c.theirs || 'nothing'}</ins>
                  </dd>
                </div>
              ))}
            </dl>
          </li>
        ))}
        {d.links > 0 && <li>{d.links === 1 ? 'one connection differs' : `${d.links} connections differ`}</li>}
        {d.settings && <li>has other settings of the workflow</li>}
        {d.added.length + d.removed.length + d.changed.length + d.links === 0 && !d.settings && <li>has the same graph</li>}
      </ul>
      <p className={ui.hint}>Undo brings yours back after taking theirs. Keeping yours puts it on top of theirs the next time you store it.</p>
      <div className={css.dialogActions}>
        <button type="button" className={ui.button} onClick={() => onResolve('later')}>
          Not now
        </button>
        <button type="button" className={ui.button} onClick={() => onResolve('theirs')}>
          Take theirs
        </button>
        <button type="button" className={ui.primary} onClick={() => onResolve('mine')}>
          Keep mine
        </button>
      </div>
    </Dialog>
  );
}

/** requiredInputs names the values that a run needs and the document does not give. */
export function requiredInputs(g: { settings: ReadonlyMap<string, unknown> }): string[] {
  const fleet = g.settings.get('fleet');
  const inputs = fleet instanceof Map ? fleet.get('inputs') : undefined;
  const required = inputs instanceof Map ? inputs.get('required') : undefined;
  return Array.isArray(required) ? required.filter((r): r is string => typeof r === 'string') : [];
}

/** VariablesDialog asks for the inputs of a run. */
export function VariablesDialog({
  graph,
  way,
  onRun,
  onClose,
}: {
  graph: Graph;
  way: 'local' | 'cloud';
  onRun: (inputs: unknown) => void;
  onClose: () => void;
}) {
  const names = requiredInputs(graph);
  const [text, setText] = useState(() => JSON.stringify(Object.fromEntries(names.map((n) => [n, ''])), null, 2));
  const [wrong, setWrong] = useState('');
  return (
    <Dialog label="Inputs of the run" onClose={onClose}>
      <form
        onSubmit={(e) => {
          e.preventDefault();
          try {
            onRun(JSON.parse(text));
          } catch {
            setWrong('Write a JSON object.');
          }
        }}
      >
        <label className={ui.field}>
          Variables
          <textarea className={ui.mono} rows={8} value={text} onChange={(e) => setText(e.target.value)} />
        </label>
        {wrong && <p className={ui.bad}>{wrong}</p>}
        <div className={css.dialogActions}>
          <button type="button" className={ui.button} onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className={ui.primary}>
            {way === 'local' ? 'Run locally' : 'Submit to Cloud'}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
