import { useId } from 'react';
import { call } from '../api/client';
import { type Input, inputsOf, valuesOf, withValue } from './inputs';
import { useLive } from './live';
import css from './parts';

interface Props {
  workflow: string; // id; empty: none is chosen yet
  text: string; // the inputs, a JSON object
  onText: (text: string) => void;
}

/** InputsForm has a field for each input that the newest version of a workflow asks for, and all of them as JSON. */
export function InputsForm({ workflow, text, onText }: Props) {
  const asked = useLive<{ workflow_json?: unknown } | null>(`inputs of ${workflow}`, {
    topics: [],
    ask: (s) => (workflow ? call('GET', `/workflows/${encodeURIComponent(workflow)}`, undefined, s) : Promise.resolve(null)),
  });
  const list = inputsOf(asked.data?.workflow_json);
  const values = valuesOf(text);
  const json = (
    <label>
      {list.length > 0 ? 'All inputs, a JSON object' : 'Inputs, a JSON object'}{' '}
      <textarea value={text} spellCheck={false} onChange={(e) => onText(e.target.value)} />
    </label>
  );
  if (list.length === 0) return json;
  return (
    <fieldset className={css.choice}>
      <legend>Inputs of the workflow</legend>
      {values === undefined ? (
        <p className={css.bad}>The JSON below cannot be read, so the fields are not shown.</p>
      ) : (
        list.map((i) => <Field key={i.name} of={i} value={values[i.name]} onValue={(v) => onText(withValue(text, i.name, v))} />)
      )}
      <details open={values === undefined || undefined}>
        <summary>As JSON</summary>
        {json}
      </details>
    </fieldset>
  );
}

function Field({ of: i, value, onValue }: { of: Input; value: unknown; onValue: (v: unknown) => void }) {
  const id = useId();
  const preset = i.preset === undefined ? '' : ` If empty: ${typeof i.preset === 'string' ? i.preset : JSON.stringify(i.preset)}.`;
  const hint = (i.hint + preset).trim();
  if (i.kind === 'check')
    return (
      <label>
        <input type="checkbox" checked={value === true} onChange={(e) => onValue(e.target.checked)} /> {i.label}{' '}
        {hint && <span className={css.hint}>{hint}</span>}
      </label>
    );
  const shown = value === undefined ? '' : typeof value === 'string' ? value : JSON.stringify(value);
  const put = (text: string) => onValue(text === '' ? undefined : i.kind === 'number' ? Number(text) : i.kind === 'json' ? readOr(text) : text);
  return (
    <label htmlFor={id}>
      {i.label}
      {!i.required && <span className={css.hint}> (may be empty)</span>} {hint && <span className={css.hint}>{hint}</span>}
      {i.kind === 'select' ? (
        <select id={id} required={i.required} value={shown} onChange={(e) => put(e.target.value)}>
          <option value="">{i.required ? 'Choose one' : 'None'}</option>
          {i.options.map((o) => (
            <option key={o}>{o}</option>
          ))}
        </select>
      ) : (
        <input
          id={id}
          required={i.required}
          type={i.kind === 'number' ? 'number' : 'text'}
          {...(i.kind === 'number' ? { step: 'any' } : {})}
          value={shown}
          onChange={(e) => put(e.target.value)}
        />
      )}
    </label>
  );
}

/** readOr is what a text of JSON says, or the text itself while it is none. */
function readOr(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
