import { useState } from 'react';
import { call, type Schemas } from '../../api/client';
import { sentence } from '../../parts/act';
import css from './login.module.css';

/** SetupPage makes the first administrator, with the token that the server showed at its start. */
export function SetupPage() {
  const [v, setV] = useState({ token: '', name: '', email: '', password: '', again: '' });
  const [why, setWhy] = useState('');
  const [busy, setBusy] = useState(false);
  const [done, setDone] = useState(false);
  const set = (k: keyof typeof v) => (e: React.ChangeEvent<HTMLInputElement>) => setV({ ...v, [k]: e.target.value });
  const send = async () => {
    if (v.password !== v.again) return setWhy('The two passwords differ.');
    setBusy(true);
    setWhy('');
    try {
      await call('POST', '/auth/setup', {
        token: v.token.trim(),
        name: v.name,
        password: v.password,
        ...(v.email ? { email: v.email } : {}),
      } satisfies Schemas['SetupBody']);
      setDone(true);
    } catch (e) {
      setWhy(sentence(e));
    } finally {
      setBusy(false);
      setV((was) => ({ ...was, password: '', again: '' }));
    }
  };
  return (
    <main className={css.login}>
      <h1>First start</h1>
      {done ? (
        <p role="status">
          {v.name} is the first administrator. <a href="/">Sign in</a>
        </p>
      ) : (
        <form
          onSubmit={(e) => {
            e.preventDefault();
            void send();
          }}
        >
          <p>As long as nobody can sign in, the server shows a token at each start. It counts once, for an hour.</p>
          <label>
            Token (cfs_…)
            {/* biome-ignore lint/a11y/noAutofocus: the page has nothing before it */}
            <input autoFocus required autoComplete="off" value={v.token} onChange={set('token')} />
          </label>
          <label>
            Your name
            <input required autoComplete="username" value={v.name} onChange={set('name')} />
          </label>
          <label>
            Email (may be left out)
            <input type="email" autoComplete="email" value={v.email} onChange={set('email')} />
          </label>
          <label>
            Password, at least 12 characters
            <input type="password" required minLength={12} autoComplete="new-password" value={v.password} onChange={set('password')} />
          </label>
          <label>
            The same again
            <input type="password" required autoComplete="new-password" value={v.again} onChange={set('again')} />
          </label>
          {why && <p role="alert">{why}</p>}
          <button type="submit" className={css.primary} disabled={busy}>
            {busy ? 'Setting up…' : 'Make the first administrator'}
          </button>
        </form>
      )}
    </main>
  );
}
