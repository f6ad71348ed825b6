/** What a piece of work gives, or, as soon as the signal is aborted, what it was aborted with: whoever waits does not wait for what cannot
 * be ended. The work goes on to its end.
 * @param late what is done with a result that nobody waits for any more
 * @throws the reason of the signal where that is an Error, else an Error */
export function untilAborted<T>(
  work: Promise<T>,
  signal: AbortSignal,
  late: (result: T) => void = () => undefined,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const stop = (): void => {
      reject(signal.reason instanceof Error ? signal.reason : new Error('The work was stopped.'));
      work.then(late, () => undefined);
    };
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
    work.finally(() => signal.removeEventListener('abort', stop)).then(resolve, reject);
  });
}
