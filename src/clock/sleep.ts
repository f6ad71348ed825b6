import type { Clock } from './clock.ts';
import { instant } from './clock.ts';

/** `Clock.sleep` by means of `Clock.at`. */
export function sleepOn(clock: Pick<Clock, 'now' | 'at'>, milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(reasonOf(signal));
      return;
    }
    const cancel = clock.at(instant(clock.now() + milliseconds), () => {
      signal?.removeEventListener('abort', abort);
      resolve();
    });
    const abort = (): void => {
      cancel();
      if (signal) reject(reasonOf(signal));
    };
    signal?.addEventListener('abort', abort, { once: true });
  });
}

function reasonOf(signal: AbortSignal): Error {
  const reason: unknown = signal.reason;
  return reason instanceof Error ? reason : new Error('The wait was aborted.', { cause: reason });
}
