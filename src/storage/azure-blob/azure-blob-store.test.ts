import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ContainerClient } from '@azure/storage-blob';
import { BlobServiceClient } from '@azure/storage-blob';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Azurite } from '../../../tests/support/azurite.ts';
import { azuriteAt, startAzurite, storeIn } from '../../../tests/support/azurite.ts';
import { BlobExistsError } from '../blob-store.ts';
import { blobName, blobStoreConformance, piecesOf, readAll } from '../blob-store.conformance.ts';

let azurite: Azurite;
beforeAll(async () => {
  azurite = await startAzurite();
});
afterAll(() => azurite.stop());

const clientOf = (connectionString: string): ContainerClient =>
  BlobServiceClient.fromConnectionString(connectionString, { retryOptions: { maxTries: 1 } }).getContainerClient(
    randomUUID(),
  );

blobStoreConformance('AzureBlobStore on Azurite', async () => {
  const container = clientOf(azurite.connectionString);
  await container.create();
  return { open: () => storeIn(container) };
});

describe('AzureBlobStore, when something comes in the way,', () => {
  const one = blobName('clusters/a/1');
  const large = Buffer.alloc(9 * 1024 * 1024, 7);
  /** What is done with a request instead of passing it on; true: that was all. */
  let meddle: (request: IncomingMessage, response: ServerResponse) => boolean;
  /** What is done with an answer instead of passing it on. */
  let spoil: (request: IncomingMessage, answer: IncomingMessage, response: ServerResponse) => boolean;
  let seen: string[] = [];
  let pauses: number[] = [];
  let container: ContainerClient;
  let store: ReturnType<typeof storeIn>;
  const server = createServer((request, response) => {
    response.shouldKeepAlive = false;
    seen.push(`${request.method} ${new URL(request.url ?? '', 'http://x').searchParams.get('comp') ?? ''}`);
    if (meddle(request, response)) return;
    const { method, url: path, headers } = request;
    const { port } = new URL(azurite.endpoint);
    const onward = httpRequest({ host: '127.0.0.1', port, method, path, headers }, (answer) => {
      if (spoil(request, answer, response)) return;
      // A connection that another test has left half used is nothing to send the next request on.
      response.writeHead(answer.statusCode ?? 500, { ...answer.headers, connection: 'close' });
      answer.pipe(response);
    });
    request.pipe(onward);
  });

  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterAll(() => server.close());
  beforeEach(async () => {
    meddle = () => false;
    spoil = () => false;
    pauses = [];
    const { port } = server.address() as AddressInfo;
    container = clientOf(azuriteAt(`http://127.0.0.1:${port}`, () => Promise.resolve()).connectionString);
    await container.create();
    seen = [];
    store = storeIn(container, { pause: (wait) => Promise.resolve(void pauses.push(wait)) });
  });

  const answering =
    (status: number, headers: Record<string, string> = {}) =>
    (times: number) => {
      let left = times;
      meddle = (request, response) => {
        if (left === 0) return false;
        left -= 1;
        request.resume();
        response.writeHead(status, headers).end();
        return true;
      };
    };

  it('sends what fits into a block in one request, and the rest in blocks, each with its digest', async () => {
    const digests: unknown[] = [];
    meddle = ({ headers }) => {
      digests.push(headers['content-md5']);
      return false;
    };
    await store.write(one, piecesOf(Buffer.from('small')));
    expect(seen).toEqual(['PUT ']);
    seen = [];
    await store.write(blobName('clusters/a/2'), piecesOf(...[0, 1, 2].map(() => large.subarray(0, 3_000_000))));
    expect(seen).toEqual(['PUT block', 'PUT block', 'PUT blocklist']);
    expect(digests.slice(1, 3).every((digest) => typeof digest === 'string' && digest.length === 24)).toBe(true);
  });

  it('waits as long as it is told to', async () => {
    answering(503, { 'retry-after': '2', 'x-ms-error-code': 'ServerBusy' })(3);
    await store.write(one, piecesOf(Buffer.from('bytes')));
    expect(pauses).toEqual([2_000, 2_000, 2_000]);
    answering(429)(2);
    expect(String(await readAll(store, one))).toBe('bytes');
    expect(pauses.slice(3)).toEqual([200, 400]);
  });

  it.each([
    [
      'it is told to wait too long',
      503,
      { 'retry-after': '60', 'x-ms-error-code': 'ServerBusy' },
      1,
      /503 \(ServerBusy\)/,
    ],
    ['it is told so five times', 500, {}, 5, /answered 500\.$/],
    ['it is refused', 403, { 'x-ms-error-code': 'AuthorizationFailure' }, 1, /403 \(AuthorizationFailure\)/],
  ] as const)('says that blobs are not available when %s', async (_when, status, headers, requests, text) => {
    answering(status, headers)(9);
    for (const work of [
      () => store.write(one, piecesOf(Buffer.from('bytes'))),
      () => readAll(store, one),
      () => store.delete(one),
      () => store.list('')[Symbol.asyncIterator]().next(),
    ]) {
      seen = [];
      answering(status, headers)(9);
      await expect(work()).rejects.toMatchObject({
        name: 'BlobsUnavailableError',
        message: expect.stringMatching(text) as unknown,
      });
      expect(seen).toHaveLength(requests);
    }
    meddle = () => false;
    await expect(readAll(store, one)).rejects.toMatchObject({ name: 'BlobNotFoundError' });
  });

  it('tells a container that is gone from a blob that is gone', async () => {
    await container.delete();
    for (const work of [() => readAll(store, one), () => store.delete(one), () => store.write(one, piecesOf(large))])
      await expect(work()).rejects.toMatchObject({ name: 'BlobsUnavailableError' });
  });

  it('says that blobs are not available when nobody answers', async () => {
    meddle = (request) => {
      request.destroy();
      return true;
    };
    await expect(readAll(store, one)).rejects.toMatchObject({ name: 'BlobsUnavailableError' });
    expect(pauses).toEqual([200, 400, 800, 1600]);
  });

  it.each([5, large.length])(
    'takes what it has written for its own when the answer was lost, %i bytes',
    async (length) => {
      let lost = 0;
      spoil = (request, answer, response) => {
        if (lost > 0 || request.url?.includes('comp=block&') === true || request.method !== 'PUT') return false;
        lost += 1;
        answer.resume();
        response.destroy();
        return true;
      };
      expect(await store.write(one, piecesOf(large.subarray(0, length)))).toEqual({ length });
      expect(lost).toBe(1);
      expect((await readAll(store, one)).equals(large.subarray(0, length))).toBe(true);
      await expect(store.write(one, piecesOf(large.subarray(0, length)))).rejects.toBeInstanceOf(BlobExistsError);
    },
  );

  it('reads a piece again that broke off', async () => {
    await store.write(one, piecesOf(large));
    let cut = 0;
    spoil = (_request, answer, response) => {
      if (cut === 2) return false;
      cut += 1;
      response.writeHead(answer.statusCode ?? 500, answer.rawHeaders);
      answer.once('data', (piece: Buffer) => {
        response.write(piece.subarray(0, 1000), () => response.destroy());
        answer.destroy();
      });
      return true;
    };
    const target = Buffer.alloc(large.length);
    expect(await store.readInto(one, 0, target)).toBe(large.length);
    expect([cut, pauses.length, target.equals(large)]).toEqual([2, 2, true]);
  });

  it('lists more than a page', async () => {
    const names = Array.from({ length: 7 }, (_, at) => blobName(`many/${String(at).padStart(4, '0')}`));
    await Promise.all(names.map((name) => container.getBlockBlobClient(name).upload('x', 1)));
    seen = [];
    const found: string[] = [];
    for await (const { name } of storeIn(container, { pageBlobs: 3 }).list('many/')) found.push(name);
    expect(found).toEqual(names);
    expect(seen).toEqual(Array(3).fill('GET list'));
  });
});
