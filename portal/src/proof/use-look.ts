import { useEffect, useRef, useState } from 'react';

export interface Look<T> {
  /** What was found the last time. */
  readonly found: T | undefined;
  /** Of the last time. */
  readonly failure: Error | undefined;
  readonly busy: boolean;
  readonly look: () => void;
  readonly stop: () => void;
}

/** Asks when it is told to, since it takes long, and stops when it is told to, or is shown no more.
 * @param keeps what was found before stays until there is something newer */
export function useLook<T>(ask: (signal: AbortSignal) => Promise<T>, keeps = true): Look<T> {
  const [found, setFound] = useState<T>();
  const [failure, setFailure] = useState<Error>();
  const [busy, setBusy] = useState(false);
  const ended = useRef<AbortController>(undefined);
  const stop = (): void => ended.current?.abort();
  useEffect(() => () => ended.current?.abort(), []);
  const run = async (): Promise<void> => {
    const { signal } = (ended.current = new AbortController());
    setBusy(true);
    setFailure(undefined);
    if (!keeps) setFound(undefined);
    try {
      const newer = await ask(signal);
      if (!signal.aborted) setFound(newer);
    } catch (error) {
      if (!signal.aborted) setFailure(error instanceof Error ? error : new Error(String(error)));
    }
    setBusy(false);
  };
  return { found, failure, busy, look: () => void run(), stop };
}
