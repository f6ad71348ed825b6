import { once } from 'node:events';
import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ContainerClient } from '@azure/storage-blob';
import type { Azurite } from './azurite.ts';
import { startAzurite } from './azurite.ts';

/** The user's storage: Azurite, with all that anybody asked of it by way of the mapped account, and with answers that can be held back. */
export interface WatchedStorage {
  /** To be mapped. */
  readonly account: { readonly name: string; readonly endpoint: string };
  /** URL of its container there, with a signature. */
  readonly container: string;
  /** As commands name a path of its container, with a signature, as a literal that is hidden. */
  literal(path: string): string;
  /** Of requests that came by way of the mapped account, in their order: method and address without the signature. */
  readonly seen: readonly string[];
  /** What names the path waits from now on until it is released. */
  hold(path: string): void;
  /** Resolves once that many wait. */
  waits(path: string, count: number): Promise<void>;
  /** Everything that waits goes on, and so does what comes then. */
  release(path: string): void;
  /** Beside the mapped account. */
  put(path: string, text: string): Promise<void>;
  /** Blobs that are whole, by their paths. */
  blobsBelow(path: string): Promise<ReadonlyMap<string, Buffer>>;
  close(): Promise<void>;
}

const name = 'watched';

interface Held {
  readonly waiting: (() => void)[];
  arrived: () => void;
}

export async function startWatchedStorage(): Promise<WatchedStorage> {
  const azurite = await startAzurite();
  const container = new URL(await azurite.newContainer());
  const client = new ContainerClient(container.href);
  const seen: string[] = [];
  const held = new Map<string, Held>();
  const front = createServer((request, response) => {
    const { method = '', url = '', headers } = request;
    const address = decodeURIComponent(url).replace(/sig=[^&]*/, 'sig=');
    seen.push(`${method} ${address}`);
    const pass = (): void => {
      const passed = httpRequest(new URL(url, azurite.endpoint), { method, headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(response);
      });
      passed.on('error', () => response.destroy());
      request.pipe(passed);
    };
    const wait = [...held].find(([path]) => address.includes(path))?.[1];
    if (wait === undefined) pass();
    else {
      wait.waiting.push(pass);
      wait.arrived();
    }
  }).listen(0, '127.0.0.1');
  await once(front, 'listening');
  const { port } = front.address() as AddressInfo;
  return {
    account: { name, endpoint: azurite.endpoint.replace(/:\d+/, `:${port}`) },
    container: container.href.replace(/:\d+/, `:${port}`),
    literal: (path) =>
      `h@"https://${name}.blob.core.windows.net/${container.pathname.split('/').at(-1) ?? ''}/${path}${container.search}"`,
    seen,
    hold: (path) => void held.set(path, { waiting: [], arrived: () => undefined }),
    waits: (path, count) =>
      new Promise((resolve) => {
        const wait = held.get(path);
        if (wait === undefined) throw new Error(`Nobody holds ${path}.`);
        wait.arrived = () => wait.waiting.length >= count && resolve();
        wait.arrived();
      }),
    release: (path) => {
      const waiting = held.get(path)?.waiting ?? [];
      held.delete(path);
      for (const pass of waiting) pass();
    },
    put: async (path, text) => {
      await client.getBlockBlobClient(path).upload(text, Buffer.byteLength(text));
    },
    blobsBelow: (path) => blobsBelow(client, path),
    close: () => close(front, azurite),
  };
}

async function blobsBelow(client: ContainerClient, prefix: string): Promise<ReadonlyMap<string, Buffer>> {
  const blobs = new Map<string, Buffer>();
  for await (const blob of client.listBlobsFlat({ prefix }))
    blobs.set(blob.name, await client.getBlobClient(blob.name).downloadToBuffer());
  return blobs;
}

async function close(front: ReturnType<typeof createServer>, azurite: Azurite): Promise<void> {
  const closed = once(front, 'close');
  front.close();
  front.closeAllConnections();
  await closed;
  await azurite.stop();
}
