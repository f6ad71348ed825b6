import { useCallback, useEffect, useRef, useState } from 'react';

export interface Answer<T> {
  /** The last one that came, kept while a newer one is asked for. */
  readonly value: T | undefined;
  /** Of the last time. */
  readonly failure: Error | undefined;
  readonly again: () => void;
}

/** Asks when shown, then after each answer once more in `everyMs`, while the tab is seen. @param ask the same function each time, or it is asked anew */
export function useAnswer<T>(ask: (signal: AbortSignal) => Promise<T>, everyMs?: number): Answer<T> {
  const [state, setState] = useState<{ readonly value: T | undefined; readonly failure: Error | undefined }>({
    value: undefined,
    failure: undefined,
  });
  const againNow = useRef<() => void>(() => undefined);
  useEffect(() => {
    const ended = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let asking = false;
    /** Asked for while an answer was on its way, which may be older than what is asked for. */
    let wanted = false;
    const run = async (): Promise<void> => {
      clearTimeout(timer);
      wanted = asking;
      if (asking) return;
      asking = true;
      try {
        const value = await ask(ended.signal);
        if (!ended.signal.aborted) setState({ value, failure: undefined });
      } catch (error) {
        const failure = error instanceof Error ? error : new Error(String(error));
        if (!ended.signal.aborted) setState(({ value }) => ({ value, failure }));
      }
      asking = false;
      if (wanted && !ended.signal.aborted) return run();
      if (everyMs !== undefined && !ended.signal.aborted) timer = setTimeout(tick, everyMs);
    };
    const tick = (): void => {
      if (document.visibilityState === 'visible') void run();
      else timer = setTimeout(tick, everyMs);
    };
    againNow.current = () => void run();
    void run();
    return () => {
      ended.abort();
      clearTimeout(timer);
    };
  }, [ask, everyMs]);
  return { ...state, again: useCallback(() => againNow.current(), []) };
}
