import { useState } from 'react';
import css from './RobotPicker.module.css';

export interface Connection {
  state: 'connected' | 'connecting' | 'refused' | 'offline';
  address: string;
  message?: string | undefined; // what to do
  since?: string | undefined; // when it was there last, if it was
  tried: readonly { url: string; source: string; result: string }[];
}

/** Connect names an orchestrator, and shows how each address answered. */
export function Connect({ connection, onConnect }: { connection: Connection; onConnect: (url: string, key: string) => void }) {
  const [url, setUrl] = useState('');
  const [key, setKey] = useState('');
  return (
    <form
      className={css.connect}
      onSubmit={(e) => {
        e.preventDefault();
        if (url.trim() !== '') onConnect(url.trim(), key.trim());
        setKey('');
      }}
    >
      {connection.message && <p className={css.hint}>{connection.message}</p>}
      {connection.tried.length > 0 && (
        <ol className={css.tried} aria-label="Addresses tried">
          {connection.tried.map((t) => (
            <li key={t.url}>
              <span className={css.address}>{t.url}</span> <span className={css.source}>{t.source}</span> <span>{t.result || 'not tried yet'}</span>
            </li>
          ))}
        </ol>
      )}
      <label>
        Address
        <input type="url" value={url} placeholder="https://fleet.example.com" autoComplete="off" onChange={(e) => setUrl(e.target.value)} />
      </label>
      <label>
        Key
        <input type="password" value={key} placeholder="cfu_…" autoComplete="off" onChange={(e) => setKey(e.target.value)} />
      </label>
      <button type="submit" className={css.plain}>
        Connect
      </button>
    </form>
  );
}
