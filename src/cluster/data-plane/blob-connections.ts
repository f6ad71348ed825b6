import { instant } from '../../clock/clock.ts';
import { DataError } from '../../database/catalog/data-error.ts';
import type { ClusterData } from '../../database/cluster-data.ts';
import { routedBlob } from '../../database/queued/blob-metadata.ts';
import type { FoundBlob, Watched } from '../../database/queued/blob-watches.ts';
import type { BlobConnection, DataPlaneReplies } from '../messages/data-plane-calls.ts';
import { syncedData } from './cluster-host.ts';
import type { DueJob } from './due-work.ts';
import type { DataPlanePorts } from './ports.ts';
import type { ListAccount } from './sources/account-blobs.ts';
import { signConnection } from './storage/connection-token.ts';

export interface BlobConnectionPorts extends Pick<
  DataPlanePorts,
  'call' | 'host' | 'lease' | 'log' | 'queued' | 'wallClock'
> {
  readonly list: ListAccount;
}

/** Between two looks, on the Kustody clock. */
const everyMs = 60_000;
/** Blobs of one look: those that were written last wait for the next one. */
const foundMax = 20_000;

/** Finds the blobs that Event Grid would tell of: lists the storage of data connections, and puts what is new into the queue. */
export class BlobConnections implements DueJob {
  readonly name = 'data connection';
  readonly #ports: BlobConnectionPorts;
  #known: DataPlaneReplies['connections'] | undefined;
  #lookedOn: number | undefined;
  #running = Promise.resolve();
  /** What was said last of a connection that could not be followed. */
  #failures = new Map<string, string>();

  constructor(ports: BlobConnectionPorts) {
    this.#ports = ports;
  }

  async prepare(): Promise<void> {
    this.#known = await this.#ports.call('connections', {});
    if ((this.#lookedOn ?? 0) > this.#known.now) this.#lookedOn = undefined; // the clock was put back
  }

  dueOn(): number | undefined {
    const { connections = [], now = 0 } = this.#known ?? {};
    if (connections.length === 0) return undefined;
    return this.#lookedOn === undefined ? now : this.#lookedOn + everyMs;
  }

  /** One look at a time: two at once would take the same blobs. */
  run(): Promise<void> {
    this.#running = this.#running.catch(() => undefined).then(() => this.#run());
    return this.#running;
  }

  async #run(): Promise<void> {
    if (this.#known === undefined) return;
    const { connections, databases, now } = this.#known;
    const data = await syncedData(this.#ports.host, { databases, now: instant(now) });
    this.#lookedOn = now;
    const ids = new Set(connections.map(({ connectionId }) => connectionId));
    for (const id of this.#failures.keys()) if (!ids.has(id)) this.#failures.delete(id);
    await data.queued.watches.keepOnly([...ids]);
    for (const connection of connections) await this.#follow(connection, data);
  }

  async #follow(connection: BlobConnection, data: ClusterData): Promise<void> {
    const { log, queued } = this.#ports;
    const { connectionId } = connection;
    try {
      if ((await this.#look(connection, data)) > 0) queued();
      this.#failures.delete(connectionId);
    } catch (error) {
      if (!(error instanceof DataError)) throw error;
      if (this.#failures.get(connectionId) === error.message) return;
      this.#failures.set(connectionId, error.message);
      log.failure('data connection not followed', error, { connectionId });
    }
  }

  async #look(connection: BlobConnection, data: ClusterData): Promise<number> {
    const { list, lease, wallClock } = this.#ports;
    const { connectionId, databaseId, createdOn, account, identity } = connection;
    const database = data.databases().find((one) => one.databaseId === databaseId)?.name;
    if (database === undefined) return 0;
    const { watches } = data.queued;
    // Last-Modified has no parts of a second.
    const watched: Watched = { connectionId, createdOn, since: Math.floor(connection.since / 1_000) * 1_000 };
    const floor = watches.floorOf(watched);
    let found: FoundBlob[] = [];
    const blobs = list(account, identity, { usage: 'DataConnection', database }, lease.ended);
    for await (const { modifiedOn, etag, metadata, ...blob } of blobs) {
      if (modifiedOn < floor) continue;
      found.push({ modifiedOn, etag, blob: routedBlob(blob, metadata, { ...connection, database }) });
      if (found.length >= 2 * foundMax) found = oldest(found);
    }
    const token = signConnection(await data.queued.ensureKeys(), {
      ...{ connection: connectionId, principal: `aadapp=${identity}` },
      ...(connection.isMultiDatabase ? {} : { database }),
    });
    const by = { identity: token, sentOn: wallClock() };
    let taken = 0;
    for (let more = -1; more !== 0; taken += more) more = await watches.take(watched, oldest(found), by);
    return taken;
  }
}

const oldest = (found: readonly FoundBlob[]): FoundBlob[] =>
  found.toSorted((left, right) => left.modifiedOn - right.modifiedOn).slice(0, foundMax);
