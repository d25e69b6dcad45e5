import { useMemo, useState } from 'react';
import { call, type Schemas } from '../../api/client';
import { useAct } from '../../parts/act';
import { Confirm } from '../../parts/Confirm';
import { fleet } from '../../parts/live';
import { Typed, TypedName, useProduction } from '../../parts/Production';
import parts from '../../parts/parts';
import { Radios } from '../../parts/Radios';
import { Said } from '../../parts/Said';
import type { Asked } from './actions';
import { asksRunning, asksUntil, asksWhy, bodyOf, effects, grave, hard, phrase, productionOf, type Running, takesAway, verbs, type Wish, wish } from './bulk';
import own from './robots.module.css';
import { count, counts } from './rows';

const spans = [
  { value: '', name: 'Until somebody resumes them' },
  { value: '0.25', name: '15 minutes' },
  { value: '1', name: '1 hour' },
  { value: '4', name: '4 hours' },
  { value: '24', name: '1 day' },
  { value: '168', name: '7 days' },
];

const runnings: readonly { value: Running; name: string }[] = [
  { value: 'keep', name: 'Wait for them' },
  { value: 'cancel', name: 'Cancel now' },
  { value: 'requeue', name: 'Hand back to the queue: they start again elsewhere' },
];

const waves: readonly { value: Wish['waves']; name: string }[] = [
  { value: 'all', name: 'All at once' },
  { value: 'size', name: 'So many robots at a time' },
  { value: 'percent', name: 'So many percent at a time' },
];

/** BulkDialog asks how something is done to many robots, and starts it as one operation of the server. */
export default function BulkDialog({ asked, onClose, onStarted }: { asked: Asked; onClose: () => void; onStarted: (bulk: string) => void }) {
  const [w, setW] = useState<Wish>(() => wish(asked.kind));
  const [typed, setTyped] = useState('');
  const act = useAct();
  const set = (more: Partial<Wish>) => setW((was) => ({ ...was, ...more }));
  // Of the moment in which the dialog was opened: numbers that move while one reads help nobody.
  const by = useMemo(() => counts(asked.ids.flatMap((id) => fleet.row(id) ?? [])), [asked.ids]);
  const n = asked.ids.length;
  const robots = n === 1 ? '1 robot' : `${count(n)} robots`;
  const marked = useProduction();
  const where = hard(w)
    ? productionOf(
        asked.ids.flatMap((id) => fleet.row(id) ?? []),
        marked.names,
      )
    : '';
  const must = where === '' && grave(w, n);
  const send = () => {
    const got = bodyOf(w, asked.ids);
    if ('wrong' in got) {
      act.say(got.wrong);
      return;
    }
    void act
      .run(
        'Asking…',
        () => call<Schemas['BulkEntry']>('POST', '/bulk-operations', got.body),
        () => '',
      )
      .then((made) => made && onStarted(made.bulk_id));
  };
  const verb = verbs[asked.kind];
  return (
    <Confirm
      title={`${verb}: ${robots}`}
      action={phrase(asked.kind, robots)}
      busy={act.busy}
      disabled={(hard(w) && !marked.known) || (must && typed.trim() !== String(n)) || (where !== '' && typed.trim() !== where)}
      onClose={onClose}
      onConfirm={send}
      wide
    >
      {n === 1 && <p className={parts.mono}>{fleet.row(asked.ids[0] ?? '')?.name ?? asked.ids[0]}</p>}
      <ul className={own.plain}>
        {effects(asked.kind, by, w.running).map((e) => (
          <li key={e}>{e}</li>
        ))}
      </ul>
      {asked.kind === 'tag' && (
        <>
          <label>
            Add tags, apart by blanks
            <input value={w.add} onChange={(e) => set({ add: e.target.value })} />
          </label>
          <label>
            Remove tags
            <input value={w.remove} onChange={(e) => set({ remove: e.target.value })} />
          </label>
        </>
      )}
      {asksRunning(asked.kind) && (
        <Radios
          legend="Running jobs"
          value={w.running}
          onChange={(running) => set({ running })}
          of={runnings.filter((r) => asked.kind !== 'stop' || r.value !== 'requeue')}
        />
      )}
      {asksUntil(asked.kind) && (
        <label>
          How long
          <select value={w.until} onChange={(e) => set({ until: e.target.value })}>
            {spans.map((s) => (
              <option key={s.value} value={s.value}>
                {s.name}
              </option>
            ))}
          </select>
        </label>
      )}
      {n > 1 && asked.kind !== 'tag' && (
        <Radios legend="Waves" value={w.waves} onChange={(v) => set({ waves: v })} of={waves}>
          {w.waves !== 'all' && (
            <label>
              {w.waves === 'percent' ? 'Percent of one wave' : 'Robots of one wave'}
              <input type="number" min={1} value={w.wave} onChange={(e) => set({ wave: e.target.value })} />
            </label>
          )}
          {takesAway(asked.kind) && (
            <label>
              Robots of each pool that stay at work
              <input type="number" min={0} value={w.atLeast} onChange={(e) => set({ atLeast: e.target.value })} />
            </label>
          )}
          <label>
            Stop when more than so many percent have failed
            <input type="number" min={0} max={100} value={w.stopAt} onChange={(e) => set({ stopAt: e.target.value })} />
          </label>
        </Radios>
      )}
      {asksWhy(asked.kind) && (
        <label>
          Reason
          <input value={w.note} maxLength={500} onChange={(e) => set({ note: e.target.value })} />
        </label>
      )}
      {where !== '' && <TypedName name={where} value={typed} onChange={setTyped} />}
      {must && <Typed word={String(n)} means={robots} value={typed} onChange={setTyped} />}
      <Said act={act} />
    </Confirm>
  );
}
