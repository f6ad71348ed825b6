import type { DatabaseRole } from '../src/authz/kusto-roles.ts';
import type { Guid } from '../src/base/guid.ts';
import { newGuid } from '../src/base/new-guid.ts';
import { systemRandomBytes } from '../src/base/random.ts';
import { instant } from '../src/clock/clock.ts';
import type { CommandContext } from '../src/database/commands/command-context.ts';
import { runCommand } from '../src/database/commands/run-command.ts';
import { createQueryEngine } from '../src/kql/query-engine.ts';
import { databaseResources } from '../src/providers/kusto/child-records.ts';
import { writeRecord } from '../src/state/state.ts';
import { groupName, startKustoFixture, subscriptionId } from '../tests/support/kusto-fixture.ts';
import type { KustoFixture } from '../tests/support/kusto-fixture.ts';
import { openLocalCluster, openParser } from './local-cluster.ts';
import type { BenchRow } from './row.ts';
import { timed } from './row.ts';

const [few, many] = [1_000, 10_000];
const clusterName = 'manydatabases';
const clusterPath = `/subscriptions/${subscriptionId}/resourceGroups/${groupName}/providers/Microsoft.Kusto/clusters/${clusterName}`;
const version = '?api-version=2024-04-13';

const id = (): Guid => newGuid(systemRandomBytes);

/** By somebody who has a role in each and none on the cluster, twice: the second time everything is compiled. @returns ms of both */
async function shown(count: number): Promise<readonly [first: number, next: number]> {
  const cluster = await openLocalCluster();
  const parser = openParser();
  try {
    const data = await cluster.data();
    const roles: readonly DatabaseRole[] = ['Viewer'];
    const databases = Array.from({ length: count }, (_one, index) => ({ databaseId: id(), name: `db${index}`, roles }));
    await data.setDatabases(databases);
    const now = instant(Date.UTC(2026, 0, 1));
    const context: CommandContext = {
      ...{ data, engine: createQueryEngine({ parser, database: cluster.database }), database: 'db0', databases },
      caller: { objectId: id(), tenantId: id(), displayName: 'bench', fqn: 'aadapp=bench;tenant' },
      ...{ clusterRoles: [], principals: [], streamingIngestEnabled: true, purgeEnabled: true },
      identities: () => Promise.resolve([]),
      cluster: { name: 'bench', uri: 'https://bench', version: '1', builtAt: now, startedAt: now },
      clock: {
        now: () => now,
        at: () => () => undefined,
        every: () => () => undefined,
        sleep: () => Promise.resolve(),
      },
      ...{ randomBytes: systemRandomBytes, clientRequestId: 'bench', activityId: id() },
      requests: { cancel: () => Promise.resolve(0) },
      background: () => undefined,
    };
    const once = (): Promise<number> =>
      timed(async () => {
        const { rows } = await runCommand(context, '.show databases');
        if (rows.length !== count) throw new Error(`${rows.length} databases were listed, not ${count}.`);
      });
    return [await once(), await once()];
  } finally {
    parser.stop();
    await cluster.close();
  }
}

/** @returns ms of all pages */
async function listed(fixture: KustoFixture, count: number): Promise<number> {
  let found = 0;
  const taken = await timed(async () => {
    for (let path: string | undefined = `${clusterPath}/databases${version}`; path !== undefined;) {
      const { body } = await fixture.send('GET', path);
      const { value, nextLink } = body as { readonly value: readonly unknown[]; readonly nextLink?: string };
      found += value.length;
      const next: URL | undefined = nextLink === undefined ? undefined : new URL(nextLink);
      path = next && `${next.pathname}${next.search}`;
    }
  });
  if (found !== count) throw new Error(`${found} databases were listed, not ${count}.`);
  return taken;
}

/** Copies of the one that is there. */
async function addDatabases(fixture: KustoFixture, from: number, to: number): Promise<void> {
  const seed = await fixture.state.get(databaseResources, `${clusterPath}/databases/seed`.toLowerCase());
  if (seed === undefined) throw new Error('There is no database.');
  const { value } = seed;
  for (let made = from; made < to; made += few)
    await fixture.state.commit({
      write: Array.from({ length: Math.min(few, to - made) }, (_one, index) => {
        const name = `db${made + index}` as typeof value.properties.databaseName;
        const properties = { ...value.properties, databaseId: id(), databaseName: name };
        const copy = { ...value, id: value.id.replace(/seed$/, name), name: `${clusterName}/${name}`, properties };
        return writeRecord(databaseResources, copy.id.toLowerCase(), null, copy);
      }),
    });
}

export const databaseRows: readonly BenchRow[] = [
  {
    id: 'listed-databases',
    ratio: `\`.show databases\` for somebody with a role in each of ${many} databases, and all pages of the resource manager's list, over ${many / few} times those of ${few}; the greater`,
    rule: 'atMost',
    floor: 2,
    aim: 1.2,
    run: async () => {
      const fixture = await startKustoFixture();
      try {
        const sku = { name: 'Standard_E2a_v4', tier: 'Standard', capacity: 2 };
        await fixture.send('PUT', `${clusterPath}${version}`, { location: 'eastus', sku });
        await fixture.send('PUT', `${clusterPath}/databases/seed${version}`, { location: 'eastus', kind: 'ReadWrite' });
        await addDatabases(fixture, 1, few);
        const listedFew = await listed(fixture, few);
        await addDatabases(fixture, few, many);
        const listedMany = await listed(fixture, many);
        const [firstFew, shownFew] = await shown(few);
        const [first, shownMany] = await shown(many);
        const grown = [listedMany / listedFew, (first + shownMany) / (firstFew + shownFew)].map(
          (by) => (by * few) / many,
        );
        const ms = (time: number): string => `${Math.round(time)} ms`;
        return {
          ratio: Math.max(...grown),
          detail: `.show databases ${ms(first)}, again ${ms(shownMany)} (of ${few} ${ms(firstFew)}, ${ms(shownFew)}); list ${ms(listedMany)} (${ms(listedFew)})`,
        };
      } finally {
        await fixture.close();
      }
    },
  },
];
