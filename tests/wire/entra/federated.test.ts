import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseAllowedHost } from '../../../src/http/allowed-hosts.ts';
import { createOutwardReader } from '../../../src/http/outward-json.ts';
import { silentLog } from '../../../src/http/logging.ts';
import { python, pythonHas } from '../../support/python.ts';
import type { TokenIssuer } from '../../support/token-issuer.ts';
import { startTokenIssuer } from '../../support/token-issuer.ts';
import { startEntra } from './entra-edge.fixture.ts';

type Outcomes = Readonly<Record<string, { readonly token?: string; readonly message?: string }>>;
const hasPython = pythonHas('azure.identity');
const subject = 'system:serviceaccount:default:app';

/** Unchanged clients in their own process, with the token of an issuer elsewhere in a file. */
describe('sign-in with a token of a trusted issuer', () => {
  let issuer: TokenIssuer;
  let entra: Awaited<ReturnType<typeof startEntra>>;
  let directory: string;
  const answers: Record<string, Outcomes> = {};
  const resourceId =
    '/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/worker';

  beforeAll(async () => {
    issuer = await startTokenIssuer();
    const allowed = parseAllowedHost(`localhost:${issuer.port}`);
    const allowedHosts = allowed === undefined ? [] : [allowed];
    entra = await startEntra(silentLog, createOutwardReader({ allowedHosts, ca: issuer.caPem }));
    const { tenantId } = entra.tenant;
    const worker = await entra.principals.create({
      ...{ tenantId, displayName: 'worker', kind: 'managedIdentity', resourceId },
    });
    const trust = { issuer: issuer.issuer, subject, audience: 'api://AzureADTokenExchange' };
    entra.identityTrust.set(resourceId, [trust]);
    directory = await mkdtemp(join(tmpdir(), 'kustody-federated-'));
    const files = [join(directory, 'token'), join(directory, 'other')] as const;
    await writeFile(files[0], await issuer.token(subject));
    await writeFile(files[1], await issuer.token('system:serviceaccount:default:other'));
    const args = [tenantId, worker.appId, ...files];
    answers['js'] = (await entra.runClient(process.execPath, ['federated.client.mjs', ...args])) as Outcomes;
    if (hasPython) answers['python'] = (await entra.runClient(python, ['federated.client.py', ...args])) as Outcomes;
  });
  afterAll(async () => {
    await entra.close();
    await issuer.close();
    await rm(directory, { recursive: true });
  });

  describe.each(['js', ...(hasPython ? ['python'] : [])])('by azure-identity of %s', (client) => {
    it.each(['workload', 'default', 'assertion'])('gives a token: %s', async (name) => {
      const { token = '', message } = answers[client]?.[name] ?? {};
      expect(message).toBeUndefined();
      expect(decodeJwt(token)).toMatchObject({ xms_mirid: resourceId });
      expect(await entra.verifyToken(`Bearer ${token}`, ['https://vault.azure.net'])).toMatchObject({
        outcome: 'valid',
      });
    });

    it('is refused for another subject', () => {
      expect(answers[client]?.['other']?.message).toContain(
        'AADSTS700213: No matching federated identity record found for presented assertion subject',
      );
    });
  });

  it('asks the issuer once for all of them', () => {
    expect(issuer.asked).toEqual(['/.well-known/openid-configuration', '/jwks']);
  });
});
