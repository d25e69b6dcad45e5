import { Confirm } from '../../parts/Confirm';
import css from '../../parts/parts';
import { ShownOnce } from '../../parts/ShownOnce';
import { type Auth, auths, howToCall, type Trigger } from './triggers';

export interface Told {
  trigger: Trigger;
  secret: string; // that was made for it; empty: it has one of the vault
}

/** Shown tells where a webhook is called and how its caller proves itself. A secret that was made for it is shown this once. */
export function Shown({ trigger, secret, onClose }: Told & { onClose: () => void }) {
  const w = trigger.webhook;
  if (!w) return null;
  const url = `${location.origin}${trigger.address ?? ''}`;
  const title = `How to call ${trigger.name}`;
  if (secret)
    return (
      <ShownOnce
        title={title}
        what="secret"
        secret={secret}
        lines={[
          { name: 'The address, for POST', text: url },
          { name: `${auths[w.auth as Auth]}; the secret is in SECRET`, text: howToCall(url, w) },
        ]}
        onClose={onClose}
      />
    );
  return (
    <Confirm wide title={title} action="Close" onConfirm={onClose} onClose={onClose}>
      <p className={css.hint}>The address, for POST</p>
      <pre className={css.pre}>{url}</pre>
      <p className={css.hint}>
        {auths[w.auth as Auth]}. The secret is {w.secret} of the vault, which shows it to nobody; here it is in SECRET.
      </p>
      <pre className={css.pre}>{howToCall(url, w)}</pre>
    </Confirm>
  );
}
