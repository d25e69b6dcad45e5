import { useState } from 'react';
import { call, type Schemas } from '../../api/client';
import type { Act } from '../../parts/act';
import { FormDialog } from '../../parts/FormDialog';
import { later } from '../../parts/later';
import css from '../../parts/parts';
import { countOf } from './items';

type Item = Schemas['QueueItem'];
type Body = Schemas['ManyItemsBody'];

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
  const ids = chosen.map((i) => i.id);
  const failed = chosen.filter((i) => ['failed', 'abandoned'].includes(i.status)).length;
  const fresh = chosen.filter((i) => i.status === 'new').length;
  const stay = chosen.length - fresh;
  const held = chosen.filter((i) => i.status === 'in_progress').length;
  return (
    <>
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
            title={
              others.length === 0 ? 'There is no other queue.' : fresh === 0 ? 'Only items that are new move. Retry what failed: its retry is new.' : undefined
            }
            onClick={() => setOpen('move')}
          >
            Move…
          </button>
          <button
            type="button"
            disabled={held === chosen.length || act.busy}
            onClick={() => {
              later(`${countOf(ids.length)} ${ids.length === 1 ? 'is' : 'are'} deleted in 8 s.`, () => void send({ ids, do: 'delete' }, 'Deleting…'));
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
          note={`There they are new items at the end of the line, with the same reference, data, priority, times and remarks.${stay > 0 ? ` ${countOf(stay)} of those chosen ${stay === 1 ? 'is' : 'are'} not new and ${stay === 1 ? 'stays' : 'stay'}. Retry what failed: its retry is new and can be moved.` : ''}`}
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
