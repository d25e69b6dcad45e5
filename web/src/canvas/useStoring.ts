import { useEffect } from 'react';
import type { Editor, Source } from './useEditor';

/** Opened is what a new workflow has become. */
export type Opened = { kind: 'workflow'; id: string } | { kind: 'file'; path: string };

/** fileName makes the name of a file of the name of a workflow. */
export const fileName = (name: string): string =>
  `${
    (name || 'workflow')
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .replace(/^-+|-+$/g, '') || 'workflow'
  }.json`;

/** useStoring gives what Ctrl S does: a file is saved, a workflow published. The page then goes to where it is kept. */
export function useStoring(ed: Editor, source: Source, folder: boolean, onOpened: ((to: Opened) => void) | undefined): () => Promise<void> {
  const id = ed.origin.kind === 'workflow' ? ed.origin.id : undefined;
  // biome-ignore lint/correctness/useExhaustiveDependencies: once the new workflow has an id
  useEffect(() => {
    if (id && source.workflow === undefined && source.file === undefined) onOpened?.({ kind: 'workflow', id });
  }, [id]);
  return async () => {
    if (ed.origin.kind === 'file') {
      await ed.saveFile();
    } else if (ed.origin.kind === 'new' && folder) {
      const path = fileName(ed.graph.name);
      if (await ed.saveFile(path)) onOpened?.({ kind: 'file', path });
    } else await ed.publish();
  };
}
