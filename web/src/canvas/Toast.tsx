import { useEffect, useState } from 'react';
import type { Submission } from '../parts/RobotPicker';
import css from './dialogs.module.css';
import ui from './ui.module.css';

/** ToastTime is how long a toast stays, ms, unless the pointer or the focus is on it. */
export const ToastTime = 8000;

/** Toast keeps the link to a job that was submitted, also when the Robot Picker is closed. */
export function Toast({ submission }: { submission: Submission }) {
  const [shown, setShown] = useState<Submission>();
  const [held, setHeld] = useState(false);
  useEffect(() => {
    setShown(submission.state === 'success' || submission.state === 'error' ? submission : undefined);
  }, [submission]);
  useEffect(() => {
    if (!shown || held) return;
    const t = setTimeout(() => setShown(undefined), ToastTime);
    return () => clearTimeout(t);
  }, [shown, held]);
  if (shown?.state !== 'success' && shown?.state !== 'error') return null;
  return (
    <section
      className={css.toast}
      aria-label="Submitted"
      onPointerEnter={() => setHeld(true)}
      onPointerLeave={() => setHeld(false)}
      onFocus={() => setHeld(true)}
      onBlur={() => setHeld(false)}
    >
      {shown.state === 'success' ? (
        <>
          Job {shown.message} is on its way. {shown.href && <a href={shown.href}>Open it</a>}
        </>
      ) : (
        <span className={ui.bad}>It was not submitted: {shown.message}</span>
      )}
      <button type="button" className={ui.icon} aria-label="Close the message" onClick={() => setShown(undefined)}>
        ✕
      </button>
    </section>
  );
}
