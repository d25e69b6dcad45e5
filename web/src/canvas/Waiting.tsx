import { useEffect, useState } from 'react';
import css from './page.module.css';
import topbar from './topbar.module.css';
import ui from './ui.module.css';

/** Waiting is the canvas before there is anything on it: for a moment nothing, then where its parts will be. */
export function Waiting({ what }: { what: string }) {
  const [shown, setShown] = useState(false);
  useEffect(() => {
    const t = setTimeout(() => setShown(true), 150);
    return () => clearTimeout(t);
  }, []);
  return (
    <div className={css.page} aria-busy="true">
      <h1 className={ui.hidden}>Canvas</h1>
      {shown && (
        <>
          <div className={topbar.top} role="status">
            Loading {what}…
          </div>
          <div className={css.middle} aria-hidden>
            <div className={css.left} />
            <div className={css.ghosts}>
              <div className={css.ghost} />
              <div className={css.ghost} />
              <div className={css.ghost} />
            </div>
          </div>
        </>
      )}
    </div>
  );
}
