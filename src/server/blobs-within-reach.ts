import type { Log } from '../http/logging.ts';
import type { StartTimer } from '../http/timer.ts';
import { BlobsUnavailableError } from '../storage/blob-store.ts';
import { blobsAt } from '../storage/places/blob-place.ts';
import type { ServerSettings } from './settings.ts';

/** Half of what one that holds the lock of the state may take between two looks. */
const answerMsMax = 3_000;
/** So long a good answer counts: while another node serves, and when the turn has come. */
const [knownMs, freshMs] = [5_000, 1_000];

/** Of a node that stands by: whether it reaches the container of extents, without which it could not serve. It is asked again at each look until it
 * is, then every five seconds, and when the node's turn has come.
 * @returns undefined where extents lie in no container */
export function blobsWithinReach(
  { blobs, containerAccess }: Pick<ServerSettings, 'blobs' | 'containerAccess'>,
  ports: { readonly log: Log; readonly monotonicMs: () => number; readonly startTimer: StartTimer },
): ((isDue: boolean) => Promise<string | undefined>) | undefined {
  const place = blobs === undefined ? undefined : blobsAt(blobs, containerAccess).elsewhere;
  if (place === undefined) return undefined;
  const { log, monotonicMs, startTimer } = ports;
  let goodAt = -Infinity;
  let told: string | undefined;
  /** One at a time: access that is never given leaves one request behind, not one each second. */
  let asking: Promise<string | undefined> | undefined;
  const ask = async (): Promise<string | undefined> => {
    try {
      await place.answers(answerMsMax);
      goodAt = monotonicMs();
      return undefined;
    } catch (error) {
      if (error instanceof BlobsUnavailableError) return error.message;
      throw error;
    } finally {
      asking = undefined;
    }
  };
  const inTime = (answer: Promise<string | undefined>): Promise<string | undefined> =>
    new Promise((resolve, reject) => {
      const cancel = startTimer(answerMsMax, () => resolve(`${place.address} did not answer in time.`));
      answer.then(resolve, reject).finally(cancel);
    });
  return async (isDue) => {
    if (monotonicMs() - goodAt < (isDue ? freshMs : knownMs)) return undefined;
    const why = await inTime((asking ??= ask()));
    if (why !== told) {
      if (why === undefined) log.event('blobs-reached');
      else log.warning('blobs-not-reached', { why, standsBy: true });
    }
    told = why;
    return why;
  };
}
