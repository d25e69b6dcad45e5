import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { type Draft, dropDraft, keepDraft, keptDraft } from './draft';
import { blank, fromDoc, type Graph, open, save, toDoc } from './model/graph';
import { begin, type History, mapped, record, redo, seal, undo } from './model/history';
import { printJson } from './model/json';
import * as net from './net';
import { baseOf, keyOf, type Origin, rebased, type Source, savedWords, stored } from './origin';

export type { Origin, Source } from './origin';

export interface Editor {
  graph: Graph;
  origin: Origin;
  state: 'loading' | 'ready' | 'failed';
  trouble: net.Trouble | Error | undefined;
  dirty: boolean;
  saving: boolean;
  savedAs: string; // in words
  draft: Draft | undefined; // was restored
  discarded: boolean; // the draft is, and undo brings it back
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

/** Step is a state of the workflow, and what it is a change of. A draft that was begun on an older version stays a change of that one. */
interface Step {
  graph: Graph;
  base: string;
}

/** Discard is what undo calls the end of a draft. */
const Discard = 'Discard the draft';

/** useEditor opens a workflow and keeps its states. */
export function useEditor(source: Source): Editor {
  const [history, setHistory] = useState<History<Step>>(() => begin({ graph: blank('New workflow'), base: '' }));
  const [place, setPlace] = useState<Origin>({ kind: 'new' });
  const [state, setState] = useState<Editor['state']>('loading');
  const [trouble, setTrouble] = useState<Error>();
  const [saved, setSaved] = useState<Graph>(history.present.graph);
  const [saving, setSaving] = useState(false);
  const [draft, setDraft] = useState<Draft>();
  const [conflict, setConflict] = useState<Editor['conflict']>();
  const [again, setAgain] = useState(0);
  const { graph, base } = history.present;
  const origin = useMemo(() => rebased(place, base), [place, base]);
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
      let h = begin<Step>({ graph: g, base: baseOf(o) });
      let restored: Draft | undefined;
      if (kept && kept.text !== save(g)) {
        try {
          h = record(h, { graph: open(kept.text), base: kept.base ?? baseOf(o) }, 'Restore the draft');
          restored = kept;
        } catch {
          dropDraft(mine); // it cannot be read any more
        }
      }
      setHistory(h);
      setSaved(g);
      setPlace(o);
      setDraft(restored);
      setState('ready');
    };
    setState('loading');
    setTrouble(undefined);
    stored(source)
      .then((got) => show(got.graph, got.origin))
      .catch((e: unknown) => {
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
    (next, what, mark) =>
      setHistory((h) => {
        const was = h.present;
        const to = typeof next === 'function' ? next(was.graph) : next;
        return to === was.graph ? h : record(h, { graph: to, base: was.base }, what, mark);
      }),
    [],
  );

  /** rebase makes every state that was a change of what is open now one of what was stored or seen since. */
  const rebase = (o: Origin) => {
    const [from, to] = [baseOf(now.current.origin), baseOf(o)];
    setPlace(o);
    setHistory((h) => mapped(h, (s) => (s.base === from ? { ...s, base: to } : s)));
  };
  const done = (g: Graph, o: Origin) => {
    dropDraft(now.current.key);
    setSaved(g);
    rebase(o);
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
    const theirs = rebased(origin, c.etag ?? (c.version === undefined ? undefined : String(c.version)));
    if (how === 'mine') return rebase(theirs);
    setPlace(theirs);
    setHistory((h) => record(h, { graph: c.theirs, base: baseOf(theirs) }, 'Take the other version'));
    setSaved(c.theirs);
  };
  const discardDraft = () =>
    void attempt(async () => {
      const got = await stored(source); // as it is now
      setPlace(got.origin);
      setSaved(got.graph);
      setHistory((h) => record(h, { graph: got.graph, base: baseOf(got.origin) }, Discard));
    });
  const undoWhat = history.past.at(-1)?.what ?? '';

  return {
    graph,
    origin,
    state,
    trouble,
    dirty,
    saving,
    savedAs: savedWords(origin, dirty),
    draft: dirty ? draft : undefined,
    discarded: undoWhat === Discard,
    undoWhat,
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
    discardDraft,
    saveFile,
    publish,
    resolve,
    text: useMemo(() => () => printJson(toDoc(graph), 0), [graph]),
    retry: () => setAgain((n) => n + 1),
  };
}
