import { setTimeout as pause } from 'node:timers/promises';
import { TestRunner } from 'vitest';

/** Asks again and again, as long as the test may take; what it waits for has the processors meanwhile.
 * @param seen what was seen last: stands in the failure */
export async function until(holds: () => boolean | Promise<boolean>, seen: () => string = () => ''): Promise<void> {
  const test = TestRunner.getCurrentTest();
  const endsAt = (test?.result?.startTime ?? Infinity) + 0.95 * (test?.timeout ?? Infinity);
  while (!(await holds())) {
    if (Date.now() > endsAt) throw new Error(`It never held: ${String(holds).slice(0, 300)} ${seen()}`.trimEnd());
    await pause(everyMs);
  }
}
const everyMs = 50;
