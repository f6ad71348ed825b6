import { createServer, get } from 'node:http';
import type { RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { defaultEdgeLimits, httpLimits } from './edge-limits.ts';

/** @returns names as they went over the wire */
async function namesOf(listener: RequestListener): Promise<readonly string[]> {
  const server = createServer(httpLimits(defaultEdgeLimits), listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  try {
    return await new Promise((resolve, reject) => {
      get({ host: '127.0.0.1', port, agent: false }, (response) => {
        response.resume();
        resolve(response.rawHeaders.filter((_item, at) => at % 2 === 0));
      }).on('error', reject);
    });
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

describe('names of headers', () => {
  const sent = {
    'content-type': 'text/plain',
    'www-authenticate': 'Bearer',
    etag: '"1"',
    'x-ms-request-id': '1',
    'azure-asyncoperation': 'https://x',
    'x-content-type-options': 'nosniff',
    'RETRY-AFTER': '1',
  };
  const names = [
    ...['Content-Type', 'WWW-Authenticate', 'ETag', 'x-ms-request-id', 'Azure-AsyncOperation'],
    ...['X-Content-Type-Options', 'Retry-After'],
  ];

  it('are those of Azure, however they are set', async () => {
    expect(await namesOf((_request, response) => response.writeHead(200, sent).end())).toEqual(
      expect.arrayContaining(names),
    );
    expect(await namesOf((_request, response) => response.writeHead(200, 'Fine', sent).end())).toEqual(
      expect.arrayContaining(names),
    );
    expect(
      await namesOf((_request, response) => {
        for (const [name, value] of Object.entries(sent)) response.setHeader(name, value);
        response.writeHead(200, { 'content-length': 2 });
        response.end('ok');
      }),
    ).toEqual(expect.arrayContaining([...names, 'Content-Length']));
    expect(await namesOf((_request, response) => response.writeHead(200, Object.entries(sent).flat()).end())).toEqual(
      expect.arrayContaining(names),
    );
  });
});
