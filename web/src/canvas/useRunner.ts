import { useState } from 'react';
import type { Item } from '../parts/Menu';
import { Any, type Submission } from '../parts/RobotPicker';
import { requiredInputs } from './dialogs';
import * as net from './net';
import type { CanvasSearch } from './search';
import type { Editor } from './useEditor';
import { type Fleet, may } from './useFleet';
import type { Where } from './useWhere';

export interface Runner {
  submission: Submission;
  asking: 'local' | 'cloud' | undefined; // for the inputs of a run
  mayNot: string | undefined; // why the caller may not run anything
  answer: (inputs: unknown) => void;
  dismiss: () => void;
  runLocally: () => void;
  submit: (robot?: string) => void;
  toCloud: () => void;
  go: () => void; // the way that is chosen
  ways: readonly Item[];
}

interface From {
  ed: Editor;
  fleet: Fleet;
  where: Where;
  onPicker: () => void;
  onSearch: (change: CanvasSearch) => void;
  jobHref: (id: string) => string;
}

/** useRunner runs what is on the canvas: on this machine, or as a job of the fleet. */
export function useRunner({ ed, fleet, where, onPicker, onSearch, jobHref }: From): Runner {
  const [submission, setSubmission] = useState<Submission>({ state: 'idle' });
  const [asking, setAsking] = useState<{ way: 'local' | 'cloud'; robot?: string }>();
  const [inputs, setInputs] = useState<unknown>();
  const failed = (e: unknown) => setSubmission({ state: 'error', message: e instanceof Error ? e.message : String(e) });
  const open = requiredInputs(ed.graph).length > 0;

  const startLocal = async (vars: unknown) => {
    try {
      const r = await net.startLocal(ed.text(), ed.graph.name, ed.origin.kind === 'file' ? ed.origin.path : '', vars);
      onSearch({ run: `local:${r.run_id}` });
    } catch (e) {
      failed(e);
    }
  };
  const send = async (target: string, vars: unknown) => {
    setSubmission({ state: 'submitting' });
    try {
      const job = await net.submit(ed.text(), ed.graph.name, target === Any ? undefined : target, vars);
      setSubmission({ state: 'success', message: job.job_id, href: jobHref(job.job_id) });
      onSearch({ run: job.job_id });
    } catch (e) {
      failed(e);
    }
  };
  const runLocally = () => {
    if (!fleet.meta?.local.enabled) return;
    if (open) setAsking({ way: 'local' });
    else void startLocal(inputs);
  };
  const submit = (id?: string) => {
    const target = id ?? where.robot;
    if (target === null || submission.state === 'submitting') return;
    if (open) setAsking({ way: 'cloud', robot: target });
    else void send(target, inputs);
  };
  // The way from this machine to the fleet: the picker turns to Cloud, and asks for what is missing.
  const toCloud = () => {
    if (where.mode === 'local') where.setMode('cloud');
    else if (where.robot === null || fleet.connection.state !== 'connected') onPicker();
    else submit();
  };
  const mayNot = fleet.me && !may(fleet.me, 'jobs:run') ? 'Your role may not run jobs. Ask an admin.' : undefined;
  return {
    submission,
    asking: asking?.way,
    mayNot,
    answer: (vars) => {
      setInputs(vars);
      setAsking(undefined);
      if (asking?.way === 'cloud') void send(asking.robot ?? Any, vars);
      else void startLocal(vars);
    },
    dismiss: () => setAsking(undefined),
    runLocally,
    submit,
    toCloud,
    go: () => (where.mode === 'local' ? runLocally() : toCloud()),
    ways: [
      {
        name: 'Run locally',
        keys: where.mode === 'local' ? 'Ctrl Enter' : '',
        run: runLocally,
        ...(where.local.enabled ? {} : { why: where.local.reason || 'Nothing runs here' }),
      },
      { name: 'Submit to Cloud', keys: where.mode === 'cloud' ? 'Ctrl Enter' : '', run: toCloud, ...(mayNot ? { why: mayNot } : {}) },
      { name: 'Choose a robot…', keys: 'P', run: () => (where.mode === 'cloud' ? onPicker() : where.setMode('cloud')) },
    ],
  };
}
