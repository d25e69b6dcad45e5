import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { call, type Schemas } from '../../api/client';
import { useLive, useRobots } from '../../parts/live';
import { crew } from './overview';
import own from './overview.module.css';

const place = 'fleet.first-start';
const sample = 'the sample of fleet dev';

/** FirstStart greets who has just started `fleet dev`, once its sample is done, until they have seen enough of it. */
export function FirstStart() {
  const [gone, setGone] = useState(localStorage.getItem(place) === 'gone');
  return gone ? null : (
    <Card
      onClose={() => {
        localStorage.setItem(place, 'gone');
        setGone(true);
      }}
    />
  );
}

function Card({ onClose }: { onClose: () => void }) {
  const robots = useRobots().filter((r) => r.status !== 'offline').length;
  const [shown, setShown] = useState(false);
  const done = useLive<Schemas['JobLine'] | null>('sample', {
    topics: ['jobs'],
    ask: async (s, have) => {
      const known = have();
      if (known) return known; // it stays the same
      const meta = await call<Schemas['Meta']>('GET', '/meta', undefined, s);
      if (!meta.dev || meta.demo) return null;
      const list = await call<Schemas['JobList']>('GET', `/jobs?status=completed&q=${encodeURIComponent(sample)}&limit=1`, undefined, s);
      return list.jobs[0] ?? null;
    },
    take: (data, f) => (data === null && f.to_state === 'completed' ? 'again' : undefined),
  });
  const job = done.data;
  if (!job || robots === 0) return null;
  return (
    <section className={own.first} aria-labelledby="first">
      <h2 id="first">{crew(robots)} and finished the sample workflow</h2>
      <div className={own.steps}>
        <Link to="/fleet/jobs/$id" params={{ id: job.job_id }}>
          Open the job
        </Link>
        <Link to="/workflows/$id" params={{ id: 'new' }}>
          Open the canvas
        </Link>
        <Link to="/fleet/api-keys" search={{}}>
          Add a robot
        </Link>
        <button type="button" aria-expanded={shown} onClick={() => setShown(!shown)}>
          Submit from a terminal
        </button>
      </div>
      {shown && <pre>{`export FLEET_URL=${location.origin}\nfleet job submit examples/hello.json --follow`}</pre>}
      <button type="button" className={own.close} aria-label="Do not show this again" title="Do not show this again" onClick={onClose}>
        ×
      </button>
    </section>
  );
}
