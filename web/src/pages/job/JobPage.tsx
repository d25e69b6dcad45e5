import { type CSSProperties, type ReactNode, useMemo, useState } from 'react';
import { call, type Job, type Schemas } from '../../api/client';
import { FleetTabs } from '../../parts/FleetTabs';
import { useLive } from '../../parts/live';
import css from '../../parts/parts';
import { Scroll } from '../../parts/Scroll';
import { Fault, Loading } from '../../parts/States';
import { useMay } from '../../parts/session';
import { Acts, type Asked } from './Acts';
import { Artifacts } from './Artifacts';
import { Head } from './Head';
import own from './job.module.css';
import { LogView } from './LogView';
import { Moment } from './Moment';
import { Attempts, Events, Raw, Steps } from './panes';
import paned from './panes.module.css';
import { type DetailSearch, final, left, lineOf, lineText, right } from './rows';
import { Split } from './Split';
import { Timeline } from './Timeline';
import { viewOf, viewText } from './timeline';
import { Variables } from './Variables';

type Detail = Schemas['JobDetail'];

/** title names a node: by its id, which is what logs and errors call it. */
const title = (node: string) => node;

export interface GraphProps {
  job: Detail;
  told: Schemas['JobTimeline'];
  node: string;
  onNode: (id: string) => void;
}

interface Props {
  id: string;
  search: DetailSearch;
  onSearch: (s: Partial<{ [K in keyof DetailSearch]: DetailSearch[K] | undefined }>) => void;
  graph: (p: GraphProps) => ReactNode;
}

/** JobPage is one job: how it stands and why, when what happened, and what it said. */
export function JobPage({ id, search, onSearch, graph }: Props) {
  const at = `/jobs/${encodeURIComponent(id)}`;
  const topics = [`job:${id}`];
  const job = useLive<Detail>(at, {
    topics,
    ask: (s) => call<Detail>('GET', at, undefined, s),
    take: (data, f) => {
      const row = f.d as Job | undefined;
      if (f.op === 'del') return 'again';
      return row === undefined || row.version > data.version ? 'again' : undefined;
    },
    touch: (data, [kind, job_id, epoch, progress, node]) =>
      kind === 'j' && job_id === id && epoch === data.epoch && (progress as number) >= data.progress
        ? { ...data, progress: progress as number, current_node: node as string }
        : undefined,
  });
  const told = useLive<Schemas['JobTimeline']>(`${at}/timeline`, {
    topics,
    ask: (s) => call('GET', `${at}/timeline`, undefined, s),
    touch: (_, [kind, job_id]) => (kind === 'j' && job_id === id ? 'again' : undefined),
  });
  const retries = useLive<Schemas['JobList']>(`${at}/retries`, {
    topics: ['jobs'],
    ask: (s) => call('GET', `/jobs?retry_of=${encodeURIComponent(id)}&limit=5`, undefined, s),
    take: (_, f) => ((f.d as Job | undefined)?.retry_of === id ? 'again' : undefined),
  });
  const [asked, setAsked] = useState<Asked>();
  const [said, setSaid] = useState<ReactNode>('');
  const mayRun = useMay('jobs:run');
  const mayDecide = useMay('jobs:decide') ?? false;
  const j = job.data;
  const tab = search.tab ?? 'timeline';
  const pane = search.pane ?? 'log';
  const node = search.node ?? '';
  const view = useMemo(() => viewOf(search.zoom), [search.zoom]);
  const onNode = (n: string) => onSearch({ node: n === node ? undefined : n });
  return (
    <div className={`${css.page} ${own.page}`}>
      <FleetTabs />
      {!j && <h1>Job</h1>}
      {job.error && <Fault error={job.error} asOf={j ? job.asOf : ''} again={job.again} />}
      {!j && !job.error && <PageSkeleton />}
      {j && (
        <>
          <Head job={j} nodes={told.data?.nodes ?? []} mayRun={mayRun} retries={retries.data?.jobs ?? []} said={said} onAsk={setAsked} onSaid={setSaid} />
          <Acts job={j} asked={asked} onClose={() => setAsked(undefined)} onSaid={setSaid} onDone={job.again} />
          <Moment
            job={j}
            told={told.data}
            mayRun={mayRun ?? false}
            mayDecide={mayDecide}
            onAsk={setAsked}
            onSaid={setSaid}
            onDone={job.again}
            onError={(l) => onSearch({ pane: undefined, level: undefined, line: l && lineText({ ...l, to: l.line }) })}
          />
          <Split
            left={
              <section className={own.pane} aria-label="What happened">
                <Tabs name="What happened" list={left} chosen={tab} onChoose={(t) => onSearch({ tab: t === 'timeline' ? undefined : t })} />
                <Scroll label={tab} className={own.paneBody}>
                  {told.error && <Fault error={told.error} asOf={told.data ? told.asOf : ''} again={told.again} />}
                  {!told.data && !told.error && <Loading what="the timeline" />}
                  {told.data && tab === 'timeline' && (
                    <Timeline told={told.data} title={title} node={node} view={view} onNode={onNode} onView={(v) => onSearch({ zoom: v && viewText(v) })} />
                  )}
                  {told.data && tab === 'graph' && graph({ job: j, told: told.data, node, onNode })}
                  {told.data && tab === 'nodes' && <Steps told={told.data} before={j.resumed_from} title={title} node={node} onNode={onNode} />}
                </Scroll>
              </section>
            }
            right={
              <section className={own.pane} aria-label="Details">
                <Tabs name="Details" list={right} chosen={pane} onChoose={(p) => onSearch({ pane: p === 'log' ? undefined : p })} />
                <Scroll label={pane} className={own.paneBody} data-log={pane === 'log' || undefined}>
                  {pane === 'log' && (
                    <LogView
                      key={`${id} ${final(j.status)}`}
                      job={j}
                      at={lineOf(search.line)}
                      search={search}
                      onSearch={onSearch}
                      title={title}
                      node={node}
                      onNode={onNode}
                      onAt={(l) => onSearch({ line: lineText(l) })}
                    />
                  )}
                  {pane === 'variables' && <Variables job={j} nodes={told.data?.nodes ?? []} node={node} onNode={onNode} />}
                  {pane === 'artifacts' && <Artifacts id={id} />}
                  {pane === 'attempts' && <Attempts id={id} attempts={told.data?.attempts ?? []} />}
                  {pane === 'events' && <Events id={id} />}
                  {pane === 'raw' && <Raw value={j} />}
                </Scroll>
              </section>
            }
          />
        </>
      )}
    </div>
  );
}

/** PageSkeleton is the page before the job is there: its two panes. */
function PageSkeleton() {
  return (
    <>
      <span role="status" className={css.unseen}>
        Loading the job…
      </span>
      <div className={`${own.panes} ${paned.wait}`} aria-hidden="true" style={{ '--left': '50fr', '--right': '50fr' } as CSSProperties}>
        <div className={own.pane} />
        <span />
        <div className={own.pane} />
      </div>
    </>
  );
}

function Tabs<T extends string>({ name, list, chosen, onChoose }: { name: string; list: readonly T[]; chosen: T; onChoose: (t: T) => void }) {
  return (
    <div role="tablist" aria-label={name} className={own.tabs}>
      {list.map((t) => (
        <button key={t} type="button" role="tab" aria-selected={t === chosen} onClick={() => onChoose(t)}>
          {(t[0] ?? '').toUpperCase() + t.slice(1)}
        </button>
      ))}
    </div>
  );
}
