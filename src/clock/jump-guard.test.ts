import { expect, it } from 'vitest';
import type { WallReading, WallRecord } from './jump-guard.ts';
import { acceptJump, jumpMsMax, recordOf } from './jump-guard.ts';

const noon = Date.UTC(2026, 5, 1, 12);
const hour = 3_600_000;
const reading = (wall: number): WallReading => ({ wall, moment: { boot: 'a', at: 0 } });
const seen = (wall: number): WallRecord => acceptJump(reading(wall));

it.each([
  ['a new data directory', undefined, undefined, false],
  ['a day exactly in which nobody measured', noon - jumpMsMax, undefined, false],
  ['more than such a day forward', noon - jumpMsMax - 1, undefined, true],
  ['such a day back', noon + jumpMsMax, undefined, false],
  ['more than such a day back', noon + jumpMsMax + 1, undefined, true],
  ['91 days of real time', noon - 91 * jumpMsMax, 91 * jumpMsMax, false],
  ['91 days in a minute', noon - 91 * jumpMsMax, 60_000, true],
  ['91 days back in a minute', noon + 91 * jumpMsMax, 60_000, true],
])('recordOf after %s: destruction held or not', (_name, lastSeen, elapsed, held) => {
  const before = lastSeen === undefined ? undefined : seen(lastSeen);
  expect(recordOf(before, reading(noon), elapsed).held !== undefined).toBe(held);
});

it.each([1, -1])('many steps of 23 h are one of many days (%i)', (direction) => {
  const once = recordOf(seen(noon), reading(noon + direction * 23 * hour), 0);
  expect(once).toMatchObject({ unaccounted: direction * 23 * hour });
  expect(once.held).toBeUndefined();
  const twice = recordOf(once, reading(noon + direction * 46 * hour), 0);
  expect(twice.held).toEqual({ from: noon, to: noon + direction * 46 * hour });
});

it('steps before and after a restart add up, and real time in between does not', () => {
  const before = recordOf(seen(noon), reading(noon + 20 * hour), 0);
  const day = recordOf(before, reading(noon + 120 * hour), 100 * hour);
  expect(day.held).toBeUndefined();
  expect(recordOf(day, reading(noon + 125 * hour), undefined).held).toEqual({
    from: noon + 100 * hour,
    to: noon + 125 * hour,
  });
});

it('what is held stays held, there and back and over restarts, until it is accepted', () => {
  const there = recordOf(seen(noon), reading(noon + 3 * jumpMsMax), undefined);
  const back = recordOf(there, reading(noon), undefined);
  expect(back).toMatchObject({ unaccounted: 0, held: { from: noon, to: noon + 3 * jumpMsMax } });
  expect(acceptJump(reading(noon))).toEqual({ lastSeen: noon, seenAt: { boot: 'a', at: 0 }, unaccounted: 0 });
});
