import { useEffect, useState } from 'react';
import { actingTenant, call, type Schemas } from '../api/client';
import { useAct } from './act';
import { Confirm } from './Confirm';
import { onlyIf, useLive } from './live';
import css from './parts';
import { Said } from './Said';
import { useMay, useMe } from './session';
import { type Query, read, same } from './views';
import own from './views.module.css';

type View = Schemas['View'];

/** Told is what an event about a view says. */
interface Told {
  data?: { page?: string };
}

interface Props {
  page: string;
  query: Query; // of the address
  onQuery: (q: Query) => void;
}

/** Views are chips before the filters: each leads to what was in the address when it was saved, for oneself or for all of the tenant. */
export function Views({ page, query, onQuery }: Props) {
  const me = useMe();
  const mayShare = useMay('jobs:run');
  const asked = useLive<Schemas['ViewList']>(`views ${page}`, {
    topics: ['events'],
    ask: (s) => call('GET', `/views?page=${page}`, undefined, s),
    take: onlyIf((f) => f.type.startsWith('view.') && (f.d as Told | undefined)?.data?.page === page),
  });
  const look = asked.again;
  const list = asked.data?.views ?? [];
  const [chosen, setChosen] = useState('');
  const [naming, setNaming] = useState(false);
  const [name, setName] = useState('');
  const [shared, setShared] = useState(false);
  const [gone, setGone] = useState<View>();
  const act = useAct();
  const place = me ? `fleet.views ${me.user_id ?? me.key_id ?? ''} ${actingTenant()} ${page}` : '';
  useEffect(() => {
    const kept = place ? read(localStorage.getItem(place)) : []; // by this browser, before the server kept them
    if (kept.length === 0) return;
    localStorage.removeItem(place);
    void Promise.allSettled(kept.map((v) => call('POST', '/views', { page, name: v.name, query: v.query }))).then(look);
  }, [place, page, look]);
  const on = list.find((v) => v.view_id === chosen && same(v.query, query)) ?? list.find((v) => same(v.query, query)) ?? list.find((v) => v.view_id === chosen);
  const changed = on !== undefined && !same(on.query, query);
  const filtered = Object.keys(query).length > 0;
  const mine = (v: View) => !v.shared || mayShare === true;
  const add = (v: Schemas['ViewBody'], done: string) =>
    act
      .run(
        'Saving…',
        () => call<View>('POST', '/views', v),
        () => done,
      )
      .then((made) => {
        if (made) setChosen(made.view_id);
        look();
        return made;
      });
  const remove = (v: View) =>
    void act
      .run(
        'Removing…',
        () => call('DELETE', `/views/${v.view_id}`).then(() => true),
        () => `The view ${v.name} is removed.`,
      )
      .then((ok) => {
        if (!ok) return;
        setChosen('');
        setGone(v);
        look();
      });
  if (list.length === 0 && !filtered && !gone) return null;
  return (
    <fieldset className={own.views}>
      <legend>Saved views</legend>
      {list.map((v) => (
        <span key={v.view_id} className={own.view}>
          <button
            type="button"
            aria-pressed={v === on}
            title={v.shared ? 'Shared in the tenant' : undefined}
            onClick={() => {
              setChosen(v.view_id);
              setGone(undefined);
              onQuery(v.query);
            }}
          >
            {v.name}
            {v.shared && <span className={css.hint}> shared</span>}
            {v === on && changed && <span title="changed"> • changed</span>}
          </button>
          {v === on && mine(v) && (
            <button type="button" aria-label={`Remove the view ${v.name}`} title="Remove this view" disabled={act.busy} onClick={() => remove(v)}>
              ✕
            </button>
          )}
        </span>
      ))}
      {changed && mine(on) && (
        <button
          type="button"
          disabled={act.busy}
          onClick={() =>
            void act
              .run(
                'Saving…',
                () => call('PUT', `/views/${on.view_id}`, { query }),
                () => '',
              )
              .then(look)
          }
        >
          Update {on.name}
        </button>
      )}
      {filtered && !(on && !changed) && (
        <button type="button" onClick={() => setNaming(true)}>
          {list.length > 0 && changed ? 'Save as…' : 'Save this view…'}
        </button>
      )}
      {!naming && <Said act={act} />}
      {gone && !act.bad && (
        <button
          type="button"
          disabled={act.busy}
          onClick={() => void add({ page, name: gone.name, query: gone.query, shared: gone.shared }, '').then((made) => made && setGone(undefined))}
        >
          Undo
        </button>
      )}
      {naming && (
        <Confirm
          title="Save this view"
          action="Save"
          busy={act.busy}
          disabled={name.trim() === ''}
          onClose={() => setNaming(false)}
          onConfirm={() =>
            void add({ page, name: name.trim(), query, shared }, '').then((made) => {
              if (!made) return;
              setNaming(false);
              setGone(undefined);
              setName('');
              setShared(false);
            })
          }
        >
          <p>The filters of now, under a name.</p>
          <label>
            Name <input required maxLength={60} value={name} onChange={(e) => setName(e.target.value)} />
          </label>
          <label>
            <input type="checkbox" checked={shared} disabled={mayShare !== true} onChange={(e) => setShared(e.target.checked)} /> Everybody in the tenant sees
            it
          </label>
          <Said act={act} />
        </Confirm>
      )}
    </fieldset>
  );
}
