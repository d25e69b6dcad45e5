import { useState } from 'react';
import { call, type Schemas } from '../../api/client';
import { useAct } from '../../parts/act';
import { Confirm } from '../../parts/Confirm';
import { onlyIf, useLive } from '../../parts/live';
import css from '../../parts/parts';
import { Said } from '../../parts/Said';
import { ShownOnce } from '../../parts/ShownOnce';
import { Fault } from '../../parts/States';
import { Table } from '../../parts/Table';
import { exact } from '../../parts/Time';

/** Enrolments are tokens with which machines make themselves robots. */
export function Enrolments() {
  const list = useLive<Schemas['EnrolmentList']>('enrolments', {
    topics: ['events'],
    ask: (s) => call('GET', '/enrolments', undefined, s),
    take: onlyIf((f) => f.type.startsWith('enrolment.') || f.type === 'robot.enrolled'),
  });
  const [making, setMaking] = useState(false);
  const [made, setMade] = useState<Schemas['NewEnrolment']>();
  const [environment, setEnvironment] = useState('');
  const [pattern, setPattern] = useState('');
  const [uses, setUses] = useState('1');
  const [hours, setHours] = useState('1');
  const act = useAct();
  const tokens = list.data?.enrolments.filter((e) => e.usable) ?? [];
  const send = () => {
    const body: Schemas['EnrolmentBody'] = { uses: Number(uses), expires_in_seconds: Math.round(3600 * Number(hours)) };
    if (environment) body.environment = environment;
    if (pattern) body.name_pattern = pattern;
    void act
      .run(
        'Making…',
        () => call<Schemas['NewEnrolment']>('POST', '/enrolments', body),
        () => '',
      )
      .then((e) => {
        if (!e) return;
        setMaking(false);
        setMade(e);
        list.again();
      });
  };
  return (
    <section aria-label="Enrolment tokens" style={{ marginTop: 24 }}>
      <div className={css.bar}>
        <h2>Enrolment tokens</h2>
        <span className={css.grow} />
        <button type="button" onClick={() => setMaking(true)}>
          New token…
        </button>
      </div>
      <p className={css.hint}>With a token, machines make themselves robots: it lives for at most a day and for as many machines as it says.</p>
      {!making && <Said act={act} />}
      {list.error && <Fault error={list.error} again={list.again} />}
      {list.data && tokens.length === 0 && <p className={css.hint}>No token can be used now.</p>}
      {tokens.length > 0 && (
        <Table label="Tokens" heads={['Token', 'Environment', 'Robots named', 'Used', 'Expires', 'Made by', 'Actions']}>
          {tokens.map((e) => (
            <tr key={e.enrolment_id}>
              <td className={css.mono}>cfe_…{e.hint}</td>
              <td>{e.environment}</td>
              <td className={css.mono}>{e.name_pattern || '*'}</td>
              <td>
                {e.uses} of {e.uses_max}
              </td>
              <td>{exact(e.expires_at)}</td>
              <td>{e.created_by}</td>
              <td>
                <button
                  type="button"
                  aria-label={`Revoke the token ${e.hint}`}
                  onClick={() =>
                    void act
                      .run(
                        'Revoking…',
                        () => call('DELETE', `/enrolments/${e.enrolment_id}`).then(() => true),
                        () => 'The token is revoked. Robots that are there keep their keys.',
                      )
                      .then(list.again)
                  }
                >
                  Revoke
                </button>
              </td>
            </tr>
          ))}
        </Table>
      )}
      {making && (
        <Confirm title="New enrolment token" action="Make the token" busy={act.busy} onConfirm={send} onClose={() => setMaking(false)}>
          <label>
            Environment (default if left out) <input value={environment} onChange={(e) => setEnvironment(e.target.value)} />
          </label>
          <label>
            Names that robots may take; * is any text <input value={pattern} placeholder="warehouse-*" onChange={(e) => setPattern(e.target.value)} />
          </label>
          <label>
            Machines <input type="number" min={1} max={1000} value={uses} onChange={(e) => setUses(e.target.value)} />
          </label>
          <label>
            Hours <input type="number" min={1} max={24} value={hours} onChange={(e) => setHours(e.target.value)} />
          </label>
          <Said act={act} />
        </Confirm>
      )}
      {made && (
        <ShownOnce
          title="The enrolment token"
          what="token"
          secret={made.token}
          lines={[
            { name: 'On the machine, with the token in the file token', text: `fleet robot enrol --url ${location.origin} --token - < token` },
            { name: 'Then', text: `fleet robot run --url ${location.origin}` },
          ]}
          onClose={() => setMade(undefined)}
        />
      )}
    </section>
  );
}
