import type { StartTimer } from '../http/timer.ts';

export interface Readiness {
  readonly ready: boolean;
  /** Why not. It says nothing of the instance: everybody may ask. */
  readonly reason?: string;
}

export interface ReadinessPorts {
  /** Everything that a start does is done, and no stop has begun. */
  readonly serves: () => boolean;
  /** Reads a sealed record from where the state is kept, and asks whether that takes writes. @throws when either fails */
  readonly checkState: () => Promise<void>;
  readonly startTimer: StartTimer;
}

/** A balancer asks every few seconds, and waits about so long. */
const checkMsMax = 2_000;

/** Whether requests that come now can be answered. However many ask, one check goes on at a time; one that hangs is not begun anew. */
export function createReadiness({ serves, checkState, startTimer }: ReadinessPorts): () => Promise<Readiness> {
  let checking: Promise<Readiness> | undefined;
  return async () => {
    if (!serves()) return { ready: false, reason: 'It is starting or stopping.' };
    checking ??= checkState()
      .then(
        (): Readiness => ({ ready: true }),
        (): Readiness => ({ ready: false, reason: 'The state cannot be read, or takes no writes.' }),
      )
      .finally(() => (checking = undefined));
    return inTime(checking, startTimer);
  };
}

function inTime(check: Promise<Readiness>, startTimer: StartTimer): Promise<Readiness> {
  return new Promise((resolve) => {
    const cancel = startTimer(checkMsMax, () => resolve({ ready: false, reason: 'The state does not answer.' }));
    void check.then((readiness) => {
      cancel();
      resolve(readiness);
    });
  });
}
