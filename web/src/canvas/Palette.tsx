import { useEffect, useMemo, useRef, useState } from 'react';
import { type Catalog, search } from './catalog';
import type { NodeType } from './net';
import css from './palette.module.css';
import ui from './ui.module.css';

/** Palette lists node types; one is dragged onto the graph or added with Enter. */
export function Palette({ catalog, onAdd, popup, onClose }: { catalog: Catalog; onAdd: (type: string) => void; popup?: boolean; onClose?: () => void }) {
  const [query, setQuery] = useState('');
  const [at, setAt] = useState(0);
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set(catalog.families.slice(0, 1)));
  const input = useRef<HTMLInputElement>(null);
  const found = useMemo(() => (query.trim() === '' ? [] : search(catalog, query).slice(0, 60)), [catalog, query]);
  useEffect(() => {
    if (popup) input.current?.focus();
  }, [popup]);

  const keys = (e: React.KeyboardEvent) => {
    if (e.key === 'Escape') {
      e.stopPropagation();
      if (query) setQuery('');
      else onClose?.();
    } else if (e.key === 'ArrowDown') setAt((n) => Math.min(found.length - 1, n + 1));
    else if (e.key === 'ArrowUp') setAt((n) => Math.max(0, n - 1));
    else if (e.key === 'Enter' && found[at]) {
      onAdd(found[at].node_type);
      setQuery('');
    } else return;
    e.preventDefault();
  };

  return (
    <div className={css.palette} {...(popup ? { role: 'dialog', 'aria-label': 'Add a node' } : {})}>
      <input
        ref={input}
        type="search"
        className={ui.search}
        placeholder="Search nodes"
        aria-label="Search nodes"
        aria-keyshortcuts="Tab"
        value={query}
        onChange={(e) => {
          setQuery(e.target.value);
          setAt(0);
        }}
        onKeyDown={keys}
      />
      {query.trim() !== '' ? (
        <ul className={css.types} aria-label="Nodes found">
          {found.map((t, i) => (
            <Entry key={t.node_type} type={t} family onAdd={onAdd} at={i === at} />
          ))}
          {found.length === 0 && <li className={ui.hint}>No node matches {query}</li>}
        </ul>
      ) : popup ? (
        <p className={ui.hint}>Type a name, then Enter.</p>
      ) : (
        <div className={css.families}>
          {catalog.families.map((f) => (
            <details
              key={f}
              open={open.has(f)}
              onToggle={(e) => {
                const on = e.currentTarget.open;
                setOpen((o) => {
                  if (o.has(f) === on) return o;
                  const next = new Set(o);
                  if (on) next.add(f);
                  else next.delete(f);
                  return next;
                });
              }}
            >
              <summary>{f}</summary>
              {open.has(f) && (
                <ul className={css.types}>
                  {catalog.list
                    .filter((t) => t.family === f)
                    .map((t) => (
                      <Entry key={t.node_type} type={t} onAdd={onAdd} />
                    ))}
                </ul>
              )}
            </details>
          ))}
        </div>
      )}
    </div>
  );
}

function Entry({ type: t, family, at, onAdd }: { type: NodeType; family?: boolean; at?: boolean; onAdd: (type: string) => void }) {
  const self = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (at) self.current?.scrollIntoView({ block: 'nearest' });
  }, [at]);
  return (
    <li>
      <button
        ref={self}
        type="button"
        className={css.type}
        data-at={at || undefined}
        draggable
        title={t.native ? t.node_type : `${t.node_type}: this version does not run it${t.reason ? `, because it ${t.reason}` : ''}`}
        onDragStart={(e) => {
          e.dataTransfer.setData('application/x-fleet-node', t.node_type);
          e.dataTransfer.effectAllowed = 'copy';
        }}
        onClick={() => onAdd(t.node_type)}
      >
        {t.title}
        {t.capability && <span className={css.needs}>needs {t.capability}</span>}
        {!t.native && <span className={css.needs}>not run here</span>}
        {family && <span className={css.family}>{t.family}</span>}
      </button>
    </li>
  );
}
