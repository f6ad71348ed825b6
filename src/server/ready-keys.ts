import { startSystemTimer } from '../http/timer.ts';
import type { Log } from '../http/logging.ts';
import type { RsaKeyPool } from '../vault/rsa/rsa-keys.ts';
import { createRsaKeyPool } from '../vault/rsa/rsa-keys.ts';

const readyKeys = 8;
/** Eight RSA keys made at once would take the processor from whoever waits for a start, or took one and goes on with it. */
const quietMs = 3_000;

/** The keys that new vault keys are made of, ready when nobody has asked for any for a while. */
export function openReadyKeys(log: Log): { readonly keyPool: RsaKeyPool; readonly close: () => void } {
  let cancel: () => void = () => undefined;
  const fillLater = (): void => {
    cancel();
    cancel = startSystemTimer(quietMs, () => {
      keyPool.fill().catch((error: unknown) => log.failure('key-pool-failed', error));
    });
  };
  const keyPool = createRsaKeyPool({ size: readyKeys, onTaken: fillLater });
  fillLater();
  return {
    keyPool,
    close: () => {
      cancel();
      keyPool.close();
    },
  };
}
