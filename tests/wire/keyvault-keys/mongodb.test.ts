import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { waitMs } from '../../support/hang.ts';
import { hasModules, pythonIn } from '../../support/python.ts';
import { startServerFixture } from '../../support/server-fixture.ts';

interface Outcome {
  /** Data keys as the application's database would hold them. */
  readonly keys: readonly string[];
  readonly sealed?: string;
  readonly opened?: boolean;
  readonly keyNames?: readonly string[];
  readonly failed?: string;
}

const vaultHost = 'mongo-keys.vault.azure.net';
const has = hasModules(pythonIn('mongodb'), ['pymongocrypt', 'bson']);

describe.skipIf(!has)('client-side encryption of MongoDB', () => {
  let fixture: Awaited<ReturnType<typeof startServerFixture>>;
  let vault: (method: string, path: string, body: unknown) => Promise<void>;

  beforeAll(async () => {
    fixture = await startServerFixture();
    const { subscriptionId, tenantId, objectId } = fixture.environment;
    const tokens = {
      arm: await fixture.tokenFor('https://management.azure.com'),
      vault: await fixture.tokenFor('https://vault.azure.net'),
    };
    const send = async (host: string, token: string, method: string, path: string, body: unknown): Promise<void> => {
      const answer = await fixture.send({ host, method, path, token, body });
      if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
    };
    const group = `/subscriptions/${subscriptionId}/resourceGroups/rg1`;
    const arm = (path: string, body: unknown) => send('management.azure.com', tokens.arm, 'PUT', path, body);
    await arm(`${group}?api-version=2021-04-01`, { location: 'eastus' });
    const permissions = { keys: ['create', 'update', 'wrapKey', 'unwrapKey'] };
    await arm(`${group}/providers/Microsoft.KeyVault/vaults/mongo-keys?api-version=2023-02-01`, {
      location: 'eastus',
      properties: {
        ...{ tenantId, sku: { family: 'A', name: 'standard' } },
        accessPolicies: [{ tenantId, objectId, permissions }],
      },
    });
    vault = (method, path, body) => send(vaultHost, tokens.vault, method, `${path}?api-version=7.4`, body);
    for (const name of ['first', 'second']) await vault('POST', `/keys/${name}/create`, { kty: 'RSA', key_size: 2048 });
  });
  afterAll(() => fixture[Symbol.asyncDispose]());

  const run = (asked: Record<string, unknown>): Promise<Outcome> =>
    new Promise((resolve, reject) => {
      const { server, environment } = fixture;
      const client = execFile(
        pythonIn('mongodb'),
        [join(import.meta.dirname, 'mongodb.client.py')],
        { env: { PATH: process.env['PATH'] }, timeout: waitMs },
        (error, stdout, stderr) => {
          if (error) reject(new Error(stderr, { cause: error }));
          else resolve(JSON.parse(stdout) as Outcome);
        },
      );
      const azure = {
        tenantId: environment.tenantId,
        clientId: environment.clientId,
        clientSecret: environment.clientSecret,
      };
      client.stdin?.end(
        JSON.stringify({ port: server.port, caFile: server.caFile, vault: vaultHost, azure, ...asked }),
      );
    });

  it('makes, opens and rewraps a data key', async () => {
    const made = await run({ do: 'create', key: 'first' });
    expect(made).toEqual({ keys: [expect.any(String)], sealed: expect.any(String) as string });
    const { keys, sealed } = made;
    expect(await run({ do: 'open', keys, sealed })).toMatchObject({ opened: true });
    const rewrapped = await run({ do: 'rewrap', key: 'second', keys });
    expect(rewrapped.keyNames).toEqual(['second']);
    expect(rewrapped.keys).not.toEqual(keys);
    await vault('PATCH', '/keys/first', { attributes: { enabled: false } });
    expect((await run({ do: 'open', keys, sealed })).failed).toContain('HTTP status=403');
    expect(await run({ do: 'open', keys: rewrapped.keys, sealed })).toMatchObject({ opened: true });
  });
});
