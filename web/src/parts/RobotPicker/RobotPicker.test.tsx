// @vitest-environment happy-dom
import { act, cleanup, fireEvent, render, screen } from '@testing-library/react';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Any, type PickerRobot, ResultTime, RobotPicker, type RobotPickerProps } from '.';

afterEach(() => {
  cleanup();
  vi.useRealTimers();
});

const robots: PickerRobot[] = [
  { id: 'r1', name: 'bot-1', hostname: 'h', status: 'online', environment: 'lab', capabilities: ['browser', 'gpu'], currentJobs: 1, maxJobs: 3 },
  { id: 'r2', name: 'bot-2', hostname: 'h', status: 'busy', environment: 'lab', capabilities: ['desktop'], currentJobs: 3, maxJobs: 3 },
  { id: 'r3', name: 'bot-3', hostname: 'h', status: 'offline', environment: 'prod', capabilities: ['browser', 'office'], currentJobs: 0, maxJobs: 1 },
];

function show(over: Partial<RobotPickerProps> = {}) {
  const calls = {
    onRobotSelected: vi.fn(),
    onExecutionModeChanged: vi.fn(),
    onRefreshRequested: vi.fn(),
    onSubmitToCloudRequested: vi.fn(),
    onRunLocally: vi.fn(),
    onConnect: vi.fn(),
  };
  const props: RobotPickerProps = {
    robots,
    mode: 'cloud',
    selected: null,
    connection: { state: 'connected', address: 'https://orchestrator.example.com', tried: [] },
    local: { enabled: true, host: 'desk', reason: '' },
    submission: { state: 'idle' },
    live: true,
    ...calls,
    ...over,
  };
  const view = render(<RobotPicker {...props} />);
  return { ...calls, props, view };
}

const row = (name: string) => screen.getByText(name).closest('[role=row]') as HTMLElement;

describe('the Robot Picker', () => {
  it('has Local first; Local disables the list and says where it runs', () => {
    const c = show({ mode: 'local' });
    expect(screen.getAllByRole('radio').map((r) => r.parentElement?.textContent?.trim())).toEqual(['Local', 'Cloud']);
    expect(screen.getByText('Runs on desk, no robot needed')).toBeTruthy();
    expect(screen.getByRole('treegrid').getAttribute('aria-disabled')).toBe('true');
    fireEvent.click(row('bot-1'));
    expect(c.onRobotSelected).not.toHaveBeenCalled();
    fireEvent.click(screen.getByRole('button', { name: 'Switch to Cloud to submit' }));
    expect(c.onExecutionModeChanged).toHaveBeenCalledWith('cloud');
    fireEvent.click(screen.getByRole('button', { name: 'Run locally' }));
    expect(c.onRunLocally).toHaveBeenCalled();
  });
  it('shows Local disabled with the reason where nothing runs here', () => {
    show({ local: { enabled: false, host: '', reason: 'This server does not run workflows itself.' } });
    expect((screen.getByLabelText('Local') as HTMLInputElement).disabled).toBe(true);
    expect(screen.getByText('This server does not run workflows itself.')).toBeTruthy();
  });
  it('filters at once and says how many are left; a hidden choice stays', () => {
    show({ selected: 'r2' });
    expect(screen.getByRole('status').textContent).toBe('3 of 3 robots shown · 1 can take a job');
    fireEvent.change(screen.getByLabelText('Filter'), { target: { value: 'Browser Capable' } });
    expect(screen.getByRole('status').textContent).toBe('2 of 3 robots shown · 1 can take a job');
    expect(screen.queryByText('bot-2')).toBeNull();
    expect(screen.getByText('Selected: bot-2 (hidden by the filter)')).toBeTruthy();
  });
  it('selects with one click and submits with two, unless the robot cannot run it', () => {
    const c = show();
    fireEvent.click(row('bot-1'));
    expect(c.onRobotSelected).toHaveBeenCalledWith('r1');
    fireEvent.doubleClick(row('bot-1'));
    expect(c.onSubmitToCloudRequested).toHaveBeenCalledWith('r1');
    fireEvent.doubleClick(row('bot-3'));
    expect(c.onSubmitToCloudRequested).toHaveBeenCalledTimes(1);
    expect(screen.getByRole('status').textContent).toBe('bot-3 is offline');
  });
  it('says why it does not submit, and does not', () => {
    const c = show();
    const button = screen.getByRole('button', { name: 'Submit to Cloud' });
    expect(button.getAttribute('aria-disabled')).toBe('true');
    expect(screen.getByText('Select a robot')).toBeTruthy();
    fireEvent.click(button);
    expect(c.onSubmitToCloudRequested).not.toHaveBeenCalled();
  });
  it('takes no second click while it submits, and shows the result for five seconds', () => {
    vi.useFakeTimers();
    const c = show({ selected: Any });
    c.view.rerender(<RobotPicker {...c.props} submission={{ state: 'submitting' }} />);
    fireEvent.click(screen.getByRole('button', { name: 'Submitting…' }));
    expect(c.onSubmitToCloudRequested).not.toHaveBeenCalled();
    c.view.rerender(<RobotPicker {...c.props} submission={{ state: 'success', message: '01J8', href: '/fleet/jobs/01J8' }} />);
    expect(screen.getByRole('status').textContent).toBe('Submitted: 01J8 · Open');
    act(() => vi.advanceTimersByTime(ResultTime - 1));
    expect(screen.getByRole('status').textContent).toContain('Submitted');
    act(() => vi.advanceTimersByTime(2));
    expect(screen.getByRole('status').textContent).toContain('robots shown');
    c.view.rerender(<RobotPicker {...c.props} submission={{ state: 'error', message: 'no' }} />);
    expect(screen.getByRole('status').textContent).toBe('Failed: no');
  });
  it('goes by keys alone', () => {
    const c = show({ selected: 'r1' });
    const tree = screen.getByRole('treegrid');
    fireEvent.keyDown(tree, { key: 'ArrowDown' });
    fireEvent.keyDown(tree, { key: 'ArrowDown' });
    expect(c.onRobotSelected).toHaveBeenLastCalledWith('r1');
    fireEvent.keyDown(tree, { key: 'b' });
    fireEvent.keyDown(tree, { key: 'End' });
    expect(c.onRobotSelected).toHaveBeenLastCalledWith('r3');
    fireEvent.keyDown(tree, { key: 'Enter', ctrlKey: true });
    expect(c.onSubmitToCloudRequested).toHaveBeenCalledTimes(1);
  });
  it('peeks with Space, and as a plain chooser has no buttons that run', () => {
    const c = show({ selected: 'r1' });
    const tree = screen.getByRole('treegrid');
    fireEvent.keyDown(tree, { key: 'End' });
    fireEvent.keyDown(tree, { key: ' ' });
    expect(screen.getByRole('region', { name: 'About bot-3' }).textContent).toContain('Browser, office');
    fireEvent.keyDown(tree, { key: ' ' });
    expect(screen.queryByRole('region', { name: 'About bot-3' })).toBeNull();
    c.view.rerender(<RobotPicker {...c.props} actions={false} />);
    expect(screen.queryByRole('button', { name: 'Submit to Cloud' })).toBeNull();
    expect(screen.queryByRole('radio')).toBeNull();
  });
  it('connects, and shows each address that was tried', () => {
    const c = show({
      connection: {
        state: 'refused',
        address: '',
        message: 'The key was refused. Create one under Fleet › API Keys.',
        tried: [{ url: 'http://a', source: 'config.yaml', result: 'connection refused' }],
      },
    });
    expect(screen.getByText('connection refused')).toBeTruthy();
    expect(screen.getByText('Not connected to an orchestrator')).toBeTruthy();
    fireEvent.change(screen.getByLabelText('Address'), { target: { value: 'http://b' } });
    fireEvent.change(screen.getByLabelText('Key'), { target: { value: 'k' } });
    fireEvent.click(screen.getByRole('button', { name: 'Connect' }));
    expect(c.onConnect).toHaveBeenCalledWith('http://b', 'k');
  });
  it('cuts the address at 25 characters, with all of it on hover', () => {
    show();
    const shown = screen.getByTitle('https://orchestrator.example.com');
    expect(shown.textContent?.length).toBeLessThanOrEqual(25);
  });
});
