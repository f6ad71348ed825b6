import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HostName } from '../../src/base/names.ts';
import { createAuthorityMaterial, openAuthority } from '../../src/http/certificate-authority.ts';
import type { Azurite } from './azurite.ts';
import { azuriteAt, startAzurite } from './azurite.ts';

/** Azurite that reads tokens (`--oauth basic`: issuer, audience and times), which it does over TLS alone. */
export interface TokenStorage {
  /** By http on loopback: what comes here is passed on as it is. */
  readonly azurite: Azurite;
  /** What the tokens said that came along, in order. */
  readonly claims: Readonly<Record<string, unknown>>[];
}

export async function startTokenStorage(): Promise<TokenStorage> {
  const directory = await mkdtemp(join(tmpdir(), 'token-storage-'));
  const [cert, key] = [join(directory, 'cert.pem'), join(directory, 'key.pem')];
  const wallClock = { wallClock: () => Date.now() };
  const authority = await openAuthority(await createAuthorityMaterial(wallClock), wallClock);
  const { chainPem, privateKeyPem } = await authority.issueFor(['localhost' as HostName]);
  await Promise.all([writeFile(cert, chainPem), writeFile(key, privateKeyPem)]);
  const behind = await startAzurite(['--oauth', 'basic', '--cert', cert, '--key', key]);
  const claims: Record<string, unknown>[] = [];
  const front = createServer((request, response) => {
    const [, token] = /^Bearer [^.]+\.([^.]+)\./.exec(request.headers.authorization ?? '') ?? [];
    if (token !== undefined)
      claims.push(JSON.parse(Buffer.from(token, 'base64url').toString()) as Record<string, unknown>);
    const { method, headers, url } = request;
    const passed = httpsRequest(
      new URL(String(url), behind.endpoint),
      { method, headers, ca: authority.certificatePem, servername: 'localhost' },
      (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(response);
      },
    );
    passed.on('error', () => response.destroy());
    request.pipe(passed);
  }).listen(0, '127.0.0.1');
  await once(front, 'listening');
  const azurite = azuriteAt(`http://127.0.0.1:${(front.address() as AddressInfo).port}`, async () => {
    front.closeAllConnections();
    front.close();
    await behind.stop();
    await rm(directory, { recursive: true });
  });
  return { azurite, claims };
}
