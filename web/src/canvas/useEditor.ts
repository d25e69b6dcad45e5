import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { type Draft, dropDraft, keepDraft, keptDraft } from './draft';
import { blank, fromDoc, type Graph, open, save, toDoc } from './model/graph';
import { begin, type History, record, redo, seal, undo } from './model/history';
import { printJson } from './model/json';
import * as net from './net';

/** Origin is where the workflow comes from and goes back to. */
export type Origin = { kind: 'new' } | { kind: 'file'; path: string; etag: string } | { kind: 'workflow'; id: string; version: number };

export interface Source {
  file?: string | undefined;
  workflow?: string | undefined;
  version?: number | undefined;
}

export interface Editor {
  graph: Graph;
  origin: Origin;
  state: 'loading' | 'ready' | 'failed';
  trouble: net.Trouble | Error | undefined;
  dirty: boolean;
  saving: boolean;
  savedAs: string; // in words
  draft: Draft | undefined; // was restored
  undoWhat: string;
  redoWhat: string;
  conflict: { theirs: Graph; version?: number; etag?: string } | undefined;
  change: (next: Graph | ((g: Graph) => Graph), what: string, mark?: string) => void;
  seal: () => void;
  undo: () => void;
  redo: () => void;
  take: (text: string) => void; // import
  discardDraft: () => void;
  saveFile: (path?: string) => Promise<boolean>;
  publish: () => Promise<boolean>;
  resolve: (how: 'theirs' | 'mine' | 'later') => void;
  text: () => string; // compact, for sending
  retry: () => void;
}

/** keyOf names the draft of what is open; a version that was asked for by its number has one of its own. */
const keyOf = (o: Origin, source: Source): string =>
  o.kind === 'file' ? `file:${o.path}` : o.kind === 'new' ? 'new' : source.version === undefined ? `workflow:${o.id}` : `workflow:${o.id}@${source.version}`;
const baseOf = (o: Origin): string => (o.kind === 'file' ? o.etag : o.kind === 'workflow' ? String(o.version) : '');

/** rebased is an origin as it was when a draft began: what others stored since then is a conflict, not a base. */
const rebased = (o: Origin, base: string | undefined): Origin => {
  if (base === undefined || o.kind === 'new') return o;
  return o.kind === 'file' ? { ...o, etag: base } : { ...o, version: Number(base) };
};

/** useEditor opens a workflow and keeps its states. */
export function useEditor(source: Source): Editor {
  const [history, setHistory] = useState<History<Graph>>(() => begin(blank('New workflow')));
  const [origin, setOrigin] = useState<Origin>({ kind: 'new' });
  const [state, setState] = useState<Editor['state']>('loading');
  const [trouble, setTrouble] = useState<Error>();
  const [saved, setSaved] = useState<Graph>(history.present);
  const [saving, setSaving] = useState(false);
  const [draft, setDraft] = useState<Draft>();
  const [conflict, setConflict] = useState<Editor['conflict']>();
  const [again, setAgain] = useState(0);
  const graph = history.present;
  const dirty = graph !== saved;
  const key = keyOf(origin, source);
  const now = useRef({ graph, origin, dirty, key });
  now.current = { graph, origin, dirty, key };
  const published = useRef(new Map<string, number>()); // versions that this page has stored of a file

  // biome-ignore lint/correctness/useExhaustiveDependencies: again asks for another try
  useEffect(() => {
    let gone = false;
    const show = (g: Graph, o: Origin) => {
      if (gone) return;
      const mine = keyOf(o, source);
      const kept = keptDraft(mine);
      let h = begin(g);
      let restored: Draft | undefined;
      if (kept && kept.text !== save(g)) {
        try {
          h = record(h, open(kept.text), 'Restore the draft');
          restored = kept;
        } catch {
          dropDraft(mine); // it cannot be read any more
        }
      }
      setHistory(h);
      setSaved(g);
      setOrigin(restored ? rebased(o, restored.base) : o);
      setDraft(restored);
      setState('ready');
    };
    const load = async () => {
      if (source.file !== undefined) {
        const f = await net.openFile(source.file);
        show(open(f.text ?? ''), { kind: 'file', path: f.path, etag: f.etag ?? '' });
      } else if (source.workflow !== undefined) {
        const w = await net.workflow(source.workflow, source.version);
        const g = fromDoc(w.doc);
        show(g.name ? g : { ...g, name: w.name }, { kind: 'workflow', id: w.id, version: w.version });
      } else show(blank('New workflow'), { kind: 'new' });
    };
    setState('loading');
    setTrouble(undefined);
    load().catch((e: unknown) => {
      if (gone) return;
      setTrouble(e instanceof Error ? e : new Error(String(e)));
      setState('failed');
    });
    return () => {
      gone = true;
    };
  }, [source.file, source.workflow, source.version, again]);

  const keep = useCallback(() => {
    const { graph: g, origin: o, dirty: changed, key: k } = now.current;
    if (changed) keepDraft(k, save(g), baseOf(o));
  }, []);
  // biome-ignore lint/correctness/useExhaustiveDependencies: each change of the graph waits anew
  useEffect(() => {
    if (state !== 'ready') return;
    if (!dirty) return dropDraft(key);
    const timer = setTimeout(keep, 800);
    return () => clearTimeout(timer);
  }, [graph, dirty, origin, key, state, keep]);
  useEffect(() => keep, [keep]); // who leaves by a link keeps the last change, too
  useEffect(() => {
    if (!dirty) return;
    const warn = (e: BeforeUnloadEvent) => {
      keep();
      e.preventDefault();
    };
    window.addEventListener('beforeunload', warn);
    return () => window.removeEventListener('beforeunload', warn);
  }, [dirty, keep]);

  const change = useCallback<Editor['change']>(
    (next, what, mark) => setHistory((h) => record(h, typeof next === 'function' ? next(h.present) : next, what, mark)),
    [],
  );

  const done = (g: Graph, o: Origin) => {
    dropDraft(now.current.key);
    setSaved(g);
    setOrigin(o);
    setDraft(undefined);
    setTrouble(undefined);
  };
  const attempt = async (f: () => Promise<void>): Promise<boolean> => {
    setSaving(true);
    try {
      await f();
      return true;
    } catch (e) {
      setTrouble(e instanceof Error ? e : new Error(String(e)));
      return false;
    } finally {
      setSaving(false);
    }
  };

  const saveFile = (as?: string) =>
    attempt(async () => {
      const { graph: g, origin: o } = now.current;
      const path = as ?? (o.kind === 'file' ? o.path : '');
      const etag = o.kind === 'file' && o.path === path ? o.etag : '';
      try {
        const f = await net.saveFile(path, save(g), etag);
        done(g, { kind: 'file', path: f.path, etag: f.etag ?? '' });
      } catch (e) {
        if (!(e instanceof net.Trouble) || e.code !== 'file_changed') throw e;
        const f = await net.openFile(path);
        setConflict({ theirs: open(f.text ?? ''), etag: f.etag ?? '' });
      }
    });
  const publish = () =>
    attempt(async () => {
      const { graph: g, origin: o } = now.current;
      try {
        const base = o.kind === 'workflow' ? o.version : (published.current.get(g.name) ?? 0);
        const v = await net.publish(g.name, printJson(toDoc(g), 0), base);
        published.current.set(g.name, v.version);
        if (o.kind !== 'file') done(g, { kind: 'workflow', id: v.id, version: v.version });
      } catch (e) {
        if (!(e instanceof net.Trouble) || e.code !== 'workflow_changed' || o.kind !== 'workflow') throw e;
        const w = await net.workflow(o.id);
        setConflict({ theirs: fromDoc(w.doc), version: w.version });
      }
    });
  const resolve: Editor['resolve'] = (how) => {
    const c = conflict;
    setConflict(undefined);
    if (!c || how === 'later') return;
    if (origin.kind === 'workflow' && c.version !== undefined) setOrigin({ ...origin, version: c.version });
    if (origin.kind === 'file' && c.etag !== undefined) setOrigin({ ...origin, etag: c.etag });
    if (how === 'theirs') {
      setHistory((h) => record(h, c.theirs, 'Take the other version'));
      setSaved(c.theirs);
    }
  };

  return {
    graph,
    origin,
    state,
    trouble,
    dirty,
    saving,
    savedAs: savedWords(origin, dirty),
    draft,
    undoWhat: history.past.at(-1)?.what ?? '',
    redoWhat: history.future[0]?.what ?? '',
    conflict,
    change,
    seal: useCallback(() => setHistory(seal), []),
    undo: useCallback(() => setHistory(undo), []),
    redo: useCallback(() => setHistory(redo), []),
    take: (text) => {
      try {
        const g = open(text);
        change(g, 'Import a file');
        setTrouble(undefined);
      } catch (e) {
        setTrouble(e instanceof Error ? e : new Error(String(e)));
      }
    },
    discardDraft: () => {
      setHistory(begin(saved));
      setDraft(undefined);
      setAgain((n) => n + 1); // as it is stored now
    },
    saveFile,
    publish,
    resolve,
    text: useMemo(() => () => printJson(toDoc(graph), 0), [graph]),
    retry: () => setAgain((n) => n + 1),
  };
}

function savedWords(o: Origin, dirty: boolean): string {
  if (o.kind === 'new') return dirty ? 'Not saved yet, kept as a draft' : 'Not saved yet';
  return dirty ? 'Unsaved, kept as a draft' : 'Saved';
}
