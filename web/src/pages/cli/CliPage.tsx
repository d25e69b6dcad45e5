import { useEffect, useState } from 'react';
import { call, type Schemas } from '../../api/client';
import { Copy } from '../../parts/Copy';
import { PageHead } from '../../parts/PageHead';
import css from '../../parts/parts';
import { Table } from '../../parts/Table';
import { partsFor } from './commands';

/** CliPage shows how this server is used from a terminal, each line to be copied. */
export function CliPage() {
  const [server, setServer] = useState<{ at: string; open: boolean }>();
  useEffect(() => {
    call<Schemas['Meta']>('GET', '/meta')
      .then((m) => setServer({ at: m.orchestrator?.url || location.origin, open: m.dev })) // the editor on one's own machine is no server
      .catch(() => setServer({ at: location.origin, open: false })); // who is asked to sign in where nobody need loses nothing
  }, []);
  return (
    <div className={css.page}>
      <PageHead title="Command line" facts="What these pages show and do, in a terminal." />
      {server &&
        partsFor(server.at, server.open).map((p) => (
          <section key={p.title} className={css.panel} aria-label={p.title}>
            <h2>{p.title}</h2>
            <p className={css.hint}>{p.text}</p>
            <Table label={p.title} heads={['What', 'Command', 'Actions']}>
              {p.steps.map((s) => (
                <tr key={s.cli}>
                  <td>{s.what}</td>
                  <td>
                    <code className={css.mono}>{s.cli}</code>
                  </td>
                  <td>
                    <Copy what={`“${s.what}”`} text={s.cli} />
                  </td>
                </tr>
              ))}
            </Table>
          </section>
        ))}
    </div>
  );
}
