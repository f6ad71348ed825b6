import { instant } from '../../clock/clock.ts';
import { CommitRefusedError } from '../../database/catalog/data-error.ts';
import type { ClusterData } from '../../database/cluster-data.ts';
import { KustoError } from './errors/kusto-error.ts';
import type { DataPlanePorts } from './ports.ts';

export type DueWorkPorts = Pick<
  DataPlanePorts,
  'call' | 'lease' | 'host' | 'clock' | 'log' | 'startTimer' | 'activity'
>;

/** Something that is to be done at times that the data itself knows. */
export interface DueJob {
  /** In the log, where it fails: `queued ingestion`. */
  readonly name: string;
  /** Finds out what it must know to say when it is due. */
  prepare?(): Promise<void>;
  /** On the Kustody clock; undefined: nothing is. */
  dueOn(data: ClusterData): number | undefined;
  /** Does what is due. Nothing happens twice when it did not come to its end. */
  run(data: ClusterData): Promise<void>;
}

/** Not more often, even when the clock says that something is due and it cannot be done. */
const retryMs = 5_000;
const shortestMs = 50;
const longestMs = 3_600_000;

/** What the cluster holds, as of now; undefined: it may not use its key. */
export async function dataNow({
  call,
  lease,
  clock,
  host,
}: Pick<DueWorkPorts, 'call' | 'lease' | 'clock' | 'host'>): Promise<
  { readonly data: ClusterData; readonly now: number } | undefined
> {
  const extend = lease.asking();
  const { leaseMs, now } = await call('renew', {});
  if (leaseMs <= 0) return undefined;
  extend(leaseMs);
  clock.tell(now);
  host.tell(instant(now));
  return { data: await host.data(), now };
}

/** Does one job when it is due on the Kustody clock, while the cluster may use its key. Nothing is remembered here, so it does not matter when
 * it is woken, nor how often. */
export class DueWork {
  readonly #ports: DueWorkPorts;
  readonly #job: DueJob;
  #cancel: (() => void) | undefined;
  #running: Promise<void> | undefined;
  #again = false;

  constructor(ports: DueWorkPorts, job: DueJob) {
    this.#ports = ports;
    this.#job = job;
  }

  /** Something has come, or the clock has gone on. */
  wake(): void {
    if (this.#running !== undefined) {
      this.#again = true;
      return;
    }
    this.#running = this.#run().finally(() => {
      this.#running = undefined;
      if (this.#again) {
        this.#again = false;
        this.wake();
      }
    });
  }

  async #run(): Promise<void> {
    const { log } = this.#ports;
    this.#cancel?.();
    let waitMs: number | undefined = retryMs;
    try {
      const found = await dataNow(this.#ports);
      if (found === undefined) return; // the key is away: whoever brings it back starts another process
      const { data, now } = found;
      await this.#job.prepare?.();
      if ((this.#job.dueOn(data) ?? Infinity) <= now) await this.#runDue(data);
      const dueOn = this.#job.dueOn(data);
      waitMs = dueOn === undefined ? undefined : Math.max(dueOn - now, dueOn <= now ? retryMs : shortestMs);
    } catch (error) {
      if (!(error instanceof CommitRefusedError) && !(error instanceof KustoError))
        log.failure(`${this.#job.name} failed`, error);
    }
    if (waitMs !== undefined) this.#cancel = this.#ports.startTimer(Math.min(waitMs, longestMs), () => this.wake());
  }

  /** The cluster does not rest meanwhile. To look whether there is something is no use of it: that is done every half minute. */
  async #runDue(data: ClusterData): Promise<void> {
    const done = this.#ports.activity.begin();
    try {
      await this.#job.run(data);
    } finally {
      done();
    }
  }
}
