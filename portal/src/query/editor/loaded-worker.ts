import { useSyncExternalStore } from 'react';

/** Asks again for the scripts of workers that did not come. */
let waiting: readonly (() => void)[] = [];
const listeners = new Set<() => void>();

function wait(next: typeof waiting): void {
  waiting = next;
  for (const listener of listeners) listener();
}

/** A worker whose script has come: its first message, with which it says so, is taken here. Whoever waits for one that did not come waits
 * until it was asked for again, and then goes on. */
export const loadedWorker = (make: () => Worker): Promise<Worker> =>
  new Promise((done) => {
    const ask = (): void => {
      const worker = make();
      const ended = new AbortController();
      const once = { once: true, signal: ended.signal };
      const listen = (event: 'message' | 'error', then: () => void): void =>
        worker.addEventListener(
          event,
          () => {
            ended.abort();
            then();
          },
          once,
        );
      listen('message', () => done(worker));
      listen('error', () => {
        worker.terminate();
        wait([...waiting, ask]);
      });
    };
    ask();
  });

/** Asks for them again; undefined: all have come. */
export const useAbsentWorkers = (): (() => void) | undefined =>
  useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    () => (waiting.length === 0 ? undefined : askAgain),
  );

function askAgain(): void {
  const asked = waiting;
  wait([]);
  for (const ask of asked) ask();
}
