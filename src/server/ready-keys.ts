import { startSystemTimer } from '../http/timer.ts';
import type { Log } from '../http/logging.ts';
import type { MakeRsaKey, RsaKeyPool } from '../vault/rsa/rsa-keys.ts';
import { createRsaKeyPool } from '../vault/rsa/rsa-keys.ts';

const readyMax = 8;
/** RSA keys that are made at once would take the processor from whoever waits for a start, or took one and goes on with it. */
const quietMs = 3_000;

/** The keys that new vault keys are made of. When nobody has asked for any for a while, as many are made ready as were taken before, and
 * one always: most servers never make a second, and each costs 0.2 s of a processor. */
export function openReadyKeys(
  log: Log,
  make?: MakeRsaKey,
): { readonly keyPool: RsaKeyPool; readonly close: () => void } {
  let cancel: () => void = () => undefined;
  let taken = 0;
  const fillLater = (): void => {
    cancel();
    cancel = startSystemTimer(quietMs, () => {
      const count = Math.max(1, taken);
      taken = 0;
      keyPool.fill(count).catch((error: unknown) => log.failure('key-pool-failed', error));
    });
  };
  const onTaken = (): void => {
    taken += 1;
    fillLater();
  };
  const keyPool = createRsaKeyPool({ size: readyMax, onTaken, ...(make === undefined ? {} : { make }) });
  fillLater();
  return {
    keyPool,
    close: () => {
      cancel();
      keyPool.close();
    },
  };
}
