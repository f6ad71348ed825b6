import type { CancelTimer } from '../../clock/clock.ts';
import type { ClusterKeysOptions } from './ports.ts';

/** Vaults that are asked at one time. */
const parallelChecks = 8;
/** Longer than a vault may take to say nothing. */
const concernedMsMax = 10_000;

/** Checks all of them, a few at a time. What fails is told and keeps no other waiting.
 * @param checked hears of each that was */
export async function checkEach<T>(
  ids: Iterable<T>,
  check: (id: T) => Promise<void>,
  heard: { readonly checked?: (id: T) => void; readonly failed: (error: unknown, id: T) => void },
): Promise<void> {
  const queue = ids[Symbol.iterator]();
  const worker = async (): Promise<void> => {
    for (let next = queue.next(); next.done !== true; next = queue.next()) {
      try {
        await check(next.value);
        heard.checked?.(next.value);
      } catch (error) {
        heard.failed(error, next.value);
      }
    }
  };
  await Promise.all(Array.from({ length: parallelChecks }, worker));
}

/** Before anybody hears of a change of trust, so it is bounded in time.
 * @param checkAll says of each that it is checked
 * @returns those that were not by then, which may be used no longer */
export async function uncheckedInTime<T>(
  ids: readonly T[],
  checkAll: (ids: readonly T[], checked: (id: T) => void) => Promise<void>,
  { monotonic }: Pick<ClusterKeysOptions, 'monotonic'>,
): Promise<ReadonlySet<T>> {
  const unchecked = new Set(ids);
  if (unchecked.size === 0) return unchecked;
  const checked = checkAll([...unchecked], (id) => unchecked.delete(id));
  let cancel: CancelTimer = () => undefined;
  const late = new Promise<void>((resolve) => {
    cancel = monotonic.after(concernedMsMax, resolve);
  });
  await Promise.race([checked, late]);
  cancel();
  return unchecked;
}
