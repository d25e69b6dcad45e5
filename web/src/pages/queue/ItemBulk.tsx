import { useEffect, useRef, useState } from 'react';
import { call, type Schemas } from '../../api/client';
import type { Act } from '../../parts/act';
import { FormDialog } from '../../parts/FormDialog';
import css from '../../parts/parts';
import { countOf } from './items';

type Item = Schemas['QueueItem'];
type Body = Schemas['ManyItemsBody'];

const patience = 8; // seconds in which a delete can be taken back

interface Props {
  at: string; // of the queue
  others: readonly Schemas['QueueAnswer'][]; // to which items can be moved
  chosen: readonly Item[];
  act: Act;
  onClear: () => void;
  onDone: () => void;
}

/** ItemBulk is what can be done with the items that are chosen: one operation, with an answer for each of them. */
export function ItemBulk({ at, others, chosen, act, onClear, onDone }: Props) {
  const [open, setOpen] = useState<'postpone' | 'set_priority' | 'move'>();
  const send = (body: Body, doing: string) =>
    act
      .run(
        doing,
        () => call<Schemas['ManyItemsAnswer']>('POST', `${at}/items/change`, body),
        (a) => {
          const why = [...new Set(a.items.map((i) => i.why).filter(Boolean))].slice(0, 3).join(' ');
          return `${countOf(a.done)} done${a.refused > 0 ? `, ${a.refused} refused: ${why}` : '.'}`;
        },
      )
      .then((a) => {
        onClear();
        onDone();
        return a;
      });
  const later = useLater((ids) => void send({ ids, do: 'delete' }, 'Deleting…'));
  const ids = chosen.map((i) => i.id);
  const failed = chosen.filter((i) => ['failed', 'abandoned'].includes(i.status)).length;
  const fresh = chosen.filter((i) => i.status === 'new').length;
  const held = chosen.filter((i) => i.status === 'in_progress').length;
  return (
    <>
      {later.left > 0 && (
        <p className={css.said} role="status">
          {countOf(later.count)} {later.count === 1 ? 'is' : 'are'} deleted in {later.left} s.{' '}
          <button type="button" onClick={later.undo}>
            Undo
          </button>
        </p>
      )}
      {chosen.length > 0 && (
        <section className={`${css.bar} ${css.bulk}`} aria-label="With the chosen items">
          <strong>
            {countOf(chosen.length)} chosen ({fresh} new, {failed} failed or abandoned{held > 0 ? `, ${held} in progress` : ''})
          </strong>
          <button type="button" disabled={failed === 0 || act.busy} onClick={() => void send({ ids, do: 'retry' }, 'Retrying…')}>
            Retry
          </button>
          <button
            type="button"
            disabled={failed === 0 || act.busy}
            title="A person has settled what failed"
            onClick={() => void send({ ids, do: 'verify' }, 'Noting…')}
          >
            Mark settled
          </button>
          <button type="button" disabled={fresh === 0 || act.busy} onClick={() => setOpen('postpone')}>
            Postpone…
          </button>
          <button type="button" disabled={fresh === 0 || act.busy} onClick={() => setOpen('set_priority')}>
            Set priority…
          </button>
          <button
            type="button"
            disabled={fresh === 0 || others.length === 0 || act.busy}
            title={others.length === 0 ? 'There is no other queue.' : undefined}
            onClick={() => setOpen('move')}
          >
            Move…
          </button>
          <button
            type="button"
            disabled={held === chosen.length || act.busy}
            onClick={() => {
              later.start(ids);
              onClear();
            }}
          >
            Delete
          </button>
          <button type="button" onClick={onClear}>
            Clear
          </button>
        </section>
      )}
      {open === 'postpone' && (
        <FormDialog
          title={`Postpone ${countOf(fresh)}`}
          action="Postpone"
          fields={[{ key: 'until', label: 'Nobody takes them before', kind: 'time', required: true }]}
          send={(v) => send({ ids, do: 'postpone', until: new Date(v.until ?? '').toISOString() }, 'Postponing…')}
          onClose={() => setOpen(undefined)}
          onDone={() => undefined}
        />
      )}
      {open === 'move' && (
        <FormDialog
          title={`Move ${countOf(fresh)} to another queue`}
          action="Move"
          note="There they are new items at the end of the line, with the same reference, data, priority, times and remarks."
          fields={[{ key: 'to', label: 'Queue', kind: 'select', options: others.map((q) => ({ value: q.id, name: q.name })) }]}
          send={(v) => send({ ids: chosen.filter((i) => i.status === 'new').map((i) => i.id), do: 'move', to: v.to ?? '' }, 'Moving…')}
          onClose={() => setOpen(undefined)}
          onDone={() => undefined}
        />
      )}
      {open === 'set_priority' && (
        <FormDialog
          title={`Priority of ${countOf(fresh)}`}
          action="Set the priority"
          fields={[{ key: 'priority', label: 'Priority', kind: 'number', min: 0, max: 20, required: true, hint: '0 goes first' }]}
          initial={{ priority: '10' }}
          send={(v) => send({ ids, do: 'set_priority', priority: Number(v.priority) }, 'Setting…')}
          onClose={() => setOpen(undefined)}
          onDone={() => undefined}
        />
      )}
    </>
  );
}

/** useLater does something after a while, unless it is taken back. Whoever leaves the page does not wait. */
function useLater(run: (ids: string[]) => void) {
  const [wait, setWait] = useState<{ ids: string[]; left: number }>();
  const latest = useRef({ run, wait });
  latest.current = { run, wait };
  useEffect(() => {
    if (wait === undefined) return;
    const t = setTimeout(() => {
      if (wait.left > 1) return setWait({ ...wait, left: wait.left - 1 });
      setWait(undefined);
      latest.current.run(wait.ids);
    }, 1000);
    return () => clearTimeout(t);
  }, [wait]);
  useEffect(
    () => () => {
      const { run, wait } = latest.current;
      if (wait) run(wait.ids);
    },
    [],
  );
  return {
    left: wait?.left ?? 0,
    count: wait?.ids.length ?? 0,
    start: (ids: string[]) => {
      if (wait) latest.current.run(wait.ids); // the one before does not wait for it
      setWait({ ids, left: patience });
    },
    undo: () => setWait(undefined),
  };
}
