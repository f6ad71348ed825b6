import type { StartTimer } from '../http/timer.ts';

export interface Readiness {
  readonly ready: boolean;
  /** Why not. It says nothing of the instance: everybody may ask. */
  readonly reason?: string;
}

export interface ReadinessPorts {
  /** Everything that a start does is done, and no stop has begun. */
  readonly serves: () => boolean;
  /** The machine's clock is that of the database, by and large. */
  readonly clockAgrees: () => boolean;
  /** Reads a sealed record from where the state is kept, and asks whether that takes writes. @throws when either fails */
  readonly checkState: () => Promise<void>;
  /** Asks where sealed extents are kept, if that is elsewhere. @throws when it is not available */
  readonly checkBlobs?: (() => Promise<void>) | undefined;
  readonly startTimer: StartTimer;
}

/** A balancer asks every few seconds, and waits about so long. */
const checkMsMax = 2_000;

interface Check {
  readonly ask: () => Promise<void>;
  /** What is said when it fails, and when it does not answer. */
  readonly fails: string;
  readonly hangs: string;
}

/** Whether requests that come now can be answered. However many ask, one check of each goes on at a time; one that hangs is not begun anew. */
export function createReadiness({
  serves,
  clockAgrees,
  checkState,
  checkBlobs,
  startTimer,
}: ReadinessPorts): () => Promise<Readiness> {
  const state: Check = {
    ask: checkState,
    fails: 'The state cannot be read, or takes no writes.',
    hangs: 'The state does not answer.',
  };
  const away = 'The store of sealed extents is not available.';
  const checks = [state, ...(checkBlobs === undefined ? [] : [{ ask: checkBlobs, fails: away, hangs: away }])];
  const asked = checks.map((check) => oneAtATime(check, startTimer));
  return async () => {
    if (!serves()) return { ready: false, reason: 'It is starting or stopping.' };
    if (!clockAgrees()) return { ready: false, reason: 'Its clock differs from that of the database.' };
    const found = await Promise.all(asked.map((ask) => ask()));
    return found.find(({ ready }) => !ready) ?? { ready: true };
  };
}

function oneAtATime({ ask, fails, hangs }: Check, startTimer: StartTimer): () => Promise<Readiness> {
  let checking: Promise<Readiness> | undefined;
  return () => {
    checking ??= ask()
      .then(
        (): Readiness => ({ ready: true }),
        (): Readiness => ({ ready: false, reason: fails }),
      )
      .finally(() => (checking = undefined));
    return inTime(checking, hangs, startTimer);
  };
}

function inTime(check: Promise<Readiness>, hangs: string, startTimer: StartTimer): Promise<Readiness> {
  return new Promise((resolve) => {
    const cancel = startTimer(checkMsMax, () => resolve({ ready: false, reason: hangs }));
    void check.then((readiness) => {
      cancel();
      resolve(readiness);
    });
  });
}
