import { useState } from 'react';
import { actingTenant } from '../api/client';
import { Confirm } from './Confirm';
import css from './parts.module.css';
import { useMe } from './session';
import { put, type Query, read, same, type View } from './views';

interface Props {
  page: string;
  query: Query; // of the address
  onQuery: (q: Query) => void;
}

/** Views are chips before the filters: each leads to what was in the address when it was saved. */
export function Views({ page, query, onQuery }: Props) {
  const me = useMe();
  const place = `fleet.views ${me?.user_id ?? me?.key_id ?? ''} ${actingTenant()} ${page}`;
  const [list, setList] = useState(() => read(localStorage.getItem(place)));
  const [chosen, setChosen] = useState('');
  const [naming, setNaming] = useState(false);
  const [name, setName] = useState('');
  const keep = (next: View[]) => {
    localStorage.setItem(place, JSON.stringify(next));
    setList(next);
  };
  const on = list.find((v) => same(v.query, query)) ?? list.find((v) => v.name === chosen);
  const changed = on !== undefined && !same(on.query, query);
  const filtered = Object.keys(query).length > 0;
  if (list.length === 0 && !filtered) return null;
  return (
    <fieldset className={css.views}>
      <legend>Saved views</legend>
      {list.map((v) => (
        <span key={v.name} className={css.view}>
          <button
            type="button"
            aria-pressed={v === on}
            onClick={() => {
              setChosen(v.name);
              onQuery(v.query);
            }}
          >
            {v.name}
            {v === on && changed && <span title="changed"> • changed</span>}
          </button>
          {v === on && (
            <button
              type="button"
              aria-label={`Remove the view ${v.name}`}
              title="Remove this view"
              onClick={() => {
                setChosen('');
                keep(list.filter((x) => x !== v));
              }}
            >
              ✕
            </button>
          )}
        </span>
      ))}
      {changed && (
        <button type="button" onClick={() => keep(put(list, { name: on.name, query }))}>
          Update {on.name}
        </button>
      )}
      {filtered && !(on && !changed) && (
        <button type="button" onClick={() => setNaming(true)}>
          {list.length > 0 && changed ? 'Save as…' : 'Save this view…'}
        </button>
      )}
      {naming && (
        <Confirm
          title="Save this view"
          action="Save"
          disabled={name.trim() === ''}
          onClose={() => setNaming(false)}
          onConfirm={() => {
            keep(put(list, { name: name.trim(), query }));
            setChosen(name.trim());
            setNaming(false);
            setName('');
          }}
        >
          <p>The filters of now, under a name. This browser keeps it, for you alone.</p>
          <label>
            Name <input required maxLength={40} value={name} onChange={(e) => setName(e.target.value)} />
          </label>
        </Confirm>
      )}
    </fieldset>
  );
}
