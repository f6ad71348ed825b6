import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { CancelTimer } from '../../../src/clock/clock.ts';
import { failure, startVaultFixture } from '../../support/vault-fixture.ts';
import type { VaultFixture } from '../../support/vault-fixture.ts';

/** Time passes when the test says so. */
const waiting: (() => void)[] = [];
const monotonic = {
  after: (_milliseconds: number, run: () => void | Promise<void>): CancelTimer => {
    const entry = (): void => void run();
    waiting.push(entry);
    return () => void waiting.splice(0, waiting.length, ...waiting.filter((other) => other !== entry));
  },
};
const passes = (): void => {
  for (const run of waiting.splice(0)) run();
};

let vault: VaultFixture;
beforeAll(async () => {
  vault = await startVaultFixture({ deletionsTake: { milliseconds: 250, monotonic } });
  vault.addVault('deleting');
});
beforeEach(passes);
afterAll(() => vault.close());

const client = () => vault.keyClient('deleting');
const quick = { intervalInMs: 1 };

describe('a deletion takes a moment', () => {
  it('in which the key is neither live nor deleted', async () => {
    await client().createEcKey('between');
    const poller = await client().beginDeleteKey('between', quick);
    expect(poller.getOperationState()).toMatchObject({ isStarted: true });
    expect(poller.getOperationState().isCompleted).not.toBe(true);
    expect(await failure(client().getKey('between'))).toMatchObject({ statusCode: 404 });
    // The poller has looked once; whoever looks for the third time waits.
    expect(vault.wire).toContain('GET /deletedkeys/between 404');
    expect(await failure(client().getDeletedKey('between'))).toMatchObject({
      statusCode: 404,
      message: 'Deleted Key not found: between',
    });
    let found = false;
    const again = client()
      .getDeletedKey('between')
      .then(() => (found = true));
    const listed: string[] = [];
    for await (const { name } of client().listDeletedKeys()) listed.push(name);
    expect(listed).toEqual([]);
    expect(await failure(client().createEcKey('between'))).toMatchObject({
      statusCode: 409,
      message: 'Key between is currently being deleted.',
    });
    expect(found).toBe(false);
    passes();
    expect(await again).toBe(true);
    expect(await failure(client().createEcKey('between'))).toMatchObject({
      message: expect.stringContaining('deleted but recoverable state') as string,
    });
  });

  it('a poller that was stopped is resumed by another', async () => {
    await client().createEcKey('resumed');
    const poller = await client().beginDeleteKey('resumed', quick);
    await poller.poll();
    poller.stopPolling();
    expect(poller.getOperationState().isCompleted).not.toBe(true);
    const serialized = poller.toString();
    passes();
    const resumed = await client().beginDeleteKey('resumed', { ...quick, resumeFrom: serialized });
    expect((await resumed.pollUntilDone()).name).toBe('resumed');
    expect(vault.wire.filter((line) => line === 'DELETE /keys/resumed 200')).toHaveLength(1);
  });

  it('a recovery, too: two looks at the key find none, unless they name its version', async () => {
    const { properties } = await client().createEcKey('back');
    await client().beginDeleteKey('back', quick);
    passes();
    const poller = await client().beginRecoverDeletedKey('back', quick);
    expect(poller.getOperationState()).toMatchObject({ isStarted: true });
    await poller.poll();
    expect(poller.getOperationState().isCompleted).not.toBe(true);
    expect((await client().getKey('back', { version: properties.version ?? '' })).name).toBe('back');
    passes();
    expect((await poller.pollUntilDone()).name).toBe('back');
  });

  it('the recovery of a secret, too, as pollers of it look', async () => {
    const secrets = vault.secretClient('deleting');
    const { properties } = await secrets.setSecret('back', 'v');
    await secrets.beginDeleteSecret('back', quick);
    passes();
    const poller = await secrets.beginRecoverDeletedSecret('back', quick);
    await poller.poll();
    expect(poller.getOperationState().isCompleted).not.toBe(true);
    expect((await secrets.getSecret('back', { version: properties.version ?? '' })).value).toBe('v');
    passes();
    expect((await poller.pollUntilDone()).name).toBe('back');
  });

  it('and that of a certificate', async () => {
    const certificates = vault.certificateClient('deleting');
    await (
      await certificates.beginCreateCertificate('certified', { issuerName: 'Self', subject: 'CN=certified' }, quick)
    ).pollUntilDone();
    await certificates.beginDeleteCertificate('certified', quick);
    passes();
    const poller = await certificates.beginRecoverDeletedCertificate('certified', quick);
    await poller.poll();
    expect(poller.getOperationState().isCompleted).not.toBe(true);
    passes();
    expect((await poller.pollUntilDone()).name).toBe('certified');
  });

  it('a purge, too: nothing is restored in its place meanwhile', async () => {
    const { id } = await client().createEcKey('purged');
    const backup = (await client().backupKey('purged')) ?? Buffer.alloc(0);
    await client().beginDeleteKey('purged', quick);
    passes();
    await client().purgeDeletedKey('purged');
    expect(await failure(client().getDeletedKey('purged'))).toMatchObject({ statusCode: 404 });
    for (const look of [1, 2, 3]) {
      expect(await failure(client().restoreKeyBackup(backup)), `look ${String(look)}`).toMatchObject({
        ...{ statusCode: 409, code: 'Conflict' },
        message: `Conflict while restoring key ${id ?? ''} - key already exists or concurrent access`,
      });
    }
    passes();
    expect((await client().restoreKeyBackup(backup)).id).toBe(id);
  });

  it.each([
    ['DELETE', '', 204],
    ['POST', '/recover', 200],
  ] as const)('%s /deletedkeys/{name}%s waits for its end', async (method, path, status) => {
    const name = `waits${method}`;
    await client().createEcKey(name);
    await client().beginDeleteKey(name, quick);
    let answered = false;
    const reply = vault
      .raw(method, `/deletedkeys/${name}${path}?api-version=7.4`, { vault: 'deleting' })
      .then((answer) => ((answered = true), answer));
    await failure(client().getKey(name));
    expect(answered).toBe(false);
    passes();
    expect((await reply).status).toBe(status);
  });
});
