import { generateKeyPairSync, sign } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ControlClient } from '../../src/cli/control-client.ts';
import { requireInstance } from '../../src/cli/control-client.ts';
import { askEvents } from '../../src/cli/audit/event-query.ts';
import { canonicalJson } from '../../src/base/canonical-json.ts';
import { sha256Hex } from '../../src/base/sha256.ts';
import { proofDomain } from '../../src/server/proof-domain.ts';
import { fingerprintOf } from '../../src/server/proof-key.ts';
import { checkSignature, signReport } from '../../src/cli/proof/signature.ts';
import { findVaultSigner, signWithVault } from '../../src/cli/proof/vault-signature.ts';
import type { ShredCertificate } from '../../src/cli/shred/certificate.ts';
import { readCertificate, writeCertificate } from '../../src/cli/shred/certificate-file.ts';
import { shred } from '../../src/cli/shred/shred.ts';
import type { AzureCalls } from '../../src/server/azure-calls.ts';
import { azureCalls } from '../../src/server/azure-calls.ts';
import { defaultSeed, seed } from '../../src/server/seed.ts';
import { startServerFixture } from '../support/server-fixture.ts';

// Keys are destroyed as a user would, in virtual time: what the certificate says at each moment, and that the vault's rules stay.

const kusto = '2024-04-13';
let fixture: Awaited<ReturnType<typeof startServerFixture>>;
let client: ControlClient;
let calls: AzureCalls;
const files = mkdtempSync(join(tmpdir(), 'kustody-shred-'));

beforeAll(async () => {
  fixture = await startServerFixture();
  client = await requireInstance(fixture.directory);
  calls = azureCalls(fixture.environment);
  const subscription = `/subscriptions/${fixture.environment.subscriptionId}`;
  await calls.arm('PUT', `${subscription}/resourceGroups/kustody`, '2024-11-01', { location: 'eastus' });
});
afterAll(async () => {
  await fixture[Symbol.asyncDispose]();
  rmSync(files, { recursive: true, force: true });
});

const group = (): string => `/subscriptions/${fixture.environment.subscriptionId}/resourceGroups/kustody/providers`;

/** A cluster with rows under a key of its own, which it takes each new version of. */
async function stage(cluster: string): Promise<void> {
  const { clusterUri } = await seed(fixture.environment, { ...defaultSeed, cluster, vault: `${cluster}-keys` });
  await calls.command(clusterUri, 'db', '.set-or-append T <| range A from 1 to 10 step 1 | extend B = "secret"');
}

const keyOf = (name: string): string => `https://signing-keys.vault.azure.net/keys/${name}`;

interface Run {
  readonly advanceClock?: boolean;
  readonly answer?: boolean;
  readonly signWith?: string;
  readonly written?: () => Promise<void> | void;
}

/** As the command does it, with the file on the disk. @returns also whether it asked */
async function run(cluster: string, { advanceClock = false, answer = true, signWith }: Run = {}) {
  const file = join(files, `${cluster}.json`);
  let asked = false;
  const certificate = await shred(
    client,
    {
      ...{ clusters: [cluster], advanceClock, before: await readCertificate(client, file, signWith) },
      ...(signWith === undefined ? {} : { signWith }),
    },
    {
      confirm: () => {
        asked = true;
        return Promise.resolve(answer);
      },
      write: (signed) => writeCertificate(file, JSON.stringify(signed)),
    },
  );
  const written: unknown = JSON.parse(readFileSync(file, 'utf8'));
  expect(written).toEqual(JSON.parse(JSON.stringify(certificate)));
  expect(checkSignature(written, undefined)).toMatchObject({ ok: true });
  return { certificate, asked };
}

const summary = ({ status, keys, attempts }: ShredCertificate) => ({
  status,
  keys: keys.map(({ key, state }) => `${key.replace('https://', '')} ${state}`),
  attempts: attempts.map(({ table, outcome, error }) => `${table} ${outcome} ${error ?? ''}`),
});

const keyStatus = async (vault: string, path: string): Promise<number> =>
  (await calls.vault(vault)('GET', `${path}?api-version=7.4`, undefined, [404])) === undefined ? 404 : 200;

describe('a signature of a vault key', () => {
  it('is made by the sign operation, with EC and RSA, and never with a key that data is under', async () => {
    await calls.arm('PUT', `${group()}/Microsoft.KeyVault/vaults/signing-keys`, '2023-02-01', {
      location: 'eastus',
      properties: {
        ...{ tenantId: fixture.environment.tenantId, sku: { family: 'A', name: 'standard' } },
        enableRbacAuthorization: false,
        accessPolicies: [
          {
            ...{ tenantId: fixture.environment.tenantId, objectId: fixture.environment.objectId },
            permissions: { keys: ['get', 'create', 'sign'] },
          },
        ],
      },
    });
    const environment = await client.environment();
    for (const [name, body] of [
      ['curve', { kty: 'EC', crv: 'P-256K' }],
      ['number', { kty: 'RSA', key_size: 2048 }],
      ['other', { kty: 'RSA', key_size: 2048, key_ops: ['wrapKey'] }],
    ] as const)
      await calls.vault('signing-keys')('POST', `/keys/${name}/create?api-version=7.4`, body);
    for (const name of ['curve', 'number']) {
      const signer = await findVaultSigner(environment, keyOf(name), new Set([keyOf('other')]));
      const signed = await signReport(client, { ok: true }, (digest) => signWithVault(environment, signer, digest));
      expect(checkSignature(signed, signer.fingerprint)).toMatchObject({ ok: true, kid: signer.kid });
      expect(checkSignature({ ...signed, ok: false }, undefined)).toMatchObject({ ok: false });
    }
    await expect(findVaultSigner(environment, `${keyOf('Other')}/`, new Set([keyOf('other')]))).rejects.toThrow(
      /Data is under the key/,
    );
    const other = await findVaultSigner(environment, keyOf('other'), new Set());
    await expect(signWithVault(environment, other, '0'.repeat(64))).rejects.toThrow(/The vault does not sign/);
    await expect(findVaultSigner(environment, 'https://nowhere.vault.azure.net/keys/k', new Set())).rejects.toThrow(
      /has no vault/,
    );
  });
});

describe('kustody shred', () => {
  it('deletes the earlier keys of a cluster with the one in use, is pending until they are purged, then says destroyed', async () => {
    await stage('gone');
    const vault = calls.vault('gone-keys');
    await vault('POST', '/keys/second/create?api-version=7.4', { kty: 'RSA', key_size: 2048 });
    await vault('POST', '/keys/unused/create?api-version=7.4', { kty: 'RSA', key_size: 2048 });
    const id = group();
    await calls.arm('PATCH', `${id}/Microsoft.Kusto/clusters/gone`, kusto, {
      properties: {
        keyVaultProperties: {
          ...{ keyName: 'second', keyVaultUri: 'https://gone-keys.vault.azure.net/', keyVersion: '' },
          userIdentity: `${id}/Microsoft.ManagedIdentity/userAssignedIdentities/gone-identity`,
        },
      },
    });
    const { events } = await askEvents(client, { vault: 'gone-keys', operation: 'KeyUnwrap' }, { last: '1' });
    expect(JSON.stringify(events[0]?.event['identity']).toLowerCase()).toContain(
      `"xms_az_rid":"${id}/microsoft.kusto/clusters/gone"`.toLowerCase(),
    );

    const own = 'https://gone-keys.vault.azure.net/keys/cluster-key';
    await expect(run('gone', { signWith: own })).rejects.toThrow(/Data is under the key/);
    await expect(run('gone', { answer: false })).rejects.toThrow('Nothing was deleted.');
    expect(await keyStatus('gone-keys', '/keys/second')).toBe(200);

    const first = await run('gone');
    const pending = {
      status: 'pending',
      keys: ['cluster-key', 'second'].map((name) => `gone-keys.vault.azure.net/keys/${name} deleted`),
      attempts: ['T refused 503 ClusterSuspended'],
    };
    expect(summary(first.certificate)).toEqual(pending);
    expect(first.certificate.control?.tables).toMatchObject([{ table: 'T', opened: 1, listed: 1 }]);
    const days = (Date.parse(first.certificate.pendingUntil ?? '') - Date.now()) / 86_400_000;
    expect(days).toBeGreaterThan(89);
    expect(await keyStatus('gone-keys', '/keys/unused')).toBe(200);

    const again = await run('gone');
    expect(again.asked).toBe(false);
    expect(summary(again.certificate)).toEqual(pending);

    const last = await run('gone', { advanceClock: true });
    expect(summary(last.certificate)).toEqual({
      ...pending,
      status: 'destroyed',
      keys: ['cluster-key', 'second'].map((name) => `gone-keys.vault.azure.net/keys/${name} purged`),
    });
    expect(last.certificate.reasons).toEqual([]);
    expect(await keyStatus('gone-keys', '/deletedkeys/second')).toBe(404);
    expect(await keyStatus('gone-keys', '/keys/unused')).toBe(200);

    // Another key under a name that is free again is nobody's business.
    await vault('POST', '/keys/second/create?api-version=7.4', { kty: 'RSA', key_size: 2048 });
    expect(summary((await run('gone')).certificate)).toMatchObject({ status: 'destroyed' });
    expect(await keyStatus('gone-keys', '/keys/second')).toBe(200);
  });

  it('never says destroyed while a backup of a key is in the audit, and goes on after an end in the middle', async () => {
    await stage('kept');
    const vault = calls.vault('kept-keys');
    await vault('POST', '/keys/cluster-key/backup?api-version=7.4');
    const backup = { kind: 'backup', of: 'https://kept-keys.vault.azure.net/keys/cluster-key' };
    const file = join(files, 'kept.json');
    // Ended after it had written what it would do, and deleted the key: nothing else was kept.
    const killed = shred(
      client,
      { clusters: ['kept'], advanceClock: false, before: undefined },
      {
        confirm: () => Promise.resolve(true),
        write: (signed) => {
          writeCertificate(file, JSON.stringify(signed));
          throw new Error('killed');
        },
      },
    );
    await expect(killed).rejects.toThrow('killed');
    await vault('DELETE', '/keys/cluster-key?api-version=7.4');
    // From here on a key of a vault signs, of which there is a new version meanwhile.
    const signWith = keyOf('evidence');
    for (let version = 0; version < 2; version += 1)
      await calls.vault('signing-keys')('POST', '/keys/evidence/create?api-version=7.4', { kty: 'EC', crv: 'P-256' });
    const { certificate, asked } = await run('kept', { advanceClock: true, signWith });
    expect(asked).toBe(false);
    const signer = await findVaultSigner(await client.environment(), signWith, new Set());
    expect(checkSignature(JSON.parse(readFileSync(file, 'utf8')), signer.fingerprint)).toMatchObject({
      ...{ ok: true, kid: signer.kid },
    });
    await calls.vault('signing-keys')('POST', '/keys/evidence/create?api-version=7.4', { kty: 'EC', crv: 'P-256' });
    for (const other of [undefined, keyOf('curve')])
      await expect(readCertificate(client, file, other)).rejects.toThrow(/is no certificate that this instance/);
    expect(await readCertificate(client, file, signWith)).toEqual(certificate);
    // Somebody else's key under the name of ours.
    const { signature, ...unsigned } = certificate;
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const der = publicKey.export({ format: 'der', type: 'spki' });
    const bytes = Buffer.from(`${proofDomain}${sha256Hex(canonicalJson(unsigned))}\n${signer.kid}`);
    const forged = {
      ...{ ...signature, publicKey: der.toString('base64'), fingerprint: fingerprintOf(der) },
      value: sign('sha256', bytes, { key: privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64'),
    };
    expect(checkSignature({ ...unsigned, signature: forged }, undefined)).toMatchObject({ ok: true });
    writeCertificate(file, JSON.stringify({ ...unsigned, signature: forged }));
    await expect(readCertificate(client, file, signWith)).rejects.toThrow(/is no certificate that this instance/);
    expect(certificate).toMatchObject({ status: 'notDestroyed', copies: [backup], keys: [{ state: 'purged' }] });
    expect(certificate.control?.tables).toMatchObject([{ table: 'T', opened: 1 }]);
    expect(summary(certificate).attempts).toEqual(['T refused 503 ClusterSuspended']);
  });
});
