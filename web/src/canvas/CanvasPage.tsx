import { useEffect, useState } from 'react';
import { Canvas, type CanvasProps } from './Canvas';
import { type Catalog, catalogOf } from './catalog';
import * as net from './net';
import css from './page.module.css';
import ui from './ui.module.css';
import { Waiting } from './Waiting';

/** CanvasPage edits one workflow and runs it here or on the fleet. */
export function CanvasPage(props: Omit<CanvasProps, 'catalog'>) {
  const [catalog, setCatalog] = useState<Catalog>();
  const [failed, setFailed] = useState('');
  useEffect(() => {
    net
      .nodeTypes()
      .then((l) => setCatalog(catalogOf(l)))
      .catch((e: unknown) => setFailed(e instanceof Error ? e.message : String(e)));
  }, []);
  if (failed)
    return (
      <div className={css.message} role="alert">
        <h1>Canvas</h1>
        <p>The node types cannot be read: {failed}</p>
        <button type="button" className={ui.button} onClick={() => location.reload()}>
          Try again
        </button>
      </div>
    );
  if (!catalog) return <Waiting what="the node types" />;
  return <Canvas {...props} catalog={catalog} />;
}
