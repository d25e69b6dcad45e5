import { useId, useState } from 'react';
import { useAct } from './act';
import { Confirm } from './Confirm';
import { Many } from './Many';
import css from './parts';
import { Said } from './Said';

export type Values = Record<string, string>;

export interface Field {
  key: string;
  label: string;
  kind?: 'text' | 'number' | 'password' | 'select' | 'check' | 'area' | 'email' | 'time' | 'many';
  options?: readonly { value: string; name: string }[];
  free?: boolean; // many: what is on no list may be named too
  required?: boolean;
  hint?: string;
  min?: number;
  max?: number;
}

interface Props {
  title: string;
  action: string;
  fields: readonly Field[];
  initial?: Values;
  note?: string;
  send: (v: Values) => Promise<unknown>;
  onClose: () => void;
  onDone: () => void;
}

/** FormDialog asks for a few values and sends them. What the server refuses is said in it, and what was typed stays. */
export function FormDialog({ title, action, fields, initial, note, send, onClose, onDone }: Props) {
  const [v, setV] = useState<Values>(() =>
    Object.fromEntries(fields.map((f) => [f.key, initial?.[f.key] ?? (f.kind === 'select' ? (f.options?.[0]?.value ?? '') : '')])),
  );
  const act = useAct();
  const base = useId();
  const set = (key: string, value: string) => setV((was) => ({ ...was, [key]: value }));
  return (
    <Confirm
      title={title}
      action={action}
      busy={act.busy}
      onClose={onClose}
      onConfirm={() =>
        void act
          .run(
            'Sending…',
            () => send(v).then(() => true),
            () => '',
          )
          .then((ok) => {
            if (!ok) return;
            onDone();
            onClose();
          })
      }
    >
      {note && <p>{note}</p>}
      {fields.map((f) =>
        f.kind === 'many' ? (
          <Many
            key={f.key}
            label={f.label}
            hint={f.hint}
            options={f.options ?? []}
            free={f.free}
            value={v[f.key] ?? ''}
            onChange={(value) => set(f.key, value)}
          />
        ) : f.kind === 'check' ? (
          <label key={f.key}>
            <input type="checkbox" checked={v[f.key] === 'true'} onChange={(e) => set(f.key, String(e.target.checked))} /> {f.label}
          </label>
        ) : (
          <label key={f.key} htmlFor={base + f.key}>
            {f.label}
            {f.hint && <span className={css.hint}> {f.hint}</span>}
            {f.kind === 'select' ? (
              <select id={base + f.key} value={v[f.key]} onChange={(e) => set(f.key, e.target.value)}>
                {f.options?.map((o) => (
                  <option key={o.value} value={o.value}>
                    {o.name}
                  </option>
                ))}
              </select>
            ) : f.kind === 'area' ? (
              <textarea id={base + f.key} required={f.required ?? false} spellCheck={false} value={v[f.key]} onChange={(e) => set(f.key, e.target.value)} />
            ) : (
              <input
                id={base + f.key}
                type={f.kind === 'time' ? 'datetime-local' : (f.kind ?? 'text')}
                required={f.required ?? false}
                autoComplete={f.kind === 'password' ? 'new-password' : 'off'}
                {...(f.min === undefined ? {} : { min: f.min })}
                {...(f.max === undefined ? {} : { max: f.max })}
                value={v[f.key]}
                onChange={(e) => set(f.key, e.target.value)}
              />
            )}
          </label>
        ),
      )}
      <Said act={act} />
    </Confirm>
  );
}
