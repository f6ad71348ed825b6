import type { Scene } from '../../src/cli/drill/scene.ts';
import { database } from '../../src/cli/drill/scene.ts';
import type { HostAnswer, HostRequest } from './server-fixture.ts';

/** As clients of queued ingestion begin: where blobs and messages go, and who sends them. */
export interface IngestionPlaces {
  readonly container: URL;
  readonly queue: URL;
  readonly identity: string;
}

interface Sender {
  readonly send: (request: HostRequest) => Promise<HostAnswer>;
}

export async function ingestionPlaces(scene: Scene): Promise<IngestionPlaces> {
  const ask = async (csl: string): Promise<[string, string][]> => {
    const host = `ingest-${scene.clusterHost}`;
    const answer = await scene.send({ host, method: 'POST', path: '/v1/rest/mgmt', body: { db: '', csl } });
    if (answer.status !== 200) throw new Error(answer.body.toString());
    return (answer.value as { Tables: { Rows: [string, string][] }[] }).Tables[0]?.Rows ?? [];
  };
  const resources = await ask('.get ingestion resources');
  const place = (type: string): URL => new URL(resources.find(([name]) => name === type)?.[1] ?? '');
  const [[identity] = ['']] = await ask('.get kusto identity token');
  return { container: place('TempStorage'), queue: place('SecuredReadyForAggregationQueue'), identity };
}

/** @returns besides the answer, what a message calls the blob */
export async function putBlob(
  { send }: Sender,
  { container }: IngestionPlaces,
  name: string,
  content: string | Buffer,
): Promise<HostAnswer & { readonly path: string }> {
  const path = `${container.pathname}/${name}${container.search}`;
  const headers = { 'x-ms-version': '2022-11-02', 'x-ms-blob-type': 'BlockBlob', 'content-type': 'text/csv' };
  const answer = await send({ host: container.hostname, method: 'PUT', path, headers, body: content });
  return { ...answer, path: `https://${container.hostname}${path}` };
}

export interface SentMessage {
  readonly table: string;
  readonly flush: boolean;
  readonly tags?: readonly string[];
  /** Absent: CSV. */
  readonly format?: string;
}

export async function putMessage(
  { send }: Sender,
  { queue, identity }: IngestionPlaces,
  blobPath: string,
  { table, flush, tags = [], format = 'csv' }: SentMessage,
): Promise<HostAnswer> {
  const message = {
    ...{ Id: crypto.randomUUID(), BlobPath: blobPath, DatabaseName: database, TableName: table },
    ...{ FlushImmediately: flush, ReportLevel: 2, ReportMethod: 0, RetainBlobOnSuccess: false },
    AdditionalProperties: { format, tags: JSON.stringify(tags), authorizationContext: identity },
  };
  const text = Buffer.from(JSON.stringify(message)).toString('base64');
  return send({
    ...{ host: queue.hostname, method: 'POST', path: `${queue.pathname}/messages${queue.search}` },
    headers: { 'x-ms-version': '2022-11-02', 'content-type': 'application/xml' },
    body: `<QueueMessage><MessageText>${text}</MessageText></QueueMessage>`,
  });
}
