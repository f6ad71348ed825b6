import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startServerFixture } from '../../support/server-fixture.ts';

let fixture: Awaited<ReturnType<typeof startServerFixture>>;
beforeAll(async () => {
  fixture = await startServerFixture();
});
afterAll(() => fixture[Symbol.asyncDispose]());

const rawNames = (host: string, path: string, token: string): Promise<readonly string[]> =>
  new Promise((resolve, reject) => {
    const { port, caFile } = fixture.server;
    request(
      {
        ...{ host: '127.0.0.1', port, servername: host, ca: readFileSync(caFile), agent: false, path },
        headers: { host, authorization: `Bearer ${token}` },
      },
      (response) => {
        response.resume();
        resolve(response.rawHeaders.filter((_item, at) => at % 2 === 0));
      },
    )
      .on('error', reject)
      .end();
  });

describe('names of headers', () => {
  it.each([
    ['login.microsoftonline.com', '/common/v2.0/.well-known/openid-configuration', []],
    ['management.azure.com', '/subscriptions?api-version=2022-12-01', []],
    ['management.azure.com', '/subscriptions', []],
    ['graph.microsoft.com', '/v1.0/organization', ['request-id', 'client-request-id']],
  ])('of %s%s are written as in Azure', async (host, path, lower) => {
    const names = await rawNames(host, path, await fixture.tokenFor('https://management.azure.com'));
    const others = names.filter((name) => !name.startsWith('x-ms-') && !(lower as readonly string[]).includes(name));
    expect(others).toEqual(expect.arrayContaining(['Content-Type', 'Content-Length', 'Date']));
    for (const name of others) expect(name).toMatch(/^(ETag|WWW-Authenticate|[A-Z][a-z0-9]*(-[A-Z][A-Za-z0-9]*)*)$/);
  });
});
