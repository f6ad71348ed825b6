import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { ContainerClient } from '@azure/storage-blob';
import type { Azurite } from '../../support/azurite.ts';
import { startAzurite } from '../../support/azurite.ts';
import type { TokenStorage } from '../../support/token-storage.ts';
import { startTokenStorage } from '../../support/token-storage.ts';
import { zipOf } from '../../support/zip-writer.ts';
import type { KustoData } from './kusto-fixture.ts';
import { startKustoData } from './kusto-fixture.ts';

export const account = 'mybox';
export const csv = 'a,b\n1,one\n2,"two, twice"\n';
const files: Readonly<Record<string, string | Buffer>> = {
  'plain.csv': csv,
  'packed.csv.gz': gzipSync(csv),
  'more.zip': zipOf({ 'x/one.csv': '3,three\n', 'x/two.csv': '4,four\n', 'notes.txt': 'left out' }),
  'rows.json': '{"a": 5, "b": "five"}\n{"a": 6, "b": "six"}\n',
  'broken.csv': '7,"never closed',
  'sub folder/ä.csv': '8,eight\n',
};

/** What came of a query or command. */
export interface Answered {
  readonly status: number;
  readonly text: string;
  readonly rows: readonly (readonly unknown[])[];
}

/** Ways to send one. */
export interface Asked {
  readonly mgmt: (csl: string) => Promise<Answered>;
  readonly query: (csl: string) => Promise<Answered>;
}

/** A cluster beside an Azurite that is mapped as `account`, and servers that are no storage. */
export interface MappedStorage {
  readonly k: KustoData;
  readonly azurite: Azurite;
  /** Mapped as `tokens`; takes tokens. */
  readonly tokens: TokenStorage;
  readonly container: string;
  /** Of the container: `sv=…&sig=…`. */
  readonly sas: string;
  /** The port of a server that nothing may reach, and what it was asked for all the same. */
  readonly inside: number;
  readonly reached: readonly string[];
  readonly log: readonly string[];
  stop(): Promise<void>;
}

const port = (server: Server): number => (server.address() as AddressInfo).port;

/** Answers what it is asked for by the path. */
const strangeServer = (inside: Server): Server =>
  createServer((request, response) => {
    const where = String(request.url);
    if (where.includes('redirect')) {
      response.writeHead(302, { location: `http://127.0.0.1:${port(inside)}/secret.csv` }).end();
    } else if (where.includes('huge')) {
      response.writeHead(200, { 'content-length': String(7 * 1024 ** 3), etag: '"e"' });
      response.write('1,one\n');
    } else if (where.includes('slow')) {
      response.writeHead(200, { 'content-length': '1000000', etag: '"e"' });
      response.write('1,one\n');
    } else response.writeHead(500).end('sig=canary-in-answer');
  });

/** With the files in its container. */
export async function startMappedStorage(): Promise<MappedStorage> {
  const [reached, log]: [string[], string[]] = [[], []];
  const [azurite, tokens] = await Promise.all([startAzurite(), startTokenStorage()]);
  const inside = createServer((request, response) => {
    reached.push(String(request.url));
    response.end('1,stolen\n');
  }).listen(0, '127.0.0.1');
  const strange = strangeServer(inside).listen(0, '127.0.0.1');
  await Promise.all([once(strange, 'listening'), once(inside, 'listening')]);
  const k = await startKustoData({
    storageAccounts: [
      { name: account, endpoint: azurite.endpoint },
      { name: 'devstoreaccount1', endpoint: azurite.endpoint },
      { name: 'tokens', endpoint: tokens.azurite.endpoint },
      { name: 'outside', endpoint: 'http://storage.example:10000' },
      { name: 'closed', endpoint: 'http://127.0.0.1:9' },
      { name: 'strange', endpoint: `http://127.0.0.1:${port(strange)}` },
    ],
    log: { level: 'debug', destination: { write: (line: string) => void log.push(line) } },
  });
  const url = new URL(await azurite.newContainer());
  const client = new ContainerClient(url.href);
  for (const [name, content] of Object.entries(files))
    await client.getBlockBlobClient(name).uploadData(Buffer.from(content));
  return {
    ...{ k, azurite, tokens, container: url.pathname.split('/').at(-1) ?? '', sas: url.search.slice(1) },
    ...{ inside: port(inside), reached, log },
    async stop() {
      await k[Symbol.asyncDispose]();
      await Promise.all([azurite.stop(), tokens.azurite.stop()]);
      for (const server of [strange, inside]) {
        server.closeAllConnections();
        server.close();
      }
    },
  };
}
