import { useCallback } from 'react';
import { type Catalog, titleOf } from './catalog';
import type { Graph } from './model/graph';
import type { Fleet } from './useFleet';

/** useTitles gives the names that people know for ids of nodes and robots. */
export function useTitles(graph: Graph, catalog: Catalog, robots: Fleet['robots']) {
  const title = useCallback(
    (id: string) => {
      const n = graph.nodes.find((x) => x.id === id);
      if (n) return titleOf(n, catalog.byName.get(n.type));
      return id === '__auto_start__' ? 'Start' : id;
    },
    [graph.nodes, catalog],
  );
  const robotName = useCallback((id: string) => robots.find((r) => r.id === id)?.name ?? id, [robots]);
  return { title, robotName };
}
