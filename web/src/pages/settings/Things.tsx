import { type ReactNode, useState } from 'react';
import { call } from '../../api/client';
import { useAct } from '../../parts/act';
import { Confirm } from '../../parts/Confirm';
import { type Field, FormDialog, type Values } from '../../parts/FormDialog';
import type { Asked } from '../../parts/live';
import css from '../../parts/parts';
import { Said } from '../../parts/Said';
import { Fault, Loading } from '../../parts/States';
import { type Head, Table } from '../../parts/Table';
import own from './settings.module.css';

export interface Form {
  title: string;
  action: string;
  note?: string;
  fields: readonly Field[];
  initial?: Values;
  send: (v: Values) => Promise<unknown>;
  done?: string; // said when it is sent
}

interface Removal {
  title: string;
  action: string;
  path: string;
  note: string; // what follows from it
  done?: string;
}

/** More is what else can be done with one: at once, or with a form of its own. */
export interface More {
  name: string;
  label: string; // with the name of the thing, for who listens
  form?: Form;
  send?: () => Promise<unknown>;
  done?: string;
}

interface Props<T> {
  title: string;
  hint?: string;
  list: Pick<Asked<unknown>, 'data' | 'error' | 'asOf' | 'again'>;
  rows: readonly T[];
  empty?: ReactNode;
  before?: ReactNode; // above the table
  after?: ReactNode; // below it
  may: boolean;
  add: string;
  edit: string;
  heads: readonly Head[];
  nameOf: (of: T) => string;
  idOf?: (of: T) => string; // where names repeat
  cells: (of: T) => ReactNode;
  form: (of: T | undefined) => Form; // undefined: a new one
  more?: (of: T) => readonly More[];
  remove?: (of: T) => Removal;
}

/** Things are what a part of the settings keeps: a table of them, a form to add and change one, and a question before one goes. */
export function Things<T>(p: Props<T>) {
  const [open, setOpen] = useState<{ of: T | undefined; form?: Form }>();
  const [gone, setGone] = useState<T>();
  const act = useAct();
  const form = open && (open.form ?? p.form(open.of)); // told anew, as its choices come in
  const removal = gone === undefined ? undefined : p.remove?.(gone);
  const now = (m: More) =>
    void act
      .run(
        'Sending…',
        () => m.send?.() ?? Promise.resolve(),
        () => m.done ?? '',
      )
      .then(p.list.again);
  return (
    <section aria-label={p.title}>
      <div className={css.bar}>
        <h2>{p.title}</h2>
        <span className={css.grow} />
        <button type="button" className={css.primary} disabled={!p.may} onClick={() => setOpen({ of: undefined })}>
          {p.add}…
        </button>
      </div>
      {p.hint && <p className={css.hint}>{p.hint}</p>}
      <Said act={act} />
      {p.before}
      {p.list.error && <Fault error={p.list.error} asOf={p.list.data ? p.list.asOf : ''} again={p.list.again} />}
      {!p.list.data && !p.list.error && <Loading what={p.title.toLowerCase()} />}
      {p.list.data !== undefined && p.rows.length === 0 && p.empty}
      {p.rows.length > 0 && (
        <Table label={`${p.title}, table`} heads={[...p.heads, 'Actions']}>
          {p.rows.map((t) => (
            <tr key={(p.idOf ?? p.nameOf)(t)}>
              {p.cells(t)}
              <td className={css.acts}>
                <div className={own.acts}>
                  <button type="button" disabled={!p.may} aria-label={`${p.edit} ${p.nameOf(t)}`} onClick={() => setOpen({ of: t })}>
                    {p.edit}…
                  </button>
                  {p.more?.(t).map((m) => (
                    <button
                      key={m.name}
                      type="button"
                      disabled={!p.may || act.busy}
                      aria-label={m.label}
                      onClick={() => (m.form ? setOpen({ of: t, form: m.form }) : now(m))}
                    >
                      {m.name}
                    </button>
                  ))}
                  {p.remove && (
                    <button type="button" disabled={!p.may} aria-label={`Delete ${p.nameOf(t)}`} onClick={() => setGone(t)}>
                      Delete…
                    </button>
                  )}
                </div>
              </td>
            </tr>
          ))}
        </Table>
      )}
      {p.after}
      {form && (
        <FormDialog
          {...form}
          onClose={() => setOpen(undefined)}
          onDone={() => {
            act.say(form.done ?? '');
            p.list.again();
          }}
        />
      )}
      {gone !== undefined && removal && (
        <Confirm
          title={removal.title}
          action={removal.action}
          onClose={() => setGone(undefined)}
          onConfirm={() => {
            setGone(undefined);
            void act
              .run(
                'Deleting…',
                () => call('DELETE', removal.path),
                () => removal.done ?? `${p.nameOf(gone)} is deleted.`,
              )
              .then(p.list.again);
          }}
        >
          <p>{removal.note}</p>
        </Confirm>
      )}
    </section>
  );
}
