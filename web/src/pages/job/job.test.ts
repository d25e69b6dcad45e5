import { describe, expect, it } from 'vitest';
import type { Schemas } from '../../api/client';
import { lasted } from '../../parts/words';
import { ansi, entries, type Line, LogWindow, marked, type Page } from './log';
import { bytes, previewOf, tableOf } from './preview';
import { cloneOf, detailSearch, fixOf, lineOf, lineText, passed } from './rows';
import { bars, scaleOf } from './timeline';

const t0 = Date.parse('2026-11-27T10:00:00Z');
const iso = (s: number) => new Date(t0 + 1000 * s).toISOString();

function told(more: object): Schemas['JobTimeline'] {
  return {
    job: { job_id: 'j', status: 'completed', created_at: iso(0) },
    now: iso(100),
    segment_jobs: [],
    attempts: [],
    nodes: [],
    steps: 0,
    cut: false,
    ...more,
  } as unknown as Schemas['JobTimeline'];
}

describe('the timeline', () => {
  it('shows the wait before each attempt, and the nodes under it', () => {
    const list = bars(
      told({
        attempts: [
          { job_id: 'j', epoch: 1, robot_id: 'a', offered_at: iso(2), started_at: iso(2), ended_at: iso(4), outcome: 'failed' },
          { job_id: 'j', epoch: 2, robot_id: 'b', offered_at: iso(90), started_at: iso(90), ended_at: iso(95), outcome: 'completed' },
        ],
        nodes: [
          { job_id: 'j', epoch: 1, node_id: 'n', node_type: 'X', status: 'failed', started_at: iso(2), ended_at: iso(3), passes: 1, failed: 1, total_ms: 1000 },
          {
            job_id: 'j',
            epoch: 2,
            node_id: 'n',
            node_type: 'X',
            status: 'completed',
            started_at: iso(90),
            ended_at: iso(95),
            passes: 3,
            failed: 0,
            total_ms: 4500,
          },
        ],
      }),
      t0 + 100_000,
    );
    expect(list.map((b) => `${b.kind} ${b.title}: ${b.words}`)).toEqual([
      'wait Waited: 2.0 s',
      'attempt Attempt 1 on a: 2.0 s',
      'node n: 1.0 s',
      'wait Waited: 1 min 26 s',
      'attempt Attempt 2 on b: 5.0 s',
      'node n: 3 passes, 4.5 s',
    ]);
    // The long wait is folded: what was done gets the room.
    const s = scaleOf(list);
    expect(s.gaps.map((g) => Math.round(g.ms / 1000))).toEqual([86]);
    expect([s.at(t0), Math.round(s.at(t0 + 95_000))]).toEqual([0, 100]);
    expect(s.at(t0 + 95_000) - s.at(t0 + 90_000)).toBeGreaterThan(40);
    for (let i = 1; i < 95; i++) expect(s.at(t0 + 1000 * i)).toBeGreaterThanOrEqual(s.at(t0 + 1000 * (i - 1)));
  });

  it('draws what lasts until now', () => {
    const list = bars(
      told({
        job: { job_id: 'j', status: 'running', created_at: iso(0) },
        attempts: [{ job_id: 'j', epoch: 1, robot_id: 'a', offered_at: iso(0), started_at: iso(0) }],
        nodes: [{ job_id: 'j', epoch: 1, node_id: 'n', node_type: 'X', status: 'running', started_at: iso(1), passes: 1, failed: 0, total_ms: 0 }],
      }),
      t0 + 9000,
    );
    expect(list.map((b) => [b.kind, b.open, b.to - t0])).toEqual([
      ['attempt', true, 9000],
      ['node', true, 9000],
    ]);
    const waits = bars(told({ job: { job_id: 'j', status: 'pending', created_at: iso(0) } }), t0 + 5000);
    expect(waits.map((b) => [b.title, b.open])).toEqual([['Waits', true]]);
    expect(scaleOf(waits).at(t0 + 5000)).toBeCloseTo(100);
  });

  it('tells lengths as people want them', () => {
    expect([0.2, 12, 1500, 61_000, 3_720_000, 90_000_000].map(lasted)).toEqual(['less than 1 ms', '12 ms', '1.5 s', '1 min 1 s', '1 h 2 min', '1 d 1 h']);
  });
});

/** logOf is a server with some attempts of so many lines each. */
function logOf(...counts: number[]) {
  let asked = 0;
  const read = (epoch: number, from: number, limit: number): Promise<Page> => {
    asked++;
    const lines: Line[] = [];
    for (let e = epoch, l = from; e <= counts.length && lines.length < limit; e++, l = 1)
      for (; l <= (counts[e - 1] ?? 0) && lines.length < limit; l++) lines.push({ epoch: e, line: l, at: iso(0), level: 'INFO', message: `${e}.${l}` });
    const last = lines.at(-1);
    return Promise.resolve({
      job_id: 'j',
      status: 'running',
      lines,
      final: false,
      next_epoch: last?.epoch ?? epoch,
      next_line: last ? last.line + 1 : from,
    });
  };
  return { counts, read, asked: () => asked };
}

const whole = (w: LogWindow) => w.lines.every((l, i) => i === 0 || l.epoch !== w.lines[i - 1]?.epoch || l.line === (w.lines[i - 1]?.line ?? 0) + 1);

describe('the window on a log', () => {
  it('opens a million lines where somebody looks, with a few questions', async () => {
    const { read, asked } = logOf(1_000_000);
    const w = new LogWindow(read);
    const row = await w.at(1, 700_000);
    expect([w.lines[row]?.message, asked(), w.lines.length]).toEqual(['1.700000', 1, 1000]);
    expect(await w.older()).toBe(1000);
    await w.newer();
    expect([whole(w), w.lines.length, w.lines[0]?.line]).toEqual([true, 3000, 698_500]);
  });

  it('keeps a bound and no hole, whichever way somebody scrolls', async () => {
    const { read } = logOf(120_000);
    const w = new LogWindow(read);
    await w.at(1, 60_000);
    for (let i = 0; i < 70; i++) await w.newer();
    expect([w.lines.length, whole(w), w.lines.at(-1)?.line, w.atEnd]).toEqual([50_000, true, 120_000, true]);
    for (let i = 0; i < 100; i++) await w.older();
    expect([w.lines.length, whole(w), w.lines[0]?.line, w.atEnd]).toEqual([50_000, true, 1, false]);
    const { came } = await w.newer();
    expect([came, whole(w)]).toEqual([1000, true]);
  });

  it('goes on with lines that come later, and over attempts', async () => {
    const server = logOf(3, 2);
    const w = new LogWindow(server.read);
    expect(await w.at(1, 2)).toBe(1);
    expect(w.lines.map((l) => l.message)).toEqual(['1.1', '1.2', '1.3', '2.1', '2.2']);
    server.counts[1] = 3;
    expect((await w.newer()).came).toBe(1);
    expect((await w.newer()).came).toBe(0);
    expect(await w.at(2, 1)).toBe(0);
    expect(await w.older()).toBe(0);
  });
});

describe('a line of a log', () => {
  it('shows colours and takes other codes out', () => {
    expect(ansi('plain')).toEqual([{ text: 'plain', tone: '', bold: false }]);
    expect(ansi('a\u001b[31;1mred\u001b[0m\u001b[2K b\u001b]0;title\u0007c')).toEqual([
      { text: 'a', tone: '', bold: false },
      { text: 'red', tone: 'red', bold: true },
      { text: ' b', tone: '', bold: false },
      { text: 'c', tone: '', bold: false },
    ]);
  });
  it('shows colours also where the server put a mark for the escape', () => {
    expect(ansi('\ufffd[33modd\ufffd[0m \ufffd').map((r) => [r.text, r.tone])).toEqual([
      ['odd', 'yellow'],
      [' \ufffd', ''],
    ]);
  });
  it('loses no letter, whatever codes it holds', () => {
    const parts = ['a', 'ö', '\u001b[', '\u001b[31m', '\u001b', 'm', ';', '1', '\u001b[0m', ' '];
    let n = 7;
    for (let i = 0; i < 300; i++) {
      let text = '';
      for (let k = 0; k < 12; k++) {
        n = (n * 1103515245 + 12345) % 2147483648;
        text += parts[n % parts.length];
      }
      const letters = (s: string) => [...s].filter((c) => c === 'a' || c === 'ö').length;
      expect(
        letters(
          ansi(text)
            .map((r) => r.text)
            .join(''),
        ),
      ).toBeGreaterThanOrEqual(letters(text) - (text.split('\u001b').length - 1));
    }
  });
  it('marks what was looked for, in any case', () => {
    expect(
      marked('Error: an error', 'ERROR')
        .filter((m) => m.hit)
        .map((m) => m.text),
    ).toEqual(['Error', 'error']);
    expect(marked('x', '')).toEqual([{ text: 'x', hit: false }]);
  });
});

describe('the address of a job', () => {
  it('keeps what it knows', () => {
    expect(detailSearch({ tab: 'graph', pane: 'nothing', node: 'n', line: '2.481', x: 1 })).toEqual({ tab: 'graph', node: 'n', line: '2.481' });
    expect(detailSearch({ line: 1.5 })).toEqual({ line: '1.5' });
    expect([lineOf('0.1'), lineOf('1'), lineOf('1.2')]).toEqual([undefined, undefined, { epoch: 1, line: 2, to: 2 }]);
  });
});

const detail = (more: object) =>
  ({
    job_id: 'j',
    status: 'running',
    epoch: 1,
    progress: 62,
    priority: 10,
    environment: 'default',
    requires: ['gpu', 'browser'],
    workflow: { workflow_id: 'w', workflow_name: 'W', version: 3 },
    variables: { a: 1 },
    ...more,
  }) as unknown as Schemas['JobDetail'];

describe('the head of a job', () => {
  const node = (id: string, more: object = {}) => ({ node_id: id, epoch: 1, status: 'completed', ended_at: iso(1), ...more }) as Schemas['NodeTime'];
  it('says how far it is by what the server told', () => {
    const j = detail({ nodes_total: 9, started_at: iso(0), typical_ms: 100_000, typical_runs: 20 });
    expect(passed(j, [node('a'), node('b'), node('b', { epoch: 2 }), node('c', { ended_at: undefined })], t0 + 60_000)).toBe(
      '2 of 9 nodes · 62 % · about 40 s left (median of 20 runs)',
    );
    expect(passed(j, [], t0 + 200_000)).toBe('0 of 9 nodes · 62 % · longer than usual: 1 min 40 s (median of 20 runs)');
    expect(passed(detail({ status: 'failed', nodes_total: 2 }), [node('a'), node('b', { status: 'failed' })], t0)).toBe('1 of 2 nodes');
    const resumed_from = { job_id: 'x', node: 'b', done_before: ['s', 'a'] };
    expect(passed(detail({ status: 'failed', nodes_total: 4, resumed_from }), [node('b'), node('c', { status: 'failed' })], t0)).toBe('3 of 4 nodes');
    expect(passed(detail({ segments: 2, nodes_total: 4, status: 'completed' }), [], t0)).toBe('');
  });
  it('makes a job like it, with changes', () => {
    const j = detail({ placement: { tags: ['x'], usual: ['r'], secrets: ['s'] }, labels: { a: 'b' } });
    expect(cloneOf(j, { version: '', priority: '0', robot: 'r1', environment: 'prod', capabilities: 'gpu, secure', variables: '{"b":2}' })).toEqual({
      workflow_id: 'w',
      labels: { a: 'b' },
      priority: 0,
      target_robot_id: 'r1',
      environment: 'prod',
      placement: { tags: ['x'], capabilities: ['gpu', 'secure'] },
      variables: { b: 2 },
    });
    expect(cloneOf(j, { variables: '[1]' })).toBeUndefined();
    expect(cloneOf(j, { variables: '{' })).toBeUndefined();
  });
  it('has a button for what can be done at once', () => {
    const fix = (change: string, text: string, robots: string[] = []) => fixOf({ change: change as 'slot_frees', text, robots }, detail({}));
    expect(fix('demand_dropped', 'it did not need gpu')).toEqual({ do: 'clone', word: 'Drop gpu', change: { capabilities: 'browser', cancel: 'true' } });
    expect(fix('demand_dropped', 'it did not ask for robot r1')).toMatchObject({
      word: 'Let any robot take it',
      path: 'move',
      body: { target_robot_id: 'any' },
    });
    expect(fix('robot_returns', 'gpu-02 leaves maintenance', ['gpu-02'])).toMatchObject({ do: 'resume', robot: 'gpu-02' });
    expect(fix('robot_returns', 'gpu-02 connects again', ['gpu-02'])).toBeUndefined();
    expect(fix('priority_raised', 'it had priority 0')).toMatchObject({ path: 'priority', body: { priority: 0 } });
    expect(fix('slot_frees', 'a slot frees on r', ['r'])).toBeUndefined();
  });
});

describe('the rows of a log', () => {
  const l = (line: number, node: string, level = 'INFO') => ({ epoch: 1, line, at: iso(line), level, node_id: node, message: 'x' }) as Line;
  it('fold what a node wrote in a row', () => {
    const lines = [l(1, 'a'), l(2, 'b'), l(3, 'b', 'ERROR'), l(4, 'b'), l(5, 'a')];
    expect(entries(lines, false, new Set()).length).toBe(5);
    expect(entries(lines, true, new Set()).map((e) => (e.kind === 'line' ? e.line.line : `${e.node} ${e.lines} ${e.worst}`))).toEqual([1, 'b 3 ERROR', 5]);
    expect(entries(lines, true, new Set(['1.2'])).length).toBe(6);
  });
  it('are named by an address, also some that follow each other', () => {
    expect(lineOf('2.120-140')).toEqual({ epoch: 2, line: 120, to: 140 });
    expect(lineOf('2.120-119')).toBeUndefined();
    expect(lineText({ epoch: 2, line: 120, to: 140 })).toBe('2.120-140');
    expect(lineText({ epoch: 2, line: 120, to: 120 })).toBe('2.120');
    expect(detailSearch({ line: '1.5-9', level: 'ERROR', wrap: true, order: 'new', logq: 7, tab: 'steps' })).toEqual({
      line: '1.5-9',
      level: 'ERROR',
      wrap: true,
      order: 'new',
      logq: '7',
    });
  });
});

describe('the files of a job', () => {
  it('are looked into by their type and size', () => {
    expect(previewOf({ type: 'image/png', size: 9e6 })).toBe('image');
    expect(previewOf({ type: 'application/json', size: 10 })).toBe('json');
    expect(previewOf({ type: 'text/csv', size: 9e6 })).toBeUndefined();
    expect(previewOf({ type: 'application/zip', size: 1 })).toBeUndefined();
    expect([bytes(1), bytes(2048), bytes(3 * 1024 * 1024)]).toEqual(['1 byte', '2.0 KiB', '3.0 MiB']);
  });
  it('are tables with quotes in them', () => {
    const cells = (text: string) => tableOf(text).rows.map((r) => r.cells.map((c) => c.text));
    expect(cells('a;b\r\n"x;1";"say ""hi""\nthere"\r\n')).toEqual([
      ['a', 'b'],
      ['x;1', 'say "hi"\nthere'],
    ]);
    expect(cells('a,b\n,')).toEqual([
      ['a', 'b'],
      ['', ''],
    ]);
    expect(tableOf(Array.from({ length: 250 }, () => 'x').join('\n')).more).toBe(50);
  });
});
