import { useState } from 'react';
import { call, type Schemas } from '../../api/client';
import { useAct } from '../../parts/act';
import { Confirm } from '../../parts/Confirm';
import css from '../../parts/parts';
import { Said } from '../../parts/Said';
import { parseItems } from './items';

interface Props {
  queue: Schemas['QueueAnswer'];
  onClose: () => void;
  onDone: () => void;
}

/** when turns what a person picked into a time of the API; empty: none. */
const when = (local: string): string | undefined => (local === '' ? undefined : new Date(local).toISOString());

export function AddItem({ queue, onClose, onDone }: Props) {
  const [reference, setReference] = useState('');
  const [data, setData] = useState('{}');
  const [level, setLevel] = useState('10');
  const [deadline, setDeadline] = useState('');
  const [later, setLater] = useState('');
  const act = useAct();
  const send = () => {
    let parsed: unknown;
    try {
      parsed = JSON.parse(data);
    } catch (e) {
      act.say(`The data is no JSON: ${(e as Error).message}`);
      return;
    }
    const body: Schemas['NewItemBody'] = { data: parsed, priority: Number(level) };
    if (reference) body.reference = reference;
    const [by, from] = [when(deadline), when(later)];
    if (by) body.deadline = by;
    if (from) body.not_before = from;
    void act
      .run(
        'Adding…',
        () => call<Schemas['QueueItem']>('POST', `/queues/${queue.id}/items`, body),
        (i) => `${i.reference ?? i.id} is added.`,
      )
      .then((i) => {
        if (!i) return;
        onDone();
        onClose();
      });
  };
  return (
    <Confirm title={`Add an item to ${queue.name}`} action="Add the item" busy={act.busy} onConfirm={send} onClose={onClose}>
      <label>
        Reference (what the business calls it) <input value={reference} onChange={(e) => setReference(e.target.value)} />
      </label>
      <label>
        Data, a JSON object <textarea value={data} spellCheck={false} onChange={(e) => setData(e.target.value)} />
      </label>
      <label>
        Priority, 0 to 20; 0 goes first <input type="number" min={0} max={20} value={level} onChange={(e) => setLevel(e.target.value)} />
      </label>
      <label>
        Deadline <input type="datetime-local" value={deadline} onChange={(e) => setDeadline(e.target.value)} />
      </label>
      <label>
        Not before <input type="datetime-local" value={later} onChange={(e) => setLater(e.target.value)} />
      </label>
      <Said act={act} />
    </Confirm>
  );
}

const most = 10_000;

/** ImportItems adds many items: lines of JSON, pasted or from a file. Each line that is refused says why. */
export function ImportItems({ queue, onClose, onDone }: Props) {
  const [text, setText] = useState('');
  const [all, setAll] = useState(false);
  const [answer, setAnswer] = useState<Schemas['AddedAnswer']>();
  const act = useAct();
  const parsed = parseItems(text);
  const refused = (answer?.items ?? []).filter((i) => i.status !== 'added');
  const send = () => {
    setAnswer(undefined);
    void act
      .run(
        `Adding ${parsed.items.length} items…`,
        () =>
          call<Schemas['AddedAnswer']>('POST', `/queues/${queue.id}/items/bulk`, {
            items: parsed.items,
            mode: all ? 'all_or_nothing' : 'each_alone',
          } satisfies Schemas['ItemsSchema']),
        (a) => `${a.added} added, ${a.refused} refused.`,
      )
      .then((a) => {
        setAnswer(a);
        if (a && a.added > 0) onDone();
      });
  };
  const tooMany = parsed.items.length > most;
  return (
    <Confirm
      wide
      title={`Import items into ${queue.name}`}
      action={`Add ${parsed.items.length} items`}
      back="Close"
      busy={act.busy}
      disabled={parsed.items.length === 0 || parsed.bad.length > 0 || tooMany}
      onConfirm={send}
      onClose={onClose}
    >
      <p>
        One JSON object a line, at most 10,000. <code>{'{"reference": "4711", "data": {"amount": 12}}'}</code>, or only the data of the item.
      </p>
      <label>
        File{' '}
        <input
          type="file"
          accept=".jsonl,.ndjson,.json,.txt"
          onChange={(e) => {
            const file = e.target.files?.[0];
            if (file) void file.text().then(setText);
          }}
        />
      </label>
      <label>
        Lines <textarea value={text} spellCheck={false} onChange={(e) => setText(e.target.value)} />
      </label>
      <label>
        <input type="checkbox" checked={all} onChange={(e) => setAll(e.target.checked)} /> All or none
      </label>
      {parsed.bad.length > 0 && (
        <p className={css.bad} role="alert">
          {parsed.bad
            .slice(0, 5)
            .map((b) => `Line ${b.line} ${b.why}.`)
            .join(' ')}
          {parsed.bad.length > 5 && ` ${parsed.bad.length - 5} more.`}
        </p>
      )}
      {tooMany && <p className={css.bad}>These are {parsed.items.length} items: use fleet queue import, which takes any number.</p>}
      <Said act={act} />
      {refused.length > 0 && (
        <ul>
          {refused.slice(0, 20).map((r) => (
            <li key={r.index}>
              Item {r.index + 1}: {r.error?.detail ?? r.status}
            </li>
          ))}
        </ul>
      )}
    </Confirm>
  );
}
