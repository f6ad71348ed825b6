import type { HostName } from '../../base/names.ts';
import type { Log } from '../../http/logging.ts';
import { renewMs } from '../../http/node-authority.ts';
import type { StartTimer } from '../../http/timer.ts';

interface RenewalOptions {
  readonly host: HostName;
  readonly startTimer: StartTimer;
  readonly monotonicMs: () => number;
  readonly wallMs: () => number;
  readonly log: Pick<Log, 'event' | 'failure'>;
}

const lookEveryMs = 60_000;
const againMsMin = 60_000;
const againMsMax = 30 * 60_000;

/** Has the link of a process renewed while its certificate is good for another eight hours, and when that fails again after a pause that doubles, up to half
 * an hour: so a state or a node that is away for a while ends nothing. The wall clock is looked at each minute, since it can be set and machines sleep.
 * @param goodUntilMs of the first certificate, milliseconds since 1970
 * @param renew told when the last certificate ends; resolves with when the next one does; one at a time
 * @returns stops it */
export function keepRenewed(
  goodUntilMs: number,
  renew: (endsAt: number) => Promise<number>,
  { host, startTimer, monotonicMs, wallMs, log }: RenewalOptions,
): () => void {
  let endsAt = goodUntilMs;
  let pauseMs = againMsMin;
  let notBefore = -Infinity;
  let isOver = false;
  let cancel: () => void = () => undefined;

  const attempt = async (): Promise<void> => {
    try {
      endsAt = await renew(endsAt);
      pauseMs = againMsMin;
      log.event('reader-link-renewed', { host, goodUntil: new Date(endsAt).toISOString() });
    } catch (error) {
      if (isOver) return; // the process has ended
      log.failure('reader-link-not-renewed', error, { host, againInMs: pauseMs });
      notBefore = monotonicMs() + pauseMs;
      pauseMs = Math.min(2 * pauseMs, againMsMax);
    }
  };
  const look = async (): Promise<void> => {
    if (wallMs() >= endsAt - renewMs && monotonicMs() >= notBefore) await attempt();
    if (!isOver) wait();
  };
  const wait = (): void => {
    cancel = startTimer(lookEveryMs, () => void look());
  };
  wait();
  return () => {
    isOver = true;
    cancel();
  };
}
