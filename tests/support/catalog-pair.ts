import { newGuid } from '../../src/base/new-guid.ts';
import type { Guid } from '../../src/base/guid.ts';
import { systemRandomBytes } from '../../src/base/random.ts';
import { instant } from '../../src/clock/clock.ts';
import type { CatalogChangesCall, CatalogChangesReply } from '../../src/cluster/messages/catalog-changes.ts';
import { DatabaseKeyring } from '../../src/cluster/process/database-keyring.ts';
import { DataHolder } from '../../src/cluster/process/data-holder.ts';
import { FollowedCatalog } from '../../src/cluster/process/followed-catalog.ts';
import { catalogWrite, createRemoteCatalogStore } from '../../src/cluster/process/remote-catalog-store.ts';
import { CatalogFeeds } from '../../src/cluster/supervisor/catalog-feeds.ts';
import type { OpenedClusterData } from '../../src/database/open-cluster-data.ts';
import { ClusterKey } from '../../src/encryption/cluster-key.ts';
import type { DataFixture } from './cluster-data-fixture.ts';
import { noQueries, openDataFixture } from './cluster-data-fixture.ts';

export interface CatalogPair {
  readonly clusterId: Guid;
  readonly feeds: CatalogFeeds;
  readonly writer: DataFixture;
  readonly reader: DataHolder;
  readonly data: () => Promise<OpenedClusterData>;
  readonly close: () => Promise<void>;
  /** How often it has read the whole catalog. */
  readonly loads: () => number;
  /** What is answered in place of changes. */
  readonly answers: { instead?: CatalogChangesReply; lost?: number; nowMs?: number; held?: Promise<void> };
  /** Questions after changes. */
  readonly asks: () => number;
  readonly replyTo: (call: CatalogChangesCall) => Promise<CatalogChangesReply>;
  /** As a request asks. */
  readonly asked: () => Promise<{ readonly isCurrent: Promise<void>; readonly isRecent: () => boolean }>;
}

/** Two processes of one cluster, one of which only reads. */
export async function openCatalogPair(limits?: ConstructorParameters<typeof CatalogFeeds>[0]): Promise<CatalogPair> {
  const known = {
    clusterId: newGuid(systemRandomBytes),
    databaseId: newGuid(systemRandomBytes),
    key: systemRandomBytes(32),
  };
  const { clusterId } = known;
  const feeds = new CatalogFeeds(limits);
  const writer = await openDataFixture({
    known,
    wrapStore: (store) => ({
      ...store,
      commit: async (writes, takesAway) => {
        const outcome = await store.commit(writes, takesAway);
        if (outcome.outcome === 'committed')
          feeds.note(
            clusterId,
            writes.map((write) => catalogWrite(clusterId, write.expect, write, undefined)),
          );
        return outcome;
      },
    }),
  });
  const answers: CatalogPair['answers'] = {};
  let [loads, asks] = [0, 0];
  const store = createRemoteCatalogStore(writer.state, clusterId);
  const ask = ({ after }: CatalogChangesCall): Promise<CatalogChangesReply> => {
    asks += 1;
    const reply = feeds.read(clusterId, after);
    const { lost, instead } = answers;
    if (lost !== undefined && reply.outcome === 'changes')
      return Promise.resolve({ ...reply, commits: reply.commits.slice(lost) });
    return Promise.resolve(instead ?? reply);
  };
  const followed = new FollowedCatalog({
    ...{ clusterId, state: writer.state, ask, monotonicMs: () => answers.nowMs ?? 0 },
    secondLayer: async () => {
      await answers.held;
      return undefined;
    },
    store: { ...store, load: (after) => ((loads += after === undefined ? 1 : 0), store.load(after)) },
  });
  const key = ClusterKey.from(clusterId, Buffer.from(known.key));
  const reader = new DataHolder({
    ...{ clusterId, followed, store: followed.store, databaseKeys: new DatabaseKeyring() },
    current: () => ({ generation: 1, key }),
    randomBytes: systemRandomBytes,
    pause: () => Promise.resolve(),
  });
  reader.serveWith({
    ...{ endpoint: 'contoso', blobs: writer.blobs, engine: writer.engine, queries: noQueries },
    ...{ cacheBytesMax: 64 << 20, openBytesMax: 256 << 20 },
  });
  reader.tell(instant(Date.UTC(2026, 0, 1)));
  const made: CatalogPair = {
    ...{ clusterId, feeds },
    ...{ writer, reader, answers },
    loads: () => loads,
    close: async () => {
      await reader.dispose();
      await writer.close();
    },
    asks: () => asks,
    replyTo: ask,
    asked: async () => {
      const asked = reader.asking();
      if (asked === undefined) throw new Error('It writes itself.');
      const reply = await ask(asked.call);
      return { isCurrent: asked.take(reply), isRecent: () => asked.isRecent(reply) };
    },
    data: async () => {
      await (
        await made.asked()
      ).isCurrent;
      const opened = await reader.data();
      await opened.setDatabases([writer.database]);
      return opened;
    },
  };
  return made;
}
