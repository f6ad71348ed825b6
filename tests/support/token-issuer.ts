import type { KeyObject } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { CompactSign } from 'jose';
import { parseHostName } from '../../src/base/names.ts';
import { createAuthorityMaterial, openAuthority } from '../../src/http/certificate-authority.ts';
import { quickRsaPair } from './quick-rsa-pairs.cjs';

export type Answer = (response: ServerResponse, request: IncomingMessage) => void;

/** An OpenID Connect issuer on this machine, as a cluster of containers or a pipeline has one. Its TLS root is its own. */
export async function startTokenIssuer() {
  const wallClock = (): number => Date.now();
  const authority = await openAuthority(await createAuthorityMaterial({ wallClock }), { wallClock });
  const localhost = parseHostName('localhost');
  if (localhost === undefined) throw new Error('localhost is a host name');
  const leaf = await authority.leafFor(localhost);
  const keys = new Map([['first', quickRsaPair()]]);
  const answers = new Map<string, Answer>();
  const asked: string[] = [];
  const server = createServer({ cert: leaf.chainPem, key: leaf.privateKeyPem }, (request, response) => {
    const path = request.url ?? '';
    asked.push(path);
    const answer = answers.get(path);
    if (answer === undefined) response.writeHead(404).end();
    else answer(response, request);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const issuer = `https://localhost:${port}`;
  const json =
    (make: () => unknown): Answer =>
    (response) =>
      void response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(make()));
  const keySet = () => ({
    keys: [...keys].map(([kid, { publicKey }]) => ({ ...publicKey.export({ format: 'jwk' }), kid, use: 'sig' })),
  });
  answers.set(
    '/.well-known/openid-configuration',
    json(() => ({ issuer, jwks_uri: `${issuer}/jwks` })),
  );
  answers.set('/jwks', json(keySet));
  return {
    ...{ issuer, port, caPem: authority.certificatePem, asked, answers, json },
    /** Adds a key under a name, or takes one away. */
    setKey: (kid: string, present: boolean): void => {
      if (present) keys.set(kid, quickRsaPair());
      else keys.delete(kid);
    },
    keyOf: (kid: string): KeyObject | undefined => keys.get(kid)?.privateKey,
    /** Signs a token for a workload, good for an hour. @param more claims in place of the usual ones */
    token: (subject: string, more: Readonly<Record<string, unknown>> = {}, kid = 'first'): Promise<string> => {
      const seconds = Math.floor(Date.now() / 1000);
      const claims = {
        iss: issuer,
        sub: subject,
        aud: ['api://AzureADTokenExchange'],
        iat: seconds,
        nbf: seconds - 60,
      };
      const key = keys.get(kid)?.privateKey;
      if (key === undefined) throw new Error(`no key ${kid}`);
      const text = JSON.stringify({ ...claims, exp: seconds + 3600, ...more });
      return new CompactSign(Buffer.from(text)).setProtectedHeader({ alg: 'RS256', kid }).sign(key);
    },
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

export type TokenIssuer = Awaited<ReturnType<typeof startTokenIssuer>>;
