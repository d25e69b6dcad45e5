import { useState } from 'react';
import { type Catalog, mayConnect, type Port, portsOf } from './catalog';
import { Dialog } from './dialogs';
import css from './dialogs.module.css';
import type { GNode, Graph } from './model/graph';
import ui from './ui.module.css';

/** ConnectDialog connects two nodes without a pointer. */
export function ConnectDialog(p: {
  graph: Graph;
  catalog: Catalog;
  from: GNode;
  title: (id: string) => string;
  onConnect: (source: string, target: string, targetPort: string, oneIn: boolean) => void;
  onClose: () => void;
}) {
  const ports = (n: GNode, side: 'inputs' | 'outputs'): Port[] => portsOf(p.catalog.byName.get(n.type), n, p.graph.links)[side];
  const outs = ports(p.from, 'outputs');
  const [out, setOut] = useState(outs[0]?.name ?? '');
  const source = outs.find((o) => o.name === out);
  const fits = (n: GNode) => ports(n, 'inputs').filter((i) => mayConnect(source, i) === undefined);
  const others = p.graph.nodes.filter((n) => n.id !== p.from.id && n.type !== 'CommentNode' && fits(n).length > 0);
  const [to, setTo] = useState('');
  const target = others.find((n) => n.id === to) ?? others[0];
  const ins = target ? fits(target) : [];
  const [into, setInto] = useState('');
  const port = ins.find((i) => i.name === into) ?? ins[0];
  return (
    <Dialog label={`Connect ${p.title(p.from.id)}`} onClose={p.onClose}>
      <form
        onSubmit={(e) => {
          e.preventDefault();
          if (source && target && port) p.onConnect(source.name, target.id, port.name, port.type !== 'exec');
        }}
      >
        <label className={ui.field}>
          From its output
          <select value={out} onChange={(e) => setOut(e.target.value)}>
            {outs.map((o) => (
              <option key={o.name}>{o.name}</option>
            ))}
          </select>
        </label>
        <label className={ui.field}>
          To the node
          <select value={target?.id ?? ''} onChange={(e) => setTo(e.target.value)}>
            {others.map((n) => (
              <option key={n.id} value={n.id}>
                {p.title(n.id)}
              </option>
            ))}
          </select>
        </label>
        <label className={ui.field}>
          Into its input
          <select value={port?.name ?? ''} onChange={(e) => setInto(e.target.value)}>
            {ins.map((i) => (
              <option key={i.name}>{i.name}</option>
            ))}
          </select>
        </label>
        {(outs.length === 0 || others.length === 0) && (
          <p className={ui.hint}>{outs.length === 0 ? 'It has no output.' : 'No other node has an input for that.'}</p>
        )}
        <div className={css.dialogActions}>
          <button type="button" className={ui.button} onClick={p.onClose}>
            Cancel
          </button>
          <button type="submit" className={ui.primary} disabled={!port}>
            Connect
          </button>
        </div>
      </form>
    </Dialog>
  );
}
