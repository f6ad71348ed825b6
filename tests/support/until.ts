import { setTimeout as pause } from 'node:timers/promises';

/** Asks again and again, as long as the test may take; what it waits for has the processors meanwhile. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await pause(everyMs);
}
const everyMs = 50;
