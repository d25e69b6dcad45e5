// @vitest-environment happy-dom
import { act, cleanup, fireEvent, render, screen } from '@testing-library/react';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { recordingOf } from './passes';
import { ReplayBar } from './ReplayBar';
import { Toast, ToastTime } from './Toast';
import type { Replay } from './useReplay';

afterEach(() => {
  cleanup();
  vi.useRealTimers();
});

describe('the toast of a submission', () => {
  it('keeps the link, and goes by itself unless somebody is on it', () => {
    vi.useFakeTimers();
    const view = render(<Toast submission={{ state: 'submitting' }} />);
    expect(screen.queryByRole('region')).toBeNull();
    view.rerender(<Toast submission={{ state: 'success', message: '01J8', href: '/fleet/jobs/01J8' }} />);
    expect(screen.getByRole('link', { name: 'Open it' }).getAttribute('href')).toBe('/fleet/jobs/01J8');
    fireEvent.pointerEnter(screen.getByRole('region'));
    act(() => void vi.advanceTimersByTime(2 * ToastTime));
    expect(screen.queryByRole('region')).not.toBeNull();
    fireEvent.pointerLeave(screen.getByRole('region'));
    act(() => void vi.advanceTimersByTime(ToastTime));
    expect(screen.queryByRole('region')).toBeNull();
  });
  it('says why nothing was submitted, and is closed', () => {
    render(<Toast submission={{ state: 'error', message: 'No.' }} />);
    expect(screen.getByText('It was not submitted: No.')).toBeTruthy();
    fireEvent.click(screen.getByRole('button', { name: 'Close the message' }));
    expect(screen.queryByRole('region')).toBeNull();
  });
});

describe('the bar of a replay', () => {
  const pass = { part: 0, epoch: 1, seq: 1, node_id: 'a', status: 'failed', started_at: new Date(1000).toISOString(), duration_ms: 500, error: 'no' };
  const bar = (over: Partial<Replay> = {}) => {
    const r: Replay = {
      recording: recordingOf([pass]),
      view: undefined,
      count: 1,
      back: true,
      live: false,
      playing: false,
      speed: 1,
      go: vi.fn(),
      play: vi.fn(),
      setSpeed: vi.fn(),
      end: vi.fn(),
      ...over,
    };
    render(<ReplayBar replay={r} title={(id) => id.toUpperCase()} failedNode="a" />);
    return r;
  };
  it('tells the moment to eyes and ears, and goes to any other', () => {
    const r = bar();
    const slider = screen.getByRole('slider');
    expect(slider.getAttribute('aria-valuetext')).toBe('A: Running, 0 ms of 500 ms');
    fireEvent.change(slider, { target: { value: '0' } });
    expect(r.go).toHaveBeenLastCalledWith(0);
    fireEvent.click(screen.getByRole('button', { name: '✕ Failure' }));
    expect(r.go).toHaveBeenLastCalledWith(2);
    fireEvent.keyDown(slider, { key: ' ' });
    expect(r.play).toHaveBeenCalledWith(true);
    fireEvent.click(screen.getByRole('button', { name: 'To the last moment' }));
    expect(r.end).toHaveBeenCalled();
  });
  it('offers to show a run live that goes on', () => {
    const r = bar({ live: true });
    fireEvent.click(screen.getByRole('button', { name: 'Show live' }));
    expect(r.end).toHaveBeenCalled();
    cleanup();
    bar({ live: true, back: false, count: 2 });
    expect(screen.queryByRole('button', { name: 'Show live' })).toBeNull();
    expect(screen.getByText('◑ Live')).toBeTruthy();
  });
  it('is not there where nothing is known of the nodes', () => {
    bar({ recording: recordingOf([]) });
    expect(screen.queryByRole('slider')).toBeNull();
  });
});
