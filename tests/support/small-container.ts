import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

/** As much of a container of Azure Blob Storage as a Kustody with few rows asks for, in memory: blobs of one request each, whole or by a range,
 * lists of one page. Takes any signature. It can fall silent. */
export interface SmallContainer {
  /** URL with a signature. */
  readonly url: string;
  readonly blobs: Map<string, Buffer>;
  /** Requests that wait for an answer. */
  readonly waiting: number;
  /** Connections are taken and requests read from now on, and nothing is answered or done until `answer`. */
  hang(): void;
  /** Every request is refused with this status until `answer`. */
  refuse(status: number): void;
  answer(): void;
  close(): Promise<void>;
}

const xml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

export async function startSmallContainer(): Promise<SmallContainer> {
  const blobs = new Map<string, Buffer>();
  let hung: Promise<void> | undefined;
  let release = (): void => undefined;
  let waiting = 0;
  let refusal: number | undefined;
  const refuse = (response: ServerResponse, status: number, code: string): void => {
    response.writeHead(status, { 'x-ms-error-code': code, 'content-type': 'application/xml' });
    response.end(`<?xml version="1.0" encoding="utf-8"?><Error><Code>${code}</Code><Message>${code}</Message></Error>`);
  };
  const list = (response: ServerResponse, prefix: string): void => {
    const found = [...blobs].filter(([name]) => name.startsWith(prefix)).toSorted(([a], [b]) => (a < b ? -1 : 1));
    const items = found.map(
      ([name, { length }]) =>
        `<Blob><Name>${xml(name)}</Name><Properties><Content-Length>${length}</Content-Length></Properties></Blob>`,
    );
    response.writeHead(200, { 'content-type': 'application/xml' });
    response.end(
      `<?xml version="1.0" encoding="utf-8"?><EnumerationResults><Blobs>${items.join('')}</Blobs><NextMarker /></EnumerationResults>`,
    );
  };
  const read = (response: ServerResponse, blob: Buffer, range: string): void => {
    const [, from = '0', to = String(blob.length - 1)] = /^bytes=(\d+)-(\d+)?$/.exec(range) ?? [];
    const bytes = blob.subarray(Number(from), Number(to) + 1);
    if (bytes.length === 0) {
      refuse(response, 416, 'InvalidRange');
      return;
    }
    const told = `bytes ${from}-${Number(from) + bytes.length - 1}/${blob.length}`;
    response.writeHead(206, { 'content-range': told, 'content-length': bytes.length, etag: '"1"' });
    response.end(bytes);
  };
  const answer = (request: IncomingMessage, response: ServerResponse, body: Buffer): void => {
    if (refusal !== undefined) {
      refuse(response, refusal, 'RefusedForNow');
      return;
    }
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://x');
    const name = decodeURIComponent(pathname.split('/').slice(2).join('/'));
    if (searchParams.get('comp') === 'list') {
      list(response, searchParams.get('prefix') ?? '');
      return;
    }
    const blob = blobs.get(name);
    if (request.method === 'PUT' && searchParams.get('comp') === null) {
      if (blob !== undefined) {
        refuse(response, 409, 'BlobAlreadyExists');
        return;
      }
      blobs.set(name, body);
      response.writeHead(201, { 'content-md5': createHash('md5').update(body).digest('base64') }).end();
    } else if (request.method === 'DELETE' && blobs.delete(name)) response.writeHead(202).end();
    else if (request.method === 'GET' && blob !== undefined)
      read(response, blob, String(request.headers['x-ms-range'] ?? request.headers.range ?? 'bytes=0-'));
    else refuse(response, blob === undefined ? 404 : 400, blob === undefined ? 'BlobNotFound' : 'NotBuiltHere');
  };
  const server = createServer((request, response) => {
    request.on('error', () => undefined);
    void (async () => {
      const body = await buffer(request);
      waiting += 1;
      await hung;
      waiting -= 1;
      answer(request, response, body);
    })().catch(() => response.destroy());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/container?sv=2024-11-04&sig=any`,
    blobs,
    get waiting() {
      return waiting;
    },
    hang: () => void (hung = new Promise((resolve) => (release = resolve))),
    refuse: (status) => void (refusal = status),
    answer: () => {
      refusal = undefined;
      hung = undefined;
      release();
    },
    close: async () => {
      release();
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
