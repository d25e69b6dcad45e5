import { Link } from '@tanstack/react-router';
import { call, type Schemas } from '../../api/client';
import { useLive } from '../../parts/live';
import css from '../../parts/parts';
import { Fault, Loading } from '../../parts/States';
import { Channels } from './Channels';
import { Rules } from './Rules';
import { Silences } from './Silences';

/** Alerts is what people are told of, how, and when not. */
export function Alerts() {
  const rules = useLive<Schemas['AlertRuleList']>('alert rules', { topics: [], ask: (s) => call('GET', '/alert-rules', undefined, s) });
  const channels = useLive<Schemas['ChannelList']>('alert channels', { topics: [], ask: (s) => call('GET', '/alert-channels', undefined, s) });
  const silences = useLive<Schemas['SilenceList']>('silences', { topics: [], ask: (s) => call('GET', '/silences', undefined, s) });
  const failed = rules.error ?? channels.error ?? silences.error;
  const again = () => {
    for (const a of [rules, channels, silences]) a.again();
  };
  return (
    <section aria-label="Alerts">
      <div className={css.bar}>
        <h2>Alerts</h2>
        <span className={css.grow} />
        <Link to="/incidents" search={{}}>
          Incidents
        </Link>
      </div>
      {failed && <Fault error={failed} asOf={rules.data ? rules.asOf : ''} again={again} />}
      {!failed && !(rules.data && channels.data && silences.data) && <Loading what="alerts" />}
      {rules.data && channels.data && silences.data && (
        <>
          <Channels list={channels.data.channels} again={channels.again} />
          <Silences list={silences.data.silences} rules={rules.data.rules} again={silences.again} />
          <Rules list={rules.data.rules} channels={channels.data.channels} again={rules.again} />
        </>
      )}
    </section>
  );
}
