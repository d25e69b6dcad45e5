import { Menu } from '../../parts/Menu';
import type { Format } from './actions';

/** Exporting saves chosen jobs, or all that match, as a file; or copies the command that does it. */
export interface Exporting {
  save: (ids: readonly string[] | undefined, format: Format) => void;
  copy?: (format: Format) => void;
}

/** ExportMenu offers the forms of an export. */
export function ExportMenu({ items: { save, copy }, ids }: { items: Exporting; ids?: readonly string[] | undefined }) {
  return (
    <Menu
      label="Export"
      items={[
        { name: 'As CSV', run: () => save(ids, 'csv') },
        { name: 'As JSON lines', run: () => save(ids, 'jsonl') },
        ...(ids || !copy ? [] : [{ name: 'Copy as CLI', run: () => copy('csv') }]),
      ]}
    />
  );
}
