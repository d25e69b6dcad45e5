import { useState } from 'react';
import css from '../workflow/workflow.module.css';

/** LoginPage signs a person in; the browser gets a cookie and nothing is kept by the page. */
export function LoginPage({ onDone }: { onDone: () => void }) {
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  const [tenant, setTenant] = useState('');
  const [why, setWhy] = useState('');
  const [busy, setBusy] = useState(false);
  const send = async () => {
    setBusy(true);
    setWhy('');
    try {
      const r = await fetch('/api/v1/auth/session', {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ username: name, password, ...(tenant ? { tenant_id: tenant } : {}) }),
      });
      if (r.ok) return onDone();
      const p = (await r.json().catch(() => ({}))) as { detail?: string };
      setWhy(p.detail ?? `The server answered ${r.status}.`);
    } catch {
      setWhy('The server does not answer.');
    } finally {
      setPassword('');
      setBusy(false);
    }
  };
  return (
    <main className={css.login}>
      <h1>Casare Fleet</h1>
      <form
        onSubmit={(e) => {
          e.preventDefault();
          void send();
        }}
      >
        <label>
          Name
          {/* biome-ignore lint/a11y/noAutofocus: the page has nothing before it */}
          <input autoFocus name="username" autoComplete="username" required value={name} onChange={(e) => setName(e.target.value)} />
        </label>
        <label>
          Password
          <input type="password" name="password" autoComplete="current-password" required value={password} onChange={(e) => setPassword(e.target.value)} />
        </label>
        <label>
          Tenant (default if left out)
          <input autoComplete="off" value={tenant} onChange={(e) => setTenant(e.target.value)} />
        </label>
        {why && <p role="alert">{why}</p>}
        <button type="submit" className={css.primary} disabled={busy}>
          {busy ? 'Signing in…' : 'Sign in'}
        </button>
      </form>
      <p>
        First start? <a href="/setup">Make the first administrator</a>
      </p>
    </main>
  );
}
