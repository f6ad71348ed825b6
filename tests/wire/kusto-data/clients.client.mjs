// The official clients, unchanged, in a process of their own. Takes calls over IPC and tells what came of them.
import { ContainerClient, StorageSharedKeyCredential } from '@azure/storage-blob';
import { Client, ClientRequestProperties, KustoConnectionStringBuilder } from 'azure-kusto-data';
import {
  BlobDescriptor,
  IngestClient,
  IngestionProperties,
  IngestStatusQueues,
  ManagedStreamingIngestClient,
  StreamingIngestClient,
} from 'azure-kusto-ingest';
import { Readable } from 'node:stream';

const { AZURE_TENANT_ID: tenant, AZURE_CLIENT_ID: id, AZURE_CLIENT_SECRET: secret } = process.env;
const own = { clientId: id, clientSecret: secret };
const connection = (uri, { clientId, clientSecret } = own) =>
  KustoConnectionStringBuilder.withAadApplicationKeyAuthentication(uri, clientId, clientSecret, tenant);
const clients = new Map();
const clientFor = (uri, identity = own) => {
  const key = `${identity.clientId} ${uri}`;
  if (!clients.has(key)) clients.set(key, new Client(connection(uri, identity)));
  return clients.get(key);
};

function propertiesOf({ options, parameters, clientRequestId }, raw) {
  const properties = new ClientRequestProperties(options, parameters, clientRequestId);
  properties.raw = raw;
  return properties;
}

async function perform(call) {
  if (call.call === 'storage') return { value: await storageCalls(call) };
  const client = clientFor(call.uri, call.identity);
  const raw = call.call.startsWith('raw');
  const properties = propertiesOf(call, raw);
  switch (call.call) {
    case 'query':
    case 'rawQuery':
      return told(await client.executeQuery(call.database, call.text, properties), raw);
    case 'queryV1':
    case 'rawQueryV1':
      return told(await client.executeQueryV1(call.database, call.text, properties), raw);
    case 'mgmt':
      return told(await client.executeMgmt(call.database, call.text, properties), false);
    case 'ingest': {
      const ingest = new StreamingIngestClient(connection(call.uri, call.identity), undefined, false);
      const ingestionProperties = new IngestionProperties({
        database: call.database,
        table: call.table,
        format: call.format,
        ...(call.mapping === undefined ? {} : { ingestionMappingReference: call.mapping }),
      });
      const answer = await ingest.ingestFromStream(
        Readable.from([Buffer.from(call.data)]),
        ingestionProperties,
        call.clientRequestId,
      );
      return { value: answer.Tables.map(({ Rows }) => Rows) };
    }
    case 'queued': {
      const ingest = new IngestClient(connection(call.uri, call.identity));
      const properties = new IngestionProperties({ database: call.database, table: call.table, ...call.properties });
      const result = await ingest.ingestFromStream(Readable.from([Buffer.from(call.data)]), properties);
      const status = await result.getIngestionStatusCollection();
      return { value: { status: status.Status ?? status.status } };
    }
    case 'queuedBlob': {
      const ingest = new IngestClient(connection(call.uri));
      const properties = new IngestionProperties({ database: call.database, table: call.table, ...call.properties });
      await ingest.ingestFromBlob(new BlobDescriptor(call.text, call.data.length), properties);
      return { value: 'Queued' };
    }
    case 'status': {
      // Until the row that the client put into the table of statuses says that there is nothing to wait for.
      const ingest = new IngestClient(connection(call.uri));
      const properties = new IngestionProperties({ database: call.database, table: call.table, ...call.properties });
      const result = await ingest.ingestFromStream(Readable.from([Buffer.from(call.data)]), properties);
      for (;;) {
        const { Status: status, ErrorCode: code } = await result.getIngestionStatusCollection();
        if (status !== 'Pending') return { value: { kind: result.constructor.name, status, code } };
      }
    }
    case 'managed': {
      const managed = ManagedStreamingIngestClient.fromEngineConnectionString(connection(call.uri));
      // As the client's own tests do: it would wait for seconds between its tries.
      Object.assign(managed, { baseSleepTimeSecs: 0, baseJitterSecs: 0 });
      const properties = new IngestionProperties({ database: call.database, table: call.table, ...call.properties });
      const result = await managed.ingestFromStream(inPieces(Buffer.from(call.data)), properties);
      return { value: 'getIngestionStatusCollection' in result ? 'queued' : 'streamed' };
    }
    case 'reports': {
      const queues = new IngestStatusQueues(new IngestClient(connection(call.uri)));
      return { value: await queues[call.text].pop(32) };
    }
    default:
      throw new Error(`unknown call ${call.call}`);
  }
}

/** As from a file. Of a single large piece the client for managed streaming waits for ever. */
const inPieces = (bytes) =>
  Readable.from(
    Array.from({ length: Math.ceil(bytes.length / 65_536) }, (_each, at) =>
      bytes.subarray(at * 65_536, (at + 1) * 65_536),
    ),
  );

/** What the client for blobs does with a container of the cluster, several blocks and parts of them included. */
async function storageCalls({ uri, data, accountKey }) {
  const key = accountKey && new StorageSharedKeyCredential(new URL(uri).hostname.split('.')[0], accountKey);
  const container = new ContainerClient(uri, key);
  const blob = container.getBlockBlobClient('db1__T__large.csv');
  const sent = Buffer.from(data);
  await blob.uploadData(sent, { blockSize: 256 * 1024, maxSingleShotSize: 256 * 1024, concurrency: 2 });
  const { contentLength } = await blob.getProperties();
  const whole = await blob.downloadToBuffer();
  const part = await blob.downloadToBuffer(300_000, 500_000);
  const codeOf = (promise) =>
    promise.then(
      () => 'done',
      ({ statusCode, code, details }) => `${statusCode} ${code ?? details?.errorCode}`,
    );
  const forged = new ContainerClient(uri.replace(/sig=..../, 'sig=AAAA'));
  const codes = {
    forged: await codeOf(forged.getBlockBlobClient('x').uploadData(sent.subarray(0, 9))),
    again: await codeOf(blob.uploadData(sent.subarray(0, 9), { conditions: { ifNoneMatch: '*' } })),
    list: await codeOf(container.listBlobsFlat().next()),
    deleted: await codeOf(blob.delete()),
    gone: await codeOf(blob.getProperties()),
    download: await codeOf(blob.downloadToBuffer()),
  };
  return { contentLength, whole: whole.equals(sent), part: part.equals(sent.subarray(300_000, 800_000)), codes };
}

function told(response, raw) {
  if (raw) return { raw: typeof response === 'string' ? response : JSON.stringify(response) };
  return {
    tables: response.tables.map((table) => ({
      kind: table.kind,
      name: table.name,
      columns: table.columns.map(({ name, type }) => ({ name, type })),
      rows: table._rows,
    })),
    value: response.getErrorsCount?.(),
    warnings: response.getWarnings?.(),
  };
}

process.on('message', async ({ id: number, call }) => {
  try {
    process.send({ id: number, outcome: await perform(call) });
  } catch (error) {
    const { response } = error;
    const failed = {
      name: error.name,
      message: error.message,
      status: response?.status,
      body: response?.data,
      headers: response === undefined ? undefined : { ...response.headers },
    };
    process.send({ id: number, outcome: { failed } });
  }
});
