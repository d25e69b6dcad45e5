import { useCallback, useEffect, useState } from 'react';
import type { GNode } from './model/graph';
import type { Editor } from './useEditor';

const none: ReadonlySet<string> = new Set();

/** Selection is what the next key or menu acts upon. */
export interface Selection {
  nodes: ReadonlySet<string>;
  links: ReadonlySet<string>;
  node: GNode | undefined; // if it is one alone
  select: (nodes: ReadonlySet<string>, links?: ReadonlySet<string>) => void;
  clear: () => void;
}

/** useSelection keeps what is selected. What is gone, by undo perhaps, is selected no more. */
export function useSelection(ed: Editor, first: string | undefined): Selection {
  const { graph, seal } = ed;
  const [nodes, setNodes] = useState<ReadonlySet<string>>(first ? new Set([first]) : none);
  const [links, setLinks] = useState<ReadonlySet<string>>(none);
  useEffect(() => {
    setNodes((was) => {
      const left = [...was].filter((id) => graph.nodes.some((n) => n.id === id));
      return left.length === was.size || graph.nodes.length === 0 ? was : new Set(left);
    });
  }, [graph.nodes]);
  const one = nodes.size === 1 ? [...nodes][0] : undefined;
  const select = useCallback(
    (next: ReadonlySet<string>, edges: ReadonlySet<string> = none) => {
      setNodes(next);
      setLinks(edges);
      seal();
    },
    [seal],
  );
  return {
    nodes,
    links,
    node: one === undefined ? undefined : graph.nodes.find((n) => n.id === one),
    select,
    clear: () => select(none),
  };
}
