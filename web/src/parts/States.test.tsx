// @vitest-environment happy-dom
import { cleanup, render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Refusal } from '../api/client';
import { Fault } from './States';

afterEach(cleanup);

describe('a fault', () => {
  it('says what failed, with which status, and gives the id of the request away', async () => {
    const user = userEvent.setup(); // with a clipboard of its own
    const again = vi.fn();
    render(<Fault error={new Refusal('The database does not answer.', 503, 'Look at its log.', '0192-request')} asOf="14:02:11" again={again} />);
    expect(screen.getByRole('alert').textContent).toContain('The database does not answer. Look at its log. Showing the state of 14:02:11. Status 503.');
    await user.click(screen.getByRole('button', { name: 'Copy the id of the request' }));
    expect(await navigator.clipboard.readText()).toBe('0192-request');
    await user.click(screen.getByRole('button', { name: 'Try again' }));
    expect(again).toHaveBeenCalledOnce();
  });
  it('says a status once, and none where nobody answered', () => {
    const say = (e: Refusal) => render(<Fault error={e} again={() => undefined} />).container.textContent ?? '';
    expect(say(new Refusal('The server answered 504.', 504, '', '')).match(/504/g)).toHaveLength(1);
    expect(say(new Refusal('The server does not answer.', 0, '', ''))).not.toContain('Status');
  });
});
