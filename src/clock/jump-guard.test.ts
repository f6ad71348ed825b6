import { expect, it } from 'vitest';
import { acceptJump, jumpMsMax, purgesAreHeld, recordSeen, recordStart } from './jump-guard.ts';

const noon = Date.UTC(2026, 5, 1, 12);

it.each([
  ['a new data directory', undefined, noon, false],
  ['a day exactly', { lastSeen: noon - jumpMsMax }, noon, false],
  ['more than a day forward', { lastSeen: noon - jumpMsMax - 1 }, noon, true],
  ['a day back', { lastSeen: noon + jumpMsMax }, noon, false],
  ['more than a day back', { lastSeen: noon + jumpMsMax + 1 }, noon, true],
])('recordStart after %s: purges held or not', (_name, record, now, held) => {
  expect(purgesAreHeld(recordStart(record, now))).toBe(held);
});

it('a jump stays held over restarts until it is accepted', () => {
  const jumped = recordStart({ lastSeen: noon }, noon + 3 * jumpMsMax);
  const later = recordStart(recordSeen(jumped, noon + 3 * jumpMsMax + 5), noon + 3 * jumpMsMax + 10);
  expect(later.held).toEqual({ from: noon, to: noon + 3 * jumpMsMax });
  expect(purgesAreHeld(acceptJump(noon + 3 * jumpMsMax + 20))).toBe(false);
});

it('a jump there and back keeps the first place', () => {
  const there = recordStart({ lastSeen: noon }, noon + 3 * jumpMsMax);
  expect(recordStart(there, noon).held).toEqual({ from: noon, to: noon });
});
