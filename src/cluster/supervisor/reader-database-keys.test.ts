import { expect, it } from 'vitest';
import { clusterKeysSuite, customerHost } from '../../../tests/support/cluster-keys-fixture.ts';
import { newGuid } from '../../base/new-guid.ts';
import { systemRandomBytes } from '../../base/random.ts';
import type { ClusterProcess } from './cluster-process.ts';
import type { SupervisedDatabaseKeys } from './database-keys.ts';

const open = clusterKeysSuite();
const refused = { outcome: 'failed', kind: 'outage', cause: 'unreachable', message: 'No way there.' };

it('a node that alone does not reach a vault asks it once in three seconds, however many queries come', async () => {
  const fixture = await open();
  const custody = fixture.customer(fixture.vaults.addKey(customerHost, 'of-database'));
  if (custody.kind !== 'customer') throw new Error('a customer has a key');
  const clusterId = await fixture.cluster();
  await fixture.pidOf(clusterId);
  const databaseId = newGuid(systemRandomBytes);
  await fixture.commit(await fixture.keys.databases.create(clusterId, databaseId, custody.key));

  let answer: unknown = refused;
  const asked: string[] = [];
  const reader = {
    databases: new Map([[databaseId, 'locked']]),
    call: (operation: string) => {
      asked.push(operation);
      return Promise.resolve(operation === 'openDatabaseKey' ? answer : {});
    },
  } as unknown as ClusterProcess;
  const databases = fixture.keys.databases as unknown as Pick<SupervisedDatabaseKeys, 'tellReopened'>;
  const query = (): Promise<void> => databases.tellReopened(clusterId, reader);
  const opened = (): number => asked.filter((operation) => operation === 'openDatabaseKey').length;

  await Promise.all([query(), query(), query()]);
  await query();
  expect(opened()).toBe(1);
  await fixture.host.elapse(2_999);
  await query();
  expect(opened()).toBe(1);
  answer = { outcome: 'opened' };
  await fixture.host.elapse(1);
  await Promise.all([query(), query()]);
  expect([opened(), reader.databases.get(databaseId)]).toEqual([2, 'open']);
  await query();
  expect(opened()).toBe(2);
});
