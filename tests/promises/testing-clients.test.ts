import { execFile, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { KustoManagementClient } from '@azure/arm-kusto';
import type { TokenCredential } from '@azure/core-auth';
import { ClientSecretCredential } from '@azure/identity';
import { CryptographyClient, KeyClient } from '@azure/keyvault-keys';
import { Client, KustoConnectionStringBuilder } from 'azure-kusto-data';
import { IngestClient, StreamingIngestClient } from 'azure-kusto-ingest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startKustody } from '../../dist/testing.js';
import type { Started } from '../../dist/testing.js';

let k: Started<{ readonly cluster: true }>;
beforeAll(async () => {
  k = await startKustody({ cluster: true });
  await k.query('.create table T (A: long)');
  await k.query('.ingest inline into table T <| 1');
});
afterAll(() => k.close());

/** Of another cloud: whoever asks it has not been pointed here. */
const strange: TokenCredential = {
  getToken: () => Promise.reject(new Error('This credential was asked for a token.')),
};

describe('clients of kustody/testing', () => {
  it('are those of the SDKs, ready to use', async () => {
    const kusto = await k.kustoClient();
    expect(kusto).toBeInstanceOf(Client);
    const answer = await kusto.execute(null, 'T | count');
    expect(answer.primaryResults[0]?.toJSON<{ Count: number }>().data).toEqual([{ Count: 1 }]);

    const keys = await k.keyClient();
    expect(keys).toBeInstanceOf(KeyClient);
    const key = await keys.getKey(k.cluster.keyName);
    const cryptography = await k.cryptographyClient();
    expect(cryptography).toBeInstanceOf(CryptographyClient);
    const { result } = await cryptography.wrapKey('RSA-OAEP-256', Buffer.alloc(32, 7));
    const other = await k.cryptographyClient(key.id);
    expect(Buffer.from((await other.unwrapKey('RSA-OAEP-256', result)).result)).toEqual(Buffer.alloc(32, 7));

    const kustoManagement = await k.kustoManagementClient();
    expect((await kustoManagement.clusters.get('kustody', 'kustody')).state).toBe('Running');
    const vaults = await k.keyVaultManagementClient();
    expect((await vaults.vaults.get('kustody', 'kustody-keys')).properties.vaultUri).toBe(k.cluster.vaultUri);
    const resources = await k.resourceManagementClient();
    expect((await resources.resourceGroups.get('kustody')).location).toBe('eastus');
  });

  it('ingest by streaming, and refuse what is not built by name', async () => {
    await k.query('.create table S (A: long, B: string)');
    const ingest = await k.ingestClient({ table: 'S', format: 'csv' });
    expect(ingest).toBeInstanceOf(StreamingIngestClient);
    await ingest.ingestFromStream(Readable.from(['1,one\n']));
    expect(await k.query('S')).toEqual([{ A: 1, B: 'one' }]);
    await expect(k.ingestClient({ kind: 'queued' })).rejects.toThrow('Queued ingestion (IngestClient) is not built');
    await expect(k.ingestClient({ kind: 'managed' })).rejects.toThrow('Managed streaming ingestion');
    await expect(k.ingestClient({ kind: 'bulk' } as never)).rejects.toThrow("'bulk' is no kind of ingestion");
    await expect(k.ingestClient({ format: 'xlsx' })).rejects.toThrow("'xlsx' is no format. There are: ");
  });

  it('make rows of what is queued when a test says so, and not before', async () => {
    await k.query('.create table Q (A: long, B: string)');
    const script = `
      const { KustoConnectionStringBuilder } = require('azure-kusto-data');
      const { IngestClient, StreamDescriptor } = require('azure-kusto-ingest');
      const { DefaultAzureCredential } = require('@azure/identity');
      const uri = process.env.KUSTODY_CLUSTER_URI.replace('://', '://ingest-');
      const connection = KustoConnectionStringBuilder.withTokenCredential(uri, new DefaultAzureCredential());
      const client = new IngestClient(connection, { database: 'db', table: 'Q', format: 'csv' });
      const bytes = Buffer.from('1,one\\n');
      const descriptor = new StreamDescriptor(require('node:stream').Readable.from([bytes]));
      descriptor.size = bytes.length;
      client.ingestFromStream(descriptor)
        .then(() => process.exit(0), (error) => { console.error(error); process.exit(1); });`;
    const env = { PATH: process.env['PATH'], ...(await k.environment()), KUSTODY_CLUSTER_URI: k.cluster.uri };
    await promisify(execFile)(process.execPath, ['-e', script], { env });
    expect(await k.query('Q')).toEqual([]);
    expect(await k.flushQueued()).toBe(1);
    expect(await k.query('Q')).toEqual([{ A: 1, B: 'one' }]);
    expect(await k.flushQueued()).toBe(0);
  });

  it('say what to ask for, or to install', async () => {
    await using without = await startKustody();
    await expect(without.kustoClient()).rejects.toThrow('startKustody({ cluster: true })');
    await expect(without.keyClient()).rejects.toThrow('startKustody({ cluster: true })');
    const script = `
      const Module = require('node:module');
      const load = Module._load;
      Module._load = (name, ...rest) => {
        if (name !== '@azure/keyvault-keys') return load(name, ...rest);
        throw Object.assign(new Error("Cannot find module '@azure/keyvault-keys'"), { code: 'MODULE_NOT_FOUND' });
      };
      require('./dist/testing.cjs').startKustody({ cluster: true }).then(async (k) => {
        await k.keyClient().catch((error) => console.log(error.message));
        await k.close();
      });`;
    expect(execFileSync(process.execPath, ['-e', script], { encoding: 'utf8' })).toBe(
      "This client is the one of '@azure/keyvault-keys', which is not installed: npm install --save-dev @azure/keyvault-keys\n",
    );
  });
});

describe('k.use', () => {
  it('points clients that were made for Azure here, whatever their credential', async () => {
    const management = await k.use(new KustoManagementClient(strange, k.subscriptionId));
    expect((await management.clusters.get('kustody', 'kustody')).state).toBe('Running');
    const keys = await k.use(new KeyClient(k.cluster.vaultUri, strange));
    const key = await keys.getKey(k.cluster.keyName);
    const cryptography = await k.use(new CryptographyClient(key.id ?? '', strange));
    expect((await cryptography.wrapKey('RSA-OAEP', Buffer.alloc(16))).result).toHaveLength(256);

    const connection = () => {
      const made = KustoConnectionStringBuilder.withTokenCredential(k.cluster.uri, strange);
      made.initialCatalog = k.cluster.database;
      return made;
    };
    const kusto = await k.use(new Client(connection()));
    expect((await kusto.execute(null, 'T')).primaryResults[0]?.toJSON().data).toEqual([{ A: 1 }]);
    await k.query('.create table U (A: long)');
    const ingest = await k.use(new StreamingIngestClient(connection(), { table: 'U', format: 'csv' as never }));
    await ingest.ingestFromStream(Readable.from(['5\n']));
    expect(await k.query('U')).toEqual([{ A: 5 }]);
  });

  it('does so past a proxy of the environment', async () => {
    let asked = 0;
    const proxy = createServer((socket) => {
      asked += 1;
      socket.destroy();
    }).listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    const address = proxy.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    const proxyOptions = { host: 'http://127.0.0.1', port: port ?? 0 };
    try {
      const options = { proxyOptions, retryOptions: { maxRetries: 0 } };
      const keys = await k.use(new KeyClient(k.cluster.vaultUri, strange, options));
      expect((await keys.getKey(k.cluster.keyName)).name).toBe(k.cluster.keyName);
      expect(asked).toBe(0);
    } finally {
      proxy.close();
    }
  });

  it('makes options that lead here, and refuses what is neither', async () => {
    const options = await k.use({ retryOptions: { maxRetries: 1 } });
    expect(options).toEqual({ retryOptions: { maxRetries: 1 }, ...k.azureOptions });
    const credential = new ClientSecretCredential(k.tenantId, k.clientId, k.clientSecret, options);
    expect((await credential.getToken('https://vault.azure.net/.default')).token).toMatch(/^ey/);
    await expect(k.use(new Map())).rejects.toThrow("'Map' is neither a client of an Azure SDK");
    await expect(k.use(new IngestClient(k.cluster.uri))).rejects.toThrow('queued and managed ingestion are not built');
    await expect(k.use(credential)).rejects.toThrow('A credential is made with k.azureOptions');
  });
});
