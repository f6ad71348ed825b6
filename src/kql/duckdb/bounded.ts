import { Script } from 'node:vm';

const slot = Symbol.for('kustody.bounded');
const script = new Script(`globalThis[Symbol.for('kustody.bounded')]()`);
const holder = globalThis as unknown as Record<symbol, (() => void) | undefined>;

/** Does work that cannot be trusted to come to an end soon: nothing else of the thread runs meanwhile. V8's regular expressions may try for
 * ever, and other functions of a large value may take long. Only V8 itself can end that, and does so for scripts.
 * @param onEnded called instead of going on, where the work was ended after so many milliseconds */
export function bounded(milliseconds: number, work: () => void, onEnded: () => void): void {
  const before = holder[slot];
  holder[slot] = work;
  try {
    script.runInThisContext({ timeout: milliseconds });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT')) throw error;
    onEnded();
  } finally {
    holder[slot] = before;
  }
}
