import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newGuid } from '../../../src/base/new-guid.ts';
import { systemRandomBytes } from '../../../src/base/random.ts';
import { MemoryStateStore } from '../../../src/state/memory/memory-state-store.ts';
import type { VaultFault } from '../../../src/vault/faults.ts';
import { failure, newCaller, startVaultFixture } from '../../support/vault-fixture.ts';
import type { VaultFixture } from '../../support/vault-fixture.ts';

let fault: VaultFault | undefined;
let held = false;
let compactions = 0;
const faulted: unknown[] = [];
const store = new MemoryStateStore();
let vault: VaultFixture;
beforeAll(async () => {
  vault = await startVaultFixture({
    store,
    purgesHeld: () => held,
    compact: () => {
      compactions += 1;
      return Promise.resolve();
    },
    fault: (name, operation) => {
      faulted.push([name, operation]);
      return fault;
    },
  });
  vault.addVault('testvault');
});
afterAll(() => vault.close());

const version = '?api-version=7.4';
const dayMs = 86_400_000;
const tables = ['vault-keys', 'vault-key-versions', 'vault-private-keys'];
const idsOnDisk = async (part: string): Promise<string[]> => {
  const records = await Promise.all(tables.map((table) => store.list(table)));
  return records
    .flat()
    .map((record) => record.id)
    .filter((id) => id.includes(part));
};

describe('faults', () => {
  it('429 and 5xx come before the challenge, with Retry-After', async () => {
    fault = { status: 429, retryAfterSeconds: 7 };
    faulted.length = 0;
    const reply = await vault.raw('POST', `/keys/k/${'0'.repeat(32)}/unwrapkey${version}`, { token: null });
    expect(faulted).toEqual([['testvault', 'UnwrapKey']]);
    expect(reply).toMatchObject({
      status: 429,
      headers: { 'retry-after': '7' },
      json: {
        error: {
          code: 'Throttled',
          message:
            'Request was not processed because too many requests were received. Reason: VaultRequestTypeLimitReached',
        },
      },
    });
    fault = { status: 503 };
    const error = await failure(vault.keyClient('testvault').getKey('k'));
    expect([error.statusCode, error.code]).toEqual([503, 'ServiceUnavailable']);
    fault = undefined;
  });

  it('a vault that is down breaks the connection', async () => {
    fault = 'drop';
    await expect(vault.raw('GET', `/keys${version}`)).rejects.toThrow(/socket hang up|ECONNRESET/);
    fault = undefined;
    expect((await vault.raw('GET', `/keys${version}`)).status).toBe(200);
  });
});

describe('retention', () => {
  async function deleteKey(name: string, retentionDays: number): Promise<void> {
    vault.addVault(`days-${retentionDays}`, { retentionDays, purgeProtection: true });
    const client = vault.keyClient(`days-${retentionDays}`);
    await client.createRsaKey(name);
    await client.createRsaKey(name);
    await (await client.beginDeleteKey(name, { intervalInMs: 1 })).pollUntilDone();
  }

  it('removes a key with all its versions from disk when its time is over', async () => {
    await deleteKey('long', 30);
    await deleteKey('short', 7);
    expect(await idsOnDisk('/short')).toHaveLength(5);
    compactions = 0;
    await vault.clock.advance(7 * dayMs);
    expect(await idsOnDisk('/short')).toEqual([]);
    expect(compactions).toBe(1);
    expect(await idsOnDisk('/long')).toHaveLength(5);
    await vault.clock.advance(23 * dayMs);
    expect(await idsOnDisk('/long')).toEqual([]);
  });

  it('after a restart too: the records are the truth, not the timers', async () => {
    await deleteKey('restarted', 8);
    await vault.plane.close(); // as the end of the process would
    await vault.clock.advance(8 * dayMs);
    expect(await idsOnDisk('/restarted')).toHaveLength(5);
    const path = `/deletedkeys/restarted${version}`;
    expect((await vault.raw('GET', path, { vault: 'days-8' })).status).toBe(404);
    await vault.plane.startRetention();
    expect(await idsOnDisk('/restarted')).toEqual([]);
  });

  it('a name whose time is over can be used again before anything was swept up', async () => {
    await deleteKey('reused', 9);
    await vault.plane.close();
    await vault.clock.advance(9 * dayMs);
    await vault.keyClient('days-9').createRsaKey('reused');
    expect(await idsOnDisk('/reused')).toHaveLength(3);
  });

  it('while purges are held nothing is over, and the key can be recovered', async () => {
    await deleteKey('held', 10);
    held = true;
    await vault.clock.advance(11 * dayMs);
    const client = vault.keyClient('days-10');
    expect((await failure(client.createRsaKey('held'))).statusCode).toBe(409);
    await (await client.beginRecoverDeletedKey('held', { intervalInMs: 1 })).pollUntilDone();
    held = false;
    await vault.plane.startRetention();
    expect((await client.getKey('held')).name).toBe('held');
  });

  it('purging a vault removes its keys, deleted ones too, and no others', async () => {
    const doomed = vault.addVault('doomed');
    const client = vault.keyClient('doomed');
    for (const name of ['live', 'deleted']) await client.createRsaKey(name);
    await (await client.beginDeleteKey('deleted', { intervalInMs: 1 })).pollUntilDone();
    const others = (await idsOnDisk('')).length - (await idsOnDisk(doomed.vaultId)).length;
    expect(others).toBeGreaterThan(0);
    await vault.plane.purgeVaultContents(doomed.vaultId);
    expect(await idsOnDisk(doomed.vaultId)).toEqual([]);
    expect(await idsOnDisk('')).toHaveLength(others);
  });

  it('private keys are sealed on disk', async () => {
    const [record] = await store.list('vault-private-keys');
    expect(record?.value.length).toBeGreaterThan(1000);
    expect(Buffer.from(record?.value ?? []).toString('latin1')).not.toMatch(/pkcs8|format/);
  });
});

describe('a vault as Kustody has for its own keys', () => {
  it('serves its principal, in a tenant that customers are not in, and destroys keys at once', async () => {
    const tenantId = newGuid(systemRandomBytes);
    const service = newCaller(tenantId);
    const permissions = { keys: ['create', 'delete', 'wrapKey', 'unwrapKey'] };
    const accessPolicies = [{ tenantId, objectId: service.objectId, permissions }];
    vault.addVault('service', { tenantId, accessPolicies, softDelete: false });
    const client = vault.keyClient('service', service);
    const key = await client.createRsaKey('cluster-1');
    const user = vault.cryptographyClient(key, service);
    const { result } = await user.wrapKey('RSA-OAEP-256', Buffer.alloc(32, 1));
    expect(Buffer.from((await user.unwrapKey('RSA-OAEP-256', result)).result)).toEqual(Buffer.alloc(32, 1));
    expect((await vault.raw('GET', `/keys${version}`, { vault: 'service' })).status).toBe(401);
    compactions = 0;
    await client.beginDeleteKey('cluster-1');
    expect(compactions).toBe(1);
    expect(await idsOnDisk('/cluster-1')).toEqual([]);
    expect((await failure(user.unwrapKey('RSA-OAEP-256', result))).code).toBe('KeyNotFound');
  });
});
