import { describe, expect, it } from 'vitest';
import { systemRandomBytes } from '../base/random.ts';
import type { MonotonicMs } from '../clock/monotonic-clock.ts';
import { PortalSessions, sessionLimits } from './sessions.ts';

describe('what sessions are made of', () => {
  let at = 0;
  const made = () => new PortalSessions(systemRandomBytes, { now: () => at as MonotonicMs });

  it('ends links and sessions by monotonic time', () => {
    const sessions = made();
    const late = sessions.newLink();
    at += sessionLimits.linkMs + 1;
    expect(sessions.exchange(late)).toBeUndefined();
    const idle = sessions.exchange(sessions.newLink());
    const busy = sessions.exchange(sessions.newLink());
    const admits = (one: typeof idle): boolean => sessions.admits(one?.cookie ?? '', one?.pageToken ?? '');
    const began = at;
    while (at + sessionLimits.idleMs <= began + sessionLimits.sessionMs) {
      at += sessionLimits.idleMs;
      expect(admits(busy)).toBe(true);
    }
    expect(admits(idle)).toBe(false);
    at = began + sessionLimits.sessionMs + 1;
    expect(admits(busy)).toBe(false);
  });

  it('keeps the newest only', () => {
    const sessions = made();
    const links = Array.from({ length: sessionLimits.linksMax + 1 }, () => sessions.newLink());
    expect(sessions.exchange(links[0] ?? '')).toBeUndefined();
    const [first, ...others] = Array.from({ length: sessionLimits.sessionsMax + 1 }, () =>
      sessions.exchange(sessions.newLink()),
    );
    expect(sessions.admits(first?.cookie ?? '', first?.pageToken ?? '')).toBe(false);
    for (const one of others) expect(sessions.admits(one?.cookie ?? '', one?.pageToken ?? '')).toBe(true);
  });
});
