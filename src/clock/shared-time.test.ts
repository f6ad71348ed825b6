import { expect, it } from 'vitest';
import { SharedTime } from './shared-time.ts';

const start = Date.UTC(2026, 0, 1);

/** A machine that has been on for some time, and another clock, `offset` ahead of its monotonic time. */
function machine() {
  const host = { at: 5_000, monotonic: () => host.at };
  const other = { offset: start };
  /** @returns what `saw` takes of an answer that is on its way for so long, and back */
  const ask = (there: number, back: number): [number, number, number] => {
    const asked = host.at;
    host.at += there;
    const said = host.at + other.offset;
    host.at += back;
    return [said, asked, host.at];
  };
  return { host, other, ask, is: () => host.at + other.offset };
}

it('is the other clock within half of the time that its answer took', () => {
  const { host, ask, is } = machine();
  const time = new SharedTime(host, ...ask(30, 10));
  expect(time.now() - is()).toBe(10);
  expect(time.errorMs()).toBe(20);
});

it('knows more with each answer, the slow ones do not spoil it, and knows less as time goes by', () => {
  const { host, ask, is } = machine();
  const time = new SharedTime(host, ...ask(30, 10));
  time.saw(...ask(1, 1));
  expect(time.errorMs()).toBeCloseTo(1, 1);
  time.saw(...ask(2_000, 0));
  expect(time.errorMs()).toBeLessThan(2);
  host.at += 10_000;
  expect(time.errorMs()).toBeGreaterThan(2);
  expect(Math.abs(time.now() - is())).toBeLessThanOrEqual(time.errorMs());
});

it('goes on with real time between answers, and never goes back or stands still when the other clock does', () => {
  const { host, other, ask, is } = machine();
  const time = new SharedTime(host, ...ask(0, 0));
  const first = time.now();
  host.at += 1_000;
  expect(time.now()).toBe(first + 1_000);
  other.offset -= 300;
  time.saw(...ask(0, 0));
  expect(time.now()).toBe(first + 1_000);
  expect(time.errorMs()).toBe(300);
  host.at += 200;
  expect(time.now()).toBe(first + 1_100);
  host.at += 600;
  expect(time.now()).toBe(is());
  expect(time.errorMs()).toBeLessThan(1);
});

it('follows at once when the other clock is set forward', () => {
  const { host, other, ask, is } = machine();
  const time = new SharedTime(host, ...ask(1, 1));
  other.offset += 60_000;
  time.saw(...ask(1, 1));
  expect(time.now()).toBe(is());
});
