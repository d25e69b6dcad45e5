import { useEffect, useMemo, useState } from 'react';
import * as net from './net';
import type { Editor } from './useEditor';

/** Checked is what the server says of the workflow as it stands. */
export interface Checked {
  findings: readonly net.Finding[]; // errors first
  errors: number;
  warnings: number;
  marks: ReadonlyMap<string, 'error' | 'warning'>; // of nodes
  segments: readonly net.Segment[] | undefined; // undefined: it cannot be cut as long as it is wrong
}

/** pause is how long the workflow stands still before it is checked, ms. */
const pause = 400;

/** useChecked asks the server what is wrong with the workflow, and how its places cut it, a moment after each change. */
export function useChecked(ed: Editor): Checked {
  const [told, setTold] = useState<net.Validation>();
  useEffect(() => {
    if (ed.state !== 'ready') return;
    const end = new AbortController();
    const text = ed.text();
    const timer = setTimeout(() => {
      net
        .validate(text, end.signal)
        .then(setTold)
        .catch((e: unknown) => {
          if (end.signal.aborted) return;
          const message = e instanceof Error ? e.message : String(e);
          setTold({ valid: false, errors: [{ code: 'UNREADABLE', message }], warnings: [], segments: [] });
        });
    }, pause);
    return () => {
      clearTimeout(timer);
      end.abort();
    };
  }, [ed.text, ed.state]);
  const { nodes } = ed.graph;
  const marks = useMemo(() => {
    const out = new Map<string, 'error' | 'warning'>();
    for (const f of told?.warnings ?? []) if (f.node_id && nodes.find((n) => n.id === f.node_id)?.type !== 'CommentNode') out.set(f.node_id, 'warning');
    for (const f of told?.errors ?? []) if (f.node_id) out.set(f.node_id, 'error');
    return out;
  }, [told, nodes]);
  const findings = useMemo(() => [...(told?.errors ?? []), ...(told?.warnings ?? [])], [told]);
  return {
    findings,
    errors: told?.errors.length ?? 0,
    warnings: told?.warnings.length ?? 0,
    marks,
    segments: told?.valid ? told.segments : undefined,
  };
}
