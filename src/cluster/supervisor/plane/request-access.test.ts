import { expect, it } from 'vitest';
import type { Caller } from '../../../authz/caller.ts';
import { newGuid } from '../../../base/new-guid.ts';
import { systemRandomBytes } from '../../../base/random.ts';
import type { ServedCluster } from '../served-clusters.ts';
import { accessOf } from './request-access.ts';

const guid = () => newGuid(systemRandomBytes);
const [me, group, other] = [guid(), guid(), guid()];
const caller = { objectId: me, tenantId: guid(), groupIds: [group], displayName: 'me' } as unknown as Caller;

function clusterWith(count: number) {
  const databases = Array.from({ length: count }, (_one, index) => ({ databaseId: guid(), name: `db${index}` }));
  let looked = 0;
  const assignment = (role: string, objectId: string, on?: string) => ({
    ...{ role, objectId },
    get databaseId() {
      looked += 1;
      return on;
    },
  });
  const assignments = [
    assignment('AllDatabasesMonitor', group),
    assignment('AllDatabasesAdmin', other),
    ...databases.flatMap(({ databaseId }) => [
      assignment('Viewer', me, databaseId),
      assignment('Admin', other, databaseId),
      assignment('Ingestor', group, databaseId),
    ]),
  ];
  const cluster = { databases, assignments, hosts: [] } as unknown as ServedCluster;
  return { cluster, looked: () => looked };
}

it("has a caller's own roles and those of its groups in each database, in the order in which they were given", () => {
  const { clusterRoles, databases } = accessOf(clusterWith(3).cluster, caller);
  expect(clusterRoles).toEqual(['AllDatabasesMonitor']);
  expect(databases.map(({ roles }) => roles)).toEqual([0, 1, 2].map(() => ['Viewer', 'Ingestor']));
});

it('looks at each assignment of very many databases a few times', () => {
  const { cluster, looked } = clusterWith(1_000);
  expect(accessOf(cluster, caller).databases).toHaveLength(1_000);
  expect(looked()).toBeLessThan(4 * cluster.assignments.length);
});
