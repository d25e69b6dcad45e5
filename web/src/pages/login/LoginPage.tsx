import { useEffect, useState } from 'react';
import { serverNow, useNow } from '../../parts/Time';
import { span } from '../../parts/words';
import css from './login.module.css';

/** Why an issuer's sign-in came to nothing, by the reason that the server gives. */
const problems: Record<string, string> = {
  no_role: 'You were recognised, but nothing that your provider says of you gives you a role here. Ask an administrator.',
  no_tenant: 'You were recognised, but you belong to no tenant here. Ask an administrator.',
  issuer_unavailable: 'The provider does not answer. Try again in a minute.',
  sign_in_mixed_up: 'This sign-in was begun in another window, or too long ago. Begin it anew.',
  disabled: 'This person is disabled here. Ask an administrator.',
};

/** LoginPage signs a person in, or a browser that shows a key; the browser gets a cookie and nothing is kept by the page. */
export function LoginPage({ onDone }: { onDone: () => void }) {
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  const [tenant, setTenant] = useState('');
  const [key, setKey] = useState('');
  const [way, setWay] = useState<'password' | 'key'>('password');
  const [why, setWhy] = useState(() => {
    const problem = new URLSearchParams(location.search).get('problem');
    return problem === null ? '' : (problems[problem] ?? 'The provider did not let you in. Begin the sign-in anew.');
  });
  const [issuer, setIssuer] = useState('');
  const [busy, setBusy] = useState(false);
  const [locked, setLocked] = useState(0); // until when nobody is let in, ms
  useEffect(() => {
    const gone = new AbortController();
    fetch('/api/v1/meta', { signal: gone.signal })
      .then((r) => r.json() as Promise<{ issuer?: string }>)
      .then((m) => setIssuer(m.issuer ?? ''))
      .catch(() => {}); // the form below says when the server does not answer
    return () => gone.abort();
  }, []);
  const next = location.pathname === '/login' ? '/' : location.pathname + location.search;
  const send = async () => {
    setBusy(true);
    setWhy('');
    try {
      const r = await fetch('/api/v1/auth/session', {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(way === 'key' ? { key: key.trim() } : { username: name, password, ...(tenant ? { tenant_id: tenant } : {}) }),
      });
      if (r.ok) return onDone();
      const p = (await r.json().catch(() => ({}))) as { detail?: string };
      setWhy(p.detail ?? `The server answered ${r.status}.`);
      setLocked(r.status === 429 ? serverNow() + 1000 * Number(r.headers.get('Retry-After') ?? 0) : 0);
    } catch {
      setWhy('The server does not answer.');
    } finally {
      setPassword('');
      setKey('');
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
        {way === 'key' ? (
          <label>
            Key of a program or a person
            <input
              // biome-ignore lint/a11y/noAutofocus: it was just asked for
              autoFocus
              type="password"
              autoComplete="off"
              spellCheck={false}
              required
              value={key}
              placeholder="cfu_…"
              onChange={(e) => setKey(e.target.value)}
            />
            <span className={css.hint}>It is sent once and not kept. What you may do is what the key may, until it ends.</span>
          </label>
        ) : (
          <>
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
          </>
        )}
        {why && <p role="alert">{why}</p>}
        <Enter busy={busy} locked={locked} />
      </form>
      <p>
        <button
          type="button"
          className={css.way}
          onClick={() => {
            setWay(way === 'key' ? 'password' : 'key');
            setWhy('');
            setLocked(0);
            setKey('');
            setPassword('');
          }}
        >
          {way === 'key' ? 'Use a password instead' : 'Use a key instead'}
        </button>
      </p>
      {issuer && (
        <p>
          <a className={css.way} href={`/api/v1/auth/oidc/${encodeURIComponent(issuer)}/start?next=${encodeURIComponent(next)}`}>
            Sign in with {issuer}
          </a>
        </p>
      )}
      <p>
        First start? <a href="/setup">Make the first administrator</a>
      </p>
    </main>
  );
}

/** Enter signs in, or counts down to when it can be tried again. */
function Enter({ busy, locked }: { busy: boolean; locked: number }) {
  const left = Math.ceil((locked - useNow()) / 1000) * 1000;
  return (
    <>
      {left > 0 && <p>Try again in {span(left)}.</p>}
      <button type="submit" className={css.primary} disabled={busy || left > 0}>
        {busy ? 'Signing in…' : 'Sign in'}
      </button>
    </>
  );
}
