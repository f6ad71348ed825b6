import { BlobServiceClient, ContainerClient } from '@azure/storage-blob';
import { beforeAll, describe, expect, it } from 'vitest';
import { azureClientsOf } from '../../support/azure-clients.ts';
import { createKeyVault, permitKeyUse } from './customer-key.ts';
import { clusterName, databaseName as db } from './kusto-fixture.ts';
import type { Asked, MappedStorage } from './mapped-storage.ts';

/** Data connections of the kind EventGrid: an Azurite that reads tokens is what they watch.
 * @param asked sends a query or command */
export function describeStorageConnections(site: () => MappedStorage, asked: Asked): void {
  describe('an Event Grid data connection', () => {
    const { mgmt, query } = asked;
    let client: ContainerClient;
    const connection = () => `${site().k.clusterPath}/databases/${db}/dataConnections/grid`;
    const upload = (name: string, text: string, metadata: Record<string, string> = {}) =>
      client.getBlockBlobClient(name).uploadData(Buffer.from(text), { metadata });
    const allow = async (usage: string) => {
      const policy = `'[{"ObjectId": "system", "AllowedUsages": "${usage}"}]'`;
      const answer = await mgmt(`.alter database ${db} policy managed_identity ${policy}`);
      expect(answer.status, answer.text).toBe(200);
    };
    const failures = async (): Promise<unknown> =>
      (
        await mgmt(
          '.show ingestion failures | where Database == "another" or Table in ("Watched", "Other") | project ErrorCode, Details',
        )
      ).rows;
    const put = (more: object = {}) => {
      const { k } = site();
      const group = k.clusterPath.split('/providers/')[0] ?? '';
      return k.arm('PUT', connection(), {
        ...{ location: 'eastus', kind: 'EventGrid' },
        properties: {
          storageAccountResourceId: `${group}/providers/Microsoft.Storage/storageAccounts/tokens`,
          eventHubResourceId: `${group}/providers/Microsoft.EventHub/namespaces/n/eventhubs/h`,
          ...{ consumerGroup: 'g', tableName: 'Watched', dataFormat: 'CSV' },
          ...more,
        },
      });
    };
    const flush = async () => {
      const { k } = site();
      const path = '/queued-ingestion/flush';
      const answer = await k.send({ host: 'localhost', method: 'POST', path, token: k.server.controlToken });
      expect(answer.status, answer.text).toBe(200);
    };

    beforeAll(async () => {
      const { k, tokens } = site();
      // Times of blobs have no parts of a second: what others wrote in the second of the connection's making would come, too.
      const service = BlobServiceClient.fromConnectionString(tokens.azurite.connectionString);
      for await (const { name } of service.listContainers()) await service.deleteContainer(name);
      client = new ContainerClient(await tokens.azurite.newContainer());
      const properties = { principalId: k.environment.clientId, principalType: 'App', role: 'AllDatabasesAdmin' };
      await k.arm('PUT', `${k.clusterPath}/principalAssignments/owner`, { properties });
      await k.arm('PATCH', k.clusterPath, { identity: { type: 'SystemAssigned' } });
      await mgmt('.delete cluster policy managed_identity');
      await mgmt('.create table Watched (a: long, b: string)');
      await mgmt('.create table Other (a: long, b: string)');
    });

    it('brings new blobs into the table, each once, by their metadata', async () => {
      const { k } = site();
      const before = site().tokens.claims.length;
      const made = await put({ managedIdentityResourceId: k.clusterPath });
      expect(made.headers['warning']).toBeUndefined();
      await upload('sub dir/ä.csv', '1,one\n');
      await upload('b.txt', '{"a":2,"b":"two"}', {
        ...{ kustoTable: 'Other', kustoDataFormat: 'json', kustoExtentTags: '["seen"]', rawSizeBytes: '17' },
        kustoCreationTime: '2026-01-02T03:04:05Z',
      });
      await upload('h.csv', 'a,b\n3,three\n', { kustoIgnoreFirstRecord: 'true' });
      await upload('else.csv', '4,four\n', { kustoDatabase: 'another' });
      await allow('NativeIngestion');
      await flush();
      expect((await query('Watched | count')).rows).toEqual([[0]]);
      expect(site().tokens.claims.length).toBe(before);
      await allow('DataConnection');
      await flush();
      expect((await query('Watched | sort by a asc')).rows).toEqual([
        [1, 'one'],
        [3, 'three'],
      ]);
      expect((await query('Other')).rows).toEqual([[2, 'two']]);
      const extents = await mgmt('.show table Other extents | project Tags, MinCreatedOn');
      expect(extents.rows).toEqual([['seen', '2026-01-02T03:04:05.0000000Z']]);
      expect(await failures()).toEqual([
        ['BadRequest_DatabaseAccessDenied', expect.stringContaining('databaseRouting') as string],
      ]);
      await flush();
      expect((await query('Watched | count')).rows).toEqual([[2]]);
      await upload('h.csv', 'a,b\n5,five\n', { kustoIgnoreFirstRecord: 'true' });
      await flush();
      expect((await query('Watched | sort by a asc | project a')).rows).toEqual([[1], [3], [5]]);
    });

    it('looks at nothing while the key is away, and brings afterwards what was written meanwhile', async () => {
      const { k } = site();
      const azure = azureClientsOf(k);
      const [vault, keyVaultUri] = ['grid-vault', 'https://grid-vault.vault.azure.net/'];
      await createKeyVault(k, vault);
      await azure.keysOf(keyVaultUri).createRsaKey('grid-key', { keySize: 2048 });
      const { identity } = await azure.kusto.clusters.get('rg1', clusterName);
      const control = (path: string) =>
        k.send({ host: 'localhost', method: 'POST', path, token: k.server.controlToken });
      const permit = async (operation: 'add' | 'remove') => {
        await permitKeyUse(k, vault, identity?.principalId ?? '', operation);
        await control('/check-keys');
      };
      await permit('add');
      const keyVaultProperties = { keyName: 'grid-key', keyVaultUri };
      await azure.kusto.clusters.beginUpdateAndWait('rg1', clusterName, { keyVaultProperties });
      await flush();
      await permit('remove');
      await upload('away.csv', '9,nine\n');
      const asked = site().tokens.claims.length;
      expect(await control('/queued-ingestion/flush')).toMatchObject({
        ...{ status: 409, text: expect.stringContaining('ClusterNotServing') as string },
      });
      expect(site().tokens.claims.length).toBe(asked);
      await permit('add');
      await flush();
      expect((await query('Watched | where a == 9')).rows).toEqual([[9, 'nine']]);
    });

    it('says why it brings nothing, where it does not act', async () => {
      const { k } = site();
      const warning = async (more: object) => (await put(more)).headers['warning'];
      expect(await warning({})).toContain('not acting here: it names no managed identity');
      const managedIdentityResourceId = k.clusterPath;
      const renamed = { managedIdentityResourceId, blobStorageEventType: 'Microsoft.Storage.BlobRenamed' };
      expect(await warning(renamed)).toContain('renamed blobs');
      const storageAccountResourceId = `${k.clusterPath.split('/providers/')[0] ?? ''}/providers/Microsoft.Storage/storageAccounts/nowhere`;
      expect(await warning({ managedIdentityResourceId, storageAccountResourceId })).toContain(
        '--storage-account nowhere=URL',
      );
      await upload('late.csv', '6,six\n');
      await flush();
      expect((await query('Watched | where a == 6 | count')).rows).toEqual([[0]]);
    });
  });
}
