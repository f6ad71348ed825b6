import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { State } from '../../../src/state/state.ts';
import { StateConflictError } from '../../../src/state/state-store.ts';
import { readVaultAudit } from '../../../src/vault/audit.ts';
import type { VaultAuditRecord } from '../../../src/vault/audit.ts';
import { startVaultFixture } from '../../support/vault-fixture.ts';
import type { VaultFixture } from '../../support/vault-fixture.ts';

type Commit = Parameters<State['commit']>[0];

/** Commits go through `before`, which may throw. */
let before: (commit: Commit) => void | Promise<void> = () => undefined;
const watched = (state: State): State => ({
  get: (table, id) => state.get(table, id),
  list: (table, options) => state.list(table, options),
  commit: async (commit) => {
    await before(commit);
    await state.commit(commit);
  },
});

let vault: VaultFixture;
let kid = '';
let wrapped = '';
beforeAll(async () => {
  vault = await startVaultFixture({ watched });
  vault.addVault('testvault');
  kid = (await vault.keyClient('testvault').createRsaKey('k')).id ?? '';
  const reply = await vault.raw('POST', `/keys/k/wrapkey${version}`, { body: { alg: 'RSA-OAEP-256', value: secret } });
  wrapped = (reply.json as { value: string }).value;
});
beforeEach(() => {
  before = () => undefined;
});
afterAll(() => vault.close());

const version = '?api-version=7.4';
const secret = Buffer.from('a secret that no record may hold').toString('base64url');
const unwrap = () =>
  vault.raw('POST', `/keys/k/unwrapkey${version}`, { body: { alg: 'RSA-OAEP-256', value: wrapped } });

async function audit(): Promise<readonly VaultAuditRecord[]> {
  return (await readVaultAudit(vault.state)).records.map((record) => record.value);
}

describe('audit records', () => {
  it('say who did what with which key version and how it ended, without values', async () => {
    const reply = await unwrap();
    const last = (await audit()).at(-1);
    expect(last).toEqual({
      time: '2031-03-04T05:06:07.000Z',
      vaultId: vault.vaults.get('testvault')?.vaultId,
      vaultName: 'testvault',
      operation: 'UnwrapKey',
      kid,
      status: 200,
      caller: {
        objectId: vault.caller.objectId,
        appId: vault.caller.appId,
        tenantId: vault.tenantId,
        displayName: 'test application',
      },
      clientAddress: '127.0.0.1',
      requestId: reply.headers['x-ms-request-id'],
      correlationId: expect.any(String) as string,
    });
    const everything = JSON.stringify(await audit());
    expect(everything).not.toContain(secret);
    expect(everything).not.toContain(wrapped);
  });

  it('cover refusals, with the kid that was asked for', async () => {
    await vault.raw('GET', `/keys/not-there/${'a'.repeat(32)}${version}`);
    expect((await audit()).at(-1)).toMatchObject({
      operation: 'GetKey',
      kid: `https://testvault.vault.azure.net/keys/not-there/${'a'.repeat(32)}`,
      status: 404,
      error: { code: 'KeyNotFound' },
    });
    vault.addVault('forbidden', { accessPolicies: [] });
    await vault.raw('GET', `/keys${version}`, { vault: 'forbidden' });
    expect((await audit()).at(-1)).toMatchObject({
      operation: 'GetKeys',
      status: 403,
      error: { code: 'Forbidden', inner: 'ForbiddenByPolicy' },
    });
  });

  it('are in the order in which things happened, and can be read in pieces and by vault', async () => {
    const other = vault.addVault('other');
    await vault.raw('GET', `/keys${version}`, { vault: 'other' });
    for (let i = 0; i < 12; i++) await vault.raw('GET', `/keys/n${i}${version}`);
    const all = await readVaultAudit(vault.state);
    const kids = all.records.slice(-12).map((record) => record.value.kid?.split('/').at(-1));
    expect(kids).toEqual(Array.from({ length: 12 }, (_, i) => `n${i}`));
    const pieces: unknown[] = [];
    let after: string | undefined;
    do {
      const piece = await readVaultAudit(vault.state, { limit: 5, ...(after === undefined ? {} : { after }) });
      pieces.push(...piece.records);
      after = piece.next;
    } while (after !== undefined);
    expect(pieces).toEqual(all.records);
    const ofOther = await readVaultAudit(vault.state, { vaultId: other.vaultId });
    expect(ofOther.records.map((record) => record.value.operation)).toEqual(['GetKeys']);
  });

  it('are in the same commit as the change they record', async () => {
    const commits: string[][] = [];
    before = (commit) => void commits.push(commit.write.map((write) => write.table.name));
    await vault.raw('POST', `/keys/another/create${version}`, { body: { kty: 'RSA' } });
    expect(commits).toEqual([['vault-private-keys', 'vault-key-versions', 'vault-keys', 'vault-audit']]);
  });
});

describe('when the record cannot be made durable', () => {
  it.each([
    ['UnwrapKey', unwrap],
    ['GetKey', () => vault.raw('GET', `/keys/k${version}`)],
    ['a refusal', () => vault.raw('GET', `/keys/missing${version}`)],
  ])('%s: answers 500 and gives nothing away', async (_name, call) => {
    before = () => {
      throw new Error('the disk is full');
    };
    const reply = await call();
    expect(reply.status).toBe(500);
    expect(reply.json).toEqual({ error: { code: 'InternalServerError', message: 'An internal error occurred.' } });
    before = () => undefined;
    expect((await call()).status).not.toBe(500);
  });
});

describe('when a key changes between reading it and the commit', () => {
  it('UnwrapKey starts anew and sees that the key is disabled', async () => {
    await vault.raw('POST', `/keys/racing/create${version}`, { body: { kty: 'RSA' } });
    const body = { alg: 'RSA-OAEP-256', value: secret };
    const { value } = (await vault.raw('POST', `/keys/racing/wrapkey${version}`, { body })).json as { value: string };
    let disabling: Promise<unknown> | undefined;
    const held: { release?: () => void } = {};
    const untilDisabled = new Promise<void>((resolve) => (held.release = resolve));
    before = async (wanted) => {
      const isUnwrap = wanted.write.length === 1 && disabling === undefined;
      if (!isUnwrap) return;
      disabling = vault.raw('PATCH', `/keys/racing${version}`, { body: { attributes: { enabled: false } } });
      void disabling.then(() => held.release?.());
      await untilDisabled;
    };
    const reply = await vault.raw('POST', `/keys/racing/unwrapkey${version}`, { body: { alg: 'RSA-OAEP-256', value } });
    expect(reply).toMatchObject({ status: 403, json: { error: { innererror: { code: 'KeyDisabled' } } } });
  });

  it('gives up after some conflicts, with 409', async () => {
    before = (commit) => {
      if (commit.write.length > 1) throw new StateConflictError('vault-keys', 'k');
    };
    const reply = await vault.raw('PATCH', `/keys/k${version}`, { body: { tags: {} } });
    expect(reply).toMatchObject({ status: 409, json: { error: { code: 'Conflict' } } });
  });

  it('CreateKey: many at the same time all become versions, one key each', async () => {
    const create = () => vault.raw('POST', `/keys/busy/create${version}`, { body: { kty: 'RSA' } });
    const replies = await Promise.all([create(), create(), create(), create()]);
    expect(replies.map((reply) => reply.status)).toEqual([200, 200, 200, 200]);
    const listed = await vault.raw('GET', `/keys/busy/versions${version}`);
    expect((listed.json as { value: unknown[] }).value).toHaveLength(4);
  });
});
