import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { connect, createServer } from 'node:net';
import { createInterface } from 'node:readline';
import type { ContainerClient } from '@azure/storage-blob';
import { BlobServiceClient, ContainerSASPermissions } from '@azure/storage-blob';
import { systemRandomBytes } from '../../src/base/random.ts';
import type { AzureBlobOptions } from '../../src/storage/azure-blob/azure-blob-store.ts';
import { AzureBlobStore } from '../../src/storage/azure-blob/azure-blob-store.ts';

export interface Azurite {
  /** Of its account: `http://127.0.0.1:10000/devstoreaccount1`. */
  readonly endpoint: string;
  readonly accountKey: string;
  /** Of the account that Azurite always has. */
  readonly connectionString: string;
  /** Makes a container. @returns its URL, with a signature that may read, create, list and delete for an hour */
  newContainer(): Promise<string>;
  /** @param container URL @returns a signature for it as connection strings have it, another one for each time */
  signature(container: string, goodForMs: number): Promise<string>;
  stop(): Promise<void>;
}

/** The account and key that Azurite's documentation gives to everyone. */
const account = 'devstoreaccount1';
const accountKey = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';

/** Starts a blob service on loopback that keeps everything in memory.
 * @param more flags of Azurite */
export async function startAzurite(more: readonly string[] = []): Promise<Azurite> {
  const program = createRequire(import.meta.url).resolve('azurite/dist/src/blob/main.js');
  const flags = ['--blobPort', '0', '--inMemoryPersistence', '--skipApiVersionCheck', '--disableTelemetry', '--silent'];
  const child = spawn(process.execPath, [program, ...flags, ...more], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
  });
  for await (const line of createInterface(child.stdout)) {
    const origin = /successfully listens on (https?:\S+)/.exec(line)?.[1];
    if (origin === undefined) continue;
    child.stdout.resume();
    return azuriteAt(origin, async () => {
      child.kill('SIGKILL');
      await ended;
    });
  }
  throw new Error('Azurite ended before it listened.');
}

/** @param origin where it is reached: its own address, or what passes requests on */
export function azuriteAt(origin: string, stop: () => Promise<void>): Azurite {
  const endpoint = `${origin}/${account}`;
  const connectionString = `DefaultEndpointsProtocol=http;AccountName=${account};AccountKey=${accountKey};BlobEndpoint=${endpoint};`;
  const service = BlobServiceClient.fromConnectionString(connectionString);
  const signed = (container: ContainerClient, goodForMs: number): Promise<string> =>
    container.generateSasUrl({
      permissions: ContainerSASPermissions.parse('rcwdl'),
      expiresOn: new Date(Date.now() + goodForMs),
    });
  return {
    ...{ endpoint, accountKey, connectionString, stop },
    async newContainer() {
      const container = service.getContainerClient(randomUUID());
      await container.create();
      return signed(container, 3_600_000);
    },
    async signature(url, goodForMs) {
      const name = new URL(url).pathname.split('/').at(-1) ?? '';
      return new URL(await signed(service.getContainerClient(name), goodForMs)).search.slice(1);
    },
  };
}

/** The product's own store over a client, without waiting. */
export const storeIn = (client: ContainerClient, more: Partial<AzureBlobOptions> = {}): AzureBlobStore =>
  new AzureBlobStore({
    ...{ container: client.url, folder: '', randomBytes: systemRandomBytes, random: () => 0 },
    clients: { client: () => Promise.resolve(client), refused: () => undefined },
    pause: () => Promise.resolve(),
    ...more,
  });

/** The same account under another address, which can be away. */
export interface WayToAzurite extends Pick<Azurite, 'endpoint' | 'connectionString'> {
  isOpen: boolean;
  /** Whoever signs like this is cut off, while it is open to others. */
  refused: string | undefined;
  /** So many requests were cut off for that. */
  refusals: number;
  close(): void;
}

export async function startWayTo(azurite: Azurite): Promise<WayToAzurite> {
  const target = Number(new URL(azurite.endpoint).port);
  const server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1');
    for (const socket of [client, upstream]) socket.on('error', () => undefined);
    client.on('data', (bytes) => {
      const isRefused = way.refused !== undefined && bytes.includes(way.refused);
      if (isRefused) way.refusals += 1;
      if (isRefused || !way.isOpen) client.destroy();
      else upstream.write(bytes);
    });
    client.on('close', () => upstream.destroy());
    upstream.pipe(client);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const { endpoint, connectionString } = azuriteAt(`http://127.0.0.1:${port}`, () => Promise.resolve());
  const way: WayToAzurite = {
    ...{ endpoint, connectionString, isOpen: true, refused: undefined, refusals: 0 },
    close: () => void server.close(),
  };
  return way;
}
