import { useNavigate, useRouterState } from '@tanstack/react-router';
import { useEffect, useMemo, useRef, useState } from 'react';
import { GoTo } from './parts/GoTo';
import { asCommand } from './parts/goto';
import { KeySheet } from './parts/KeySheet';
import { commands, Keys, singleKeys, useCommands } from './parts/keys';
import { stream, useConnection } from './parts/live';
import { isPaused, setPause, usePause } from './parts/paused';
import { fleetTabs, openTo } from './parts/places';
import { useMe } from './parts/session';
import { clock } from './parts/Time';
import css from './shell.module.css';

/** Global is what every page can do by key: the palette, the sheet of keys, going elsewhere, standing still. */
export function Global({ canvas, onRail }: { canvas: boolean; onRail: () => void }) {
  const navigate = useNavigate();
  const path = useRouterState({ select: (s) => s.location.pathname });
  const me = useMe();
  const [open, setOpen] = useState<'goto' | 'keys'>();
  const [said, setSaid] = useState('');
  const keys = useRef<Keys>(null);
  keys.current ??= new Keys(commands);
  const copy = (what: string, text: string) =>
    navigator.clipboard
      .writeText(text)
      .then(() => setSaid(`${what} is copied.`))
      .catch(() => setSaid(text));
  const go = (to: string) => void navigate({ to: to as '/', search: {} as never });
  const command = asCommand(path, location.origin);
  const onFleet = path.startsWith('/fleet');
  const own = useMemo(() => openTo(me?.permissions), [me]);
  useCommands([
    ...own.map((p) => ({ name: p.name, group: 'Go', ...(p.keys ? { keys: p.keys } : {}), run: () => go(p.to) })),
    ...(onFleet ? fleetTabs.map((t, i) => ({ name: t.name, group: 'Tabs of the fleet', keys: String(i + 1), run: () => go(t.to) })) : []),
    { name: 'Go to…', group: 'Everywhere', keys: 'Ctrl K', run: () => setOpen('goto') },
    { name: 'Show the keys', group: 'Everywhere', keys: '?', run: () => setOpen('keys') },
    { name: 'Search this page', group: 'Everywhere', keys: '/', run: () => document.querySelector<HTMLInputElement>('main input[type=search]')?.focus() },
    { name: 'Fold the rail', group: 'Everywhere', keys: '[', run: onRail },
    {
      name: 'Stand still, or go on',
      group: 'Everywhere',
      keys: 'Shift L',
      run: () => setPause(isPaused() ? undefined : { since: Date.now(), updates: stream.look().updates }),
    },
    { name: 'Copy the link', group: 'Everywhere', keys: 'c', run: () => void copy('The link', location.href) },
    ...(command
      ? [
          { name: 'Copy as a command', group: 'Everywhere', keys: 'Shift C', run: () => void copy(`“${command.cli}”`, command.cli) },
          { name: 'Copy as curl', group: 'Everywhere', run: () => void copy('The question to the API', command.curl) },
        ]
      : []),
  ]);
  useEffect(() => {
    const press = (e: KeyboardEvent) => {
      if (e.defaultPrevented || e.isComposing) return;
      const on = e.target instanceof HTMLElement ? e.target : undefined;
      const typing = on?.closest('input:not([type=checkbox],[type=radio],[type=button]), textarea, select, [contenteditable=true]') !== null;
      const ctrl = e.ctrlKey || e.metaKey;
      if (document.querySelector('dialog[open]') || (canvas && !ctrl && e.key !== '?')) return; // a dialog and the canvas have keys of their own
      const c = keys.current?.press({ key: e.key, ctrl, shift: e.shiftKey, alt: e.altKey, at: e.timeStamp, typing: on !== undefined && typing }, singleKeys());
      if (c === undefined) return;
      // Enter and Space are those of what has the focus.
      if ((e.key === 'Enter' || e.key === ' ') && on?.closest('button, a, summary, input')) return;
      e.preventDefault();
      if (c === 'first') return;
      if (c.why) setSaid(c.why);
      else c.run();
    };
    document.addEventListener('keydown', press);
    return () => document.removeEventListener('keydown', press);
  }, [canvas]);
  useEffect(() => {
    if (said === '') return;
    const t = setTimeout(() => setSaid(''), 5000);
    return () => clearTimeout(t);
  }, [said]);
  return (
    <>
      <button type="button" className={css.goto} onClick={() => setOpen('goto')}>
        <span>Go to…</span> <kbd>Ctrl K</kbd>
      </button>
      {open === 'goto' && <GoTo onClose={() => setOpen(undefined)} />}
      {open === 'keys' && <KeySheet onClose={() => setOpen(undefined)} />}
      <p className={css.toast} role="status">
        {said}
      </p>
    </>
  );
}

/** Still says that what is shown stands still, and how much waits. */
export function Still() {
  const p = usePause();
  const updates = useConnection().updates;
  if (p.since === 0) return null;
  return (
    <p className={css.still} role="status">
      Paused at {clock(p.since)} · {Math.max(0, updates - p.updates)} changes waiting{' '}
      <button type="button" onClick={() => setPause(undefined)}>
        Go on
      </button>
    </p>
  );
}
