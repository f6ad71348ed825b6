import { timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { RandomBytes } from '../../base/random.ts';
import type { StorageAccount } from '../../cluster/messages/storage-account.ts';

/** A place outside of the cluster that is the drill's own: an account of Azure Storage in memory, on the loopback. It knows block blobs, as
 * ingest and export use them, and takes the signature alone that it was made with. */
export interface DrillStorage {
  /** To be mapped by the instance. */
  readonly account: StorageAccount;
  /** What commands are given, with its proof. @param path below the one container */
  address(path: string): string;
  /** Lays a blob there. */
  put(path: string, bytes: Buffer): void;
  /** Blobs of a folder that are whole, by their addresses without the proof. */
  blobsIn(folder: string): ReadonlyMap<string, Buffer>;
  /** What is asked below the folder from now on waits for `release`. */
  hold(folder: string): void;
  /** Resolves once something waits. */
  waits(folder: string): Promise<void>;
  /** Everything that waits is answered, and what comes then at once. */
  release(folder: string): void;
  close(): Promise<void>;
}

const accountName = 'drillbox';
const container = 'box';
const place = `https://${accountName}.blob.core.windows.net/${container}`;
/** A client takes storage for gone that is silent for half a minute, and on a busy machine a way can take longer. */
const aliveEveryMs = 5_000;
/** Of all blobs and blocks, and of one request. A drill writes a few kilobytes. */
const bytesMax = 64 * 1024 * 1024;

interface Held {
  readonly answers: (() => void)[];
  readonly arrived: Promise<void>;
  readonly arrive: () => void;
}

function newHeld(): Held {
  let arrive = (): void => undefined;
  const arrived = new Promise<void>((resolve) => (arrive = resolve));
  return { answers: [], arrived, arrive };
}

/** @param randomBytes for the signature
 * @param everyMs how often whoever waits is told that it is still worked on */
export async function startDrillStorage(randomBytes: RandomBytes, everyMs = aliveEveryMs): Promise<DrillStorage> {
  const signature = Buffer.from(randomBytes(32)).toString('hex');
  const blobs = new Map<string, Buffer>();
  const blocks = new Map<string, Buffer>();
  const held = new Map<string, Held>();
  const server = createServer((request, response) => {
    readBody(request).then(
      (body) => {
        const { pathname, searchParams } = new URL(request.url ?? '/', 'http://storage');
        const path = decodeURIComponent(pathname).slice(`/${container}/`.length);
        const answer = (): void => reply(response, answerTo(request.method, path, searchParams, body));
        const wait = [...held].find(([folder]) => path.startsWith(`${folder}/`))?.[1];
        if (!isSigned(searchParams, signature)) reply(response, { status: 403 });
        else if (wait === undefined) answer();
        else {
          const alive = setInterval(() => response.writeProcessing(), everyMs);
          response.once('close', () => clearInterval(alive));
          wait.answers.push(() => {
            clearInterval(alive);
            answer();
          });
          wait.arrive();
        }
      },
      () => response.destroy(),
    );
  });
  const bytesHeld = (): number => [...blobs.values(), ...blocks.values()].reduce((sum, one) => sum + one.byteLength, 0);
  const answerTo = (method = '', path: string, query: URLSearchParams, body: Buffer): Answer => {
    const blockId = query.get('blockid');
    if (method === 'PUT' && query.get('comp') === 'block' && blockId !== null) {
      if (bytesHeld() + body.byteLength > bytesMax) return { status: 413 };
      blocks.set(`${path} ${blockId}`, body);
      return { status: 201 };
    }
    if (method === 'PUT' && query.get('comp') === 'blocklist') {
      const ids = [...body.toString().matchAll(/<Latest>([^<]+)<\/Latest>/g)].map(([, id = '']) => `${path} ${id}`);
      const pieces = ids.map((id) => blocks.get(id) ?? Buffer.alloc(0));
      for (const id of ids) blocks.delete(id);
      blobs.set(path, Buffer.concat(pieces));
      return { status: 201 };
    }
    const found = blobs.get(path);
    return method === 'GET' && found !== undefined ? { status: 200, body: found } : { status: 404 };
  };
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    account: { name: accountName, endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}` },
    address: (path) => `${place}/${path}?sig=${signature}`,
    put: (path, bytes) => void blobs.set(path, bytes),
    blobsIn: (folder) =>
      new Map(
        [...blobs]
          .filter(([path]) => path.startsWith(`${folder}/`))
          .map(([path, bytes]) => [`${place}/${path}`, bytes]),
      ),
    hold: (folder) => void held.set(folder, newHeld()),
    waits: (folder) => held.get(folder)?.arrived ?? Promise.resolve(),
    release: (folder) => {
      const waiting = held.get(folder)?.answers ?? [];
      held.delete(folder);
      for (const answer of waiting) answer();
    },
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

interface Answer {
  readonly status: number;
  readonly body?: Buffer;
}

function reply(response: ServerResponse, { status, body = Buffer.alloc(0) }: Answer): void {
  response.writeHead(status, {
    ...{ 'content-length': body.byteLength, 'content-type': 'application/octet-stream', etag: '"0x1"' },
    ...{ 'x-ms-blob-type': 'BlockBlob', 'x-ms-version': '2024-11-04' },
  });
  response.end(body);
}

function isSigned(query: URLSearchParams, signature: string): boolean {
  const [given, wanted] = [Buffer.from(query.get('sig') ?? ''), Buffer.from(signature)];
  return given.byteLength === wanted.byteLength && timingSafeEqual(given, wanted);
}

/** @throws where it is too long, or breaks off */
async function readBody(request: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of request as AsyncIterable<Buffer>) {
    bytes += piece.byteLength;
    if (bytes > bytesMax) throw new Error('The request is too long.');
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}
