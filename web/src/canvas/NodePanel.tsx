import { useEffect, useId, useState } from 'react';
import { type Catalog, titleOf } from './catalog';
import { type GNode, type Graph, setProperty, setTitle } from './model/graph';
import { asNumber, BadJson, type Json, Num, of, parseJson, printJson } from './model/json';
import type { Finding, NodeType } from './net';
import css from './nodepanel.module.css';
import ui from './ui.module.css';

type Property = NodeType['properties'][number];
type Change = (next: (g: Graph) => Graph, what: string, mark?: string) => void;

/** NodePanel is the form of a node, made from what its type says. */
export function NodePanel({
  node,
  catalog,
  findings,
  readOnly,
  onChange,
}: {
  node: GNode;
  catalog: Catalog;
  findings: readonly Finding[];
  readOnly: boolean;
  onChange: Change;
}) {
  const type = catalog.byName.get(node.type);
  const known = new Set((type?.properties ?? []).map((p) => p.name));
  const rest = [...node.config].filter(([k]) => !known.has(k) && !k.startsWith('_') && k !== 'node_id' && k !== 'status');
  const id = useId();
  const set = (name: string, value: Json | undefined) => onChange((g) => setProperty(g, node.id, name, value), `Change ${name}`, `${node.id} ${name}`);
  return (
    <form onSubmit={(e) => e.preventDefault()} aria-label={`Settings of ${titleOf(node, type)}`}>
      <fieldset disabled={readOnly} className={ui.bare}>
        <label className={ui.field}>
          Name
          <input
            id={`${id}-name`}
            data-rename
            value={node.title}
            placeholder={type?.title ?? node.type}
            onChange={(e) => onChange((g) => setTitle(g, node.id, e.target.value), 'Rename', `${node.id} name`)}
          />
        </label>
        <p className={ui.hint}>
          {type ? `${type.title} · ${type.family}` : `${node.type} is not known here`} · <span className={ui.mono}>{node.id}</span>
        </p>
        {type && !type.native && <p className={ui.warn}>This version does not run it{type.reason ? `, because it ${type.reason}` : ''}.</p>}
        {type?.capability && <p className={ui.hint}>Needs a robot with {type.capability}.</p>}
        {type?.effect && <p className={ui.hint}>Acts on the outside world: it is not run twice when nobody knows how it ended.</p>}
        {findings.map((f) => (
          <p key={f.code + f.message} className={ui.warn}>
            {f.message} {f.hint}
          </p>
        ))}
        {(type?.properties ?? []).map((p) => (
          <Field key={p.name} property={p} value={node.config.get(p.name)} onSet={(v) => set(p.name, v)} />
        ))}
        {rest.length > 0 && <h3 className={ui.sub}>Other values of the file</h3>}
        {rest.map(([name, value]) => (
          <Field key={name} property={{ name, label: name, type: typeof value === 'string' ? 'text' : 'json' }} value={value} onSet={(v) => set(name, v)} />
        ))}
        <label className={ui.check}>
          <input type="checkbox" checked={node.config.get('_disabled') === true} onChange={(e) => set('_disabled', e.target.checked ? true : undefined)} />{' '}
          Bypass this node
        </label>
        {type && (type.inputs.length > 0 || type.outputs.length > 0) && (
          <p className={ui.hint}>
            {type.inputs.length > 0 && `Takes ${type.inputs.map((i) => i.name).join(', ')}. `}
            {type.outputs.length > 0 && `Gives ${type.outputs.map((o) => `{{${node.id}.${o.name}}}`).join(', ')}.`}
          </p>
        )}
      </fieldset>
    </form>
  );
}

const shown = (v: Json | undefined): string =>
  v === undefined || v === null ? '' : typeof v === 'string' ? v : v instanceof Num ? v.text : typeof v === 'object' ? printJson(v, 2) : String(v);

function Field({
  property: p,
  value,
  onSet,
}: {
  property: Pick<Property, 'name' | 'label' | 'type'> & Partial<Property>;
  value: Json | undefined;
  onSet: (v: Json | undefined) => void;
}) {
  const id = useId();
  const preset = shown(of(p.default));
  const hints = [
    p.required ? 'required' : '',
    p.min !== undefined || p.max !== undefined ? range(p.min, p.max) : '',
    preset && p.type !== 'bool' && value !== undefined ? `default ${preset}` : '',
  ]
    .filter(Boolean)
    .join(', ');
  const label = (
    <span className={ui.label}>
      {p.label}
      {value !== undefined && (
        <button
          type="button"
          className={css.reset}
          title="Back to the default"
          aria-label={`Set ${p.label} back to its default`}
          onClick={() => onSet(undefined)}
        >
          ↺
        </button>
      )}
    </span>
  );
  const hint = hints && (
    <span className={ui.hint} id={`${id}-hint`}>
      {hints}
    </span>
  );
  const described = hints ? { 'aria-describedby': `${id}-hint` } : {};
  switch (p.type) {
    case 'bool': {
      const expression = typeof value === 'string' && /[{$%]/.test(value);
      if (expression) break;
      const on = value === undefined ? p.default === true : value === true || (typeof value === 'string' && /^(true|1|yes|on)$/i.test(value));
      return (
        <div className={ui.check}>
          <label>
            <input type="checkbox" checked={on} onChange={(e) => onSet(e.target.checked)} /> {p.label}
          </label>
          {value !== undefined && (
            <button
              type="button"
              className={css.reset}
              title="Back to the default"
              aria-label={`Set ${p.label} back to its default`}
              onClick={() => onSet(undefined)}
            >
              ↺
            </button>
          )}
        </div>
      );
    }
    case 'choice': {
      const text = shown(value);
      const list = p.choices ?? [];
      return (
        <div className={ui.field}>
          <label htmlFor={id}>{label}</label>
          <select id={id} value={text} {...described} onChange={(e) => onSet(e.target.value === '' ? undefined : e.target.value)}>
            <option value="">{preset ? `${preset} (default)` : '–'}</option>
            {text && !list.includes(text) && <option>{text}</option>}
            {list.map((c) => (
              <option key={c}>{c}</option>
            ))}
          </select>
          {hint}
        </div>
      );
    }
    case 'json':
    case 'list':
    case 'dict':
    case 'multi':
    case 'any':
      return <JsonField id={id} label={label} hint={hint} described={described} value={value} preset={preset} strict={p.type !== 'any'} onSet={onSet} />;
    case 'text':
    case 'code':
      return (
        <div className={ui.field}>
          <label htmlFor={id}>{label}</label>
          <textarea
            id={id}
            rows={p.type === 'code' ? 8 : 3}
            spellCheck={p.type === 'text'}
            className={p.type === 'code' ? ui.mono : undefined}
            value={shown(value)}
            placeholder={preset}
            {...described}
            onChange={(e) => onSet(e.target.value)}
          />
          {hint}
        </div>
      );
  }
  const numeric = p.type === 'int' || p.type === 'num';
  return (
    <div className={ui.field}>
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        value={shown(value)}
        placeholder={preset}
        inputMode={numeric ? 'decimal' : undefined}
        {...described}
        onChange={(e) => onSet(numeric ? numberOr(e.target.value) : e.target.value)}
      />
      {hint}
    </div>
  );
}

const range = (min: number | undefined, max: number | undefined): string =>
  min !== undefined && max !== undefined ? `${min} to ${max}` : min !== undefined ? `at least ${min}` : `at most ${max}`;

/** numberOr keeps an expression such as {{n}} as text. */
export function numberOr(text: string): Json | undefined {
  if (text.trim() === '') return undefined;
  try {
    const v = parseJson(text.trim());
    return asNumber(v) === undefined ? text : v;
  } catch {
    return text;
  }
}

/** JsonField takes JSON, and where it is not strict any other text as text. */
function JsonField(p: {
  id: string;
  label: React.ReactNode;
  hint: React.ReactNode;
  described: object;
  value: Json | undefined;
  preset: string;
  strict: boolean;
  onSet: (v: Json | undefined) => void;
}) {
  const [text, setText] = useState(shown(p.value));
  const [wrong, setWrong] = useState('');
  const outside = shown(p.value);
  // biome-ignore lint/correctness/useExhaustiveDependencies: only a change from outside, such as undo
  useEffect(() => {
    if (outside !== text) {
      setText(outside);
      setWrong('');
    }
  }, [outside]);
  const take = (t: string) => {
    setText(t);
    setWrong('');
    if (t.trim() === '') return p.onSet(undefined);
    if (/^\s*[[{"\d-]|^\s*(true|false|null)\s*$/.test(t) && !/^\s*\{\{/.test(t)) {
      try {
        return p.onSet(parseJson(t));
      } catch (e) {
        if (p.strict) return setWrong(e instanceof BadJson ? e.message : String(e));
      }
    }
    p.onSet(t);
  };
  return (
    <div className={ui.field}>
      <label htmlFor={p.id}>{p.label}</label>
      <textarea
        id={p.id}
        rows={Math.min(8, Math.max(1, text.split('\n').length))}
        className={ui.mono}
        value={text}
        placeholder={p.preset}
        aria-invalid={wrong !== ''}
        {...p.described}
        onChange={(e) => take(e.target.value)}
      />
      {wrong ? <span className={ui.bad}>{wrong}</span> : p.hint}
    </div>
  );
}
