import { ContainerClient } from '@azure/storage-blob';
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { waitMs } from '../../support/hang.ts';
import { clusterHost, databaseName as db } from './kusto-fixture.ts';
import type { Asked, MappedStorage } from './mapped-storage.ts';

/** Storage that is asked as a managed identity of the cluster: an Azurite reads the tokens.
 * @param asked sends a query or command */
export function describeStorageIdentities(site: () => MappedStorage, asked: Asked): void {
  describe('a managed identity of the cluster', () => {
    const { mgmt, query } = asked;
    let container: string;
    let client: ContainerClient;
    let own: string;
    let tenantId: string;
    const place = (path = '', identity = 'system'): string =>
      `https://tokens.blob.core.windows.net/${container}${path};managed_identity=${identity}`;
    const allow = async (at: 'cluster' | `database ${string}`, usages: string | undefined): Promise<void> => {
      const answer = await mgmt(
        usages === undefined
          ? `.delete ${at} policy managed_identity`
          : `.alter ${at} policy managed_identity '[{"ObjectId": "system", "AllowedUsages": "${usages}"}]'`,
      );
      expect(answer.status, answer.text).toBe(200);
    };
    const ingest = (source: string) => mgmt(`.ingest into table FromOwn (h'${source}')`);

    beforeAll(async () => {
      const { k, tokens } = site();
      tenantId = k.environment.tenantId;
      const url = new URL(await tokens.azurite.newContainer());
      container = url.pathname.split('/').at(-1) ?? '';
      client = new ContainerClient(url.href);
      await client.getBlockBlobClient('a.csv').uploadData(Buffer.from('1,one\n'));
      await mgmt('.create table FromOwn (a: long, b: string)');
      const properties = { principalId: k.environment.clientId, principalType: 'App', role: 'AllDatabasesAdmin' };
      await k.arm('PUT', `${k.clusterPath}/principalAssignments/owner`, { properties });
      const { body } = await k.arm('PATCH', k.clusterPath, { identity: { type: 'SystemAssigned' } });
      own = (body as { identity: { principalId: string } }).identity.principalId;
    });
    beforeEach(async () => {
      await allow('cluster', undefined);
      await allow(`database ${db}`, undefined);
      site().tokens.claims.length = 0;
    });
    const said = (): unknown =>
      [...new Set(site().tokens.claims.map((one) => JSON.stringify([one['oid'], one['aud'], one['tid']])))].map(
        (one) => JSON.parse(one) as unknown,
      );
    const asItself = () => [[own, 'https://storage.azure.com', tenantId]];
    const refused = (usage: string) =>
      new RegExp(`no managed identity policy of the cluster or of database '${db}' allows it the usage ${usage}`);

    it('reads what is ingested, where the policy of cluster or database lets it', async () => {
      expect(await ingest(place('/a.csv'))).toMatchObject({
        status: 400,
        text: expect.stringMatching(refused('NativeIngestion')) as string,
      });
      await allow('cluster', 'ExternalTable, AutomatedFlows');
      expect((await ingest(place('/a.csv'))).text).toMatch(refused('NativeIngestion'));
      expect(site().tokens.claims).toEqual([]);
      const failures = await mgmt(
        '.show ingestion failures | where Table == "FromOwn" | distinct ErrorCode, FailureKind',
      );
      expect(failures.rows).toEqual([['BadRequest_InvalidManagedIdentity', 'Permanent']]);
      await allow(`database ${db}`, 'NativeIngestion');
      expect((await ingest(place('/a.csv'))).text).toContain('a.csv');
      await allow(`database ${db}`, undefined);
      await allow('cluster', 'All');
      expect(await ingest(place('/a.csv', own.toUpperCase()))).toMatchObject({ status: 200 });
      expect((await query('FromOwn')).rows).toEqual([
        [1, 'one'],
        [1, 'one'],
      ]);
      expect(said()).toEqual(asItself());
    });

    it('reads, lists and writes external tables', async () => {
      const external = `.create-or-alter external table Own (a: long, b: string) kind=storage dataformat=csv (h'${place()}')`;
      const out = `.export to table Own <| print a = 7, b = 'seven'`;
      await allow('cluster', 'NativeIngestion');
      expect(await mgmt(external)).toMatchObject({ status: 200 });
      for (const answer of [await query('external_table("Own")'), await mgmt(out)])
        expect(answer).toMatchObject({ status: 400, text: expect.stringMatching(refused('ExternalTable')) as string });
      expect(site().tokens.claims).toEqual([]);
      await allow('cluster', 'ExternalTable');
      expect(await mgmt(out)).toMatchObject({ status: 200 });
      expect((await query('external_table("Own") | sort by a asc')).rows).toEqual([
        [1, 'one'],
        [7, 'seven'],
      ]);
      expect(said()).toEqual(asItself());
    });

    it('is for nothing else, whatever policies say', async () => {
      await allow('cluster', 'All');
      await mgmt('.alter table FromOwn policy streamingingestion enable');
      const { k } = site();
      const streamed = await k.send({
        ...{ host: clusterHost, method: 'POST', token: k.token },
        path: `/v1/rest/ingest/${db}/FromOwn?streamFormat=csv&sourceKind=uri`,
        body: { SourceUri: place('/a.csv') },
      });
      for (const answer of [
        await query(`externaldata(a: long, b: string)[h'${place('/a.csv')}']`),
        await mgmt(`.export to csv (h'${place('/out')}') <| print a = 7`),
        streamed,
      ])
        expect(answer).toMatchObject({
          ...{ status: 400, text: expect.stringContaining('a Managed Identity is disabled for this flow') as string },
        });
      expect(site().tokens.claims).toEqual([]);
    });

    it('reads blobs that wait in the queue', async () => {
      await allow(`database ${db}`, 'NativeIngestion');
      await mgmt('.create table QueuedOwn (a: long, b: string)');
      const { k } = site();
      const command = `.ingest-from-storage-queued into table QueuedOwn EnableTracking=true SkipBatching=true with (format='csv') <| .list blobs (h'${place('/a')}')`;
      const answer = await k.send({
        ...{ host: `ingest-${clusterHost}`, method: 'POST', path: '/v1/rest/mgmt', token: k.token },
        body: { db, csl: command },
      });
      expect(answer.status, answer.text).toBe(200);
      await vi.waitFor(async () => expect((await query('QueuedOwn')).rows).toEqual([[1, 'one']]), {
        ...{ timeout: waitMs, interval: 50 },
      });
      expect(said()).toEqual(asItself());
    });

    it('is nobody once it is not assigned, or never was', async () => {
      await allow('cluster', 'All');
      const stranger = '11111111-2222-3333-4444-555555555555';
      expect((await ingest(place('/a.csv', stranger))).text).toContain(
        `The managed identity '${stranger}' cannot be used for 'https://tokens.blob.core.windows.net/${container}/a.csv': it is not assigned to the cluster.`,
      );
      expect((await ingest(place('/a.csv', 'me'))).text).toContain("an object id, or by 'system'");
      const { k } = site();
      await k.arm('PATCH', k.clusterPath, { identity: { type: 'None' } });
      expect((await ingest(place('/a.csv'))).text).toContain('it is not assigned to the cluster');
      await k.arm('PATCH', k.clusterPath, { identity: { type: 'SystemAssigned' } });
      // Another principal than before: the policy names the one that was.
      expect((await ingest(place('/a.csv'))).text).toMatch(refused('NativeIngestion'));
      expect(site().tokens.claims).toEqual([]);
    });

    it.each([
      [
        'an account that nobody mapped',
        'https://other.blob.core.windows.net/c/a.csv',
        'map the account with --storage-account other=URL',
      ],
      ['a host that only looks like one', 'https://other.blob.core.example/c/a.csv', 'map the account'],
      ['what is no storage', 'https://files.example/a.csv', 'for Azure Storage alone'],
      ['another machine in the clear', 'https://outside.blob.core.windows.net/c/a.csv', 'a token goes by https alone'],
    ])('sends no token to %s', async (_what, address, message) => {
      await allow('cluster', 'All');
      for (const answer of [
        await ingest(`${address};managed_identity=system`),
        await query(`externaldata(a: long)[h'${address};managed_identity=system']`),
      ])
        expect(answer).toMatchObject({ status: 400, text: expect.stringContaining(message) as string });
    });
  });
}
