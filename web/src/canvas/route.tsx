import { useNavigate } from '@tanstack/react-router';
import { CanvasPage } from './CanvasPage';
import type { CanvasSearch } from './search';
import type { Source } from './useEditor';

/** CanvasRoute is the canvas with its address. */
export function CanvasRoute({ source, search }: { source: Source; search: CanvasSearch }) {
  const navigate = useNavigate();
  return (
    <CanvasPage
      key={`${source.file ?? ''} ${source.workflow ?? ''} ${source.version ?? ''}`}
      source={source}
      search={search}
      onSearch={(change) =>
        void navigate({
          to: '.',
          replace: !('run' in change),
          search: ((was: CanvasSearch) => Object.fromEntries(Object.entries({ ...was, ...change }).filter(([, v]) => v !== undefined))) as never,
        })
      }
      jobHref={(id) => `/fleet/jobs/${encodeURIComponent(id)}`}
      onOpened={(o) => {
        if (o.kind === 'workflow') void navigate({ to: '/workflows/$id', params: { id: o.id }, search: search as never, replace: true });
        else void navigate({ to: '/local/$', params: { _splat: o.path }, search: search as never, replace: true });
      }}
    />
  );
}
