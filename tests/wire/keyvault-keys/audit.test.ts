import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { State } from '../../../src/state/state.ts';
import { writeRecord } from '../../../src/state/state.ts';
import { StateConflictError } from '../../../src/state/state-store.ts';
import { azureEvent } from '../../../src/audit/azure-event.ts';
import { recordedEvents, vaultEvents } from '../../support/audit-events.ts';
import { auditedNameOf } from '../../../src/vault/audited-operation.ts';
import { vaultKeyVersions } from '../../../src/vault/keys/key-records.ts';
import { vaultOperations } from '../../../src/vault/plane/vault-operations.ts';
import { encodeToken, startVaultFixture } from '../../support/vault-fixture.ts';
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

const audit = () => vaultEvents(vault.state);

describe('audit records', () => {
  it('say who did what with which key version and how it ended, without values, in the schema of the service', async () => {
    const reply = await unwrap();
    const last = (await recordedEvents(vault.state)).at(-1);
    if (last === undefined) throw new Error('it was recorded');
    expect(last.requestId).toBe(reply.headers['x-ms-request-id']);
    const settings = vault.vaults.get('testvault');
    expect(azureEvent(last)).toEqual({
      time: '2031-03-04T05:06:07.000Z',
      category: 'AuditEvent',
      operationName: 'KeyUnwrap',
      operationVersion: '7.4',
      resultType: 'Success',
      resultSignature: 'OK',
      resultDescription: '',
      durationMs: expect.stringMatching(/^\d+$/) as string,
      callerIpAddress: '127.0.0.1',
      correlationId: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
      resourceId: settings?.resourceId.toUpperCase(),
      identity: {
        claim: {
          'http://schemas.microsoft.com/identity/claims/objectidentifier': vault.caller.objectId,
          'http://schemas.microsoft.com/identity/claims/tenantid': vault.tenantId,
          appid: vault.caller.appId,
        },
      },
      properties: {
        id: kid,
        requestUri: 'https://testvault.vault.azure.net/keys/k/unwrapkey?api-version=7.4',
        httpStatusCode: 200,
        isAccessPolicyMatch: true,
      },
    });
    const everything = JSON.stringify(await audit());
    expect(everything).not.toContain(secret);
    expect(everything).not.toContain(wrapped);
  });

  it('hold the client, cut and printable, and nothing else of what it sent', async () => {
    const agent = `tool/1 ${'x'.repeat(400)}`;
    const query = `${version}&token=do-not-keep-me`;
    await vault.raw('GET', `/keys/k${query}`, { headers: { 'user-agent': agent } });
    const last = (await audit()).at(-1);
    expect(last?.clientInfo).toBe(agent.slice(0, 256));
    expect(JSON.stringify(last)).not.toContain('do-not-keep-me');
  });

  it('tell callers and clients apart that ask the same', async () => {
    const others = [vault.caller, { ...vault.caller, displayName: 'renamed' }, { ...vault.caller, groupIds: [] }];
    const agents = ['one', 'two', 'one'];
    for (const [at, caller] of others.entries()) {
      const token = encodeToken({ audience: 'https://vault.azure.net', caller });
      await vault.raw('GET', `/keys/k${version}`, { token, headers: { 'user-agent': agents[at] ?? '' } });
    }
    const last = (await audit()).slice(-3);
    expect(last.map(({ caller, clientInfo }) => [caller.displayName, clientInfo])).toEqual([
      ['test application', 'one'],
      ['renamed', 'two'],
      ['test application', 'one'],
    ]);
    expect(new Set(last.map(({ requestId }) => requestId)).size).toBe(3);
  });

  it('cover refusals, with the kid that was asked for', async () => {
    await vault.raw('GET', `/keys/not-there/${'a'.repeat(32)}${version}`);
    expect((await audit()).at(-1)).toMatchObject({
      operation: 'KeyGet',
      id: `https://testvault.vault.azure.net/keys/not-there/${'a'.repeat(32)}`,
      status: 404,
      error: { code: 'KeyNotFound' },
    });
    vault.addVault('forbidden', { accessPolicies: [] });
    await vault.raw('GET', `/keys${version}`, { vault: 'forbidden' });
    expect((await audit()).at(-1)).toMatchObject({
      operation: 'KeyList',
      status: 403,
      error: { code: 'Forbidden', inner: 'ForbiddenByPolicy' },
    });
    const event = (await recordedEvents(vault.state)).at(-1);
    expect(event && azureEvent(event)).toMatchObject({
      resultType: 'Failed',
      resultSignature: 'Forbidden',
      resultDescription: 'Forbidden: ForbiddenByPolicy',
      properties: { httpStatusCode: 403, id: 'https://forbidden.vault.azure.net/' },
    });
  });

  it('are in the order in which things happened, and can be told apart by vault', async () => {
    const other = vault.addVault('other');
    await vault.raw('GET', `/keys${version}`, { vault: 'other' });
    for (let i = 0; i < 12; i++) await vault.raw('GET', `/keys/n${i}${version}`);
    const ids = (await audit()).slice(-12).map(({ id }) => id?.split('/').at(-1));
    expect(ids).toEqual(Array.from({ length: 12 }, (_, i) => `n${i}`));
    const ofOther = await vaultEvents(vault.state, other.vaultId);
    expect(ofOther.map(({ operation }) => operation)).toEqual(['KeyList']);
  });

  it('are in the same commit as the change they record', async () => {
    const commits: string[][] = [];
    before = (commit) => void commits.push(commit.write.map((write) => write.table.name));
    await vault.raw('POST', `/keys/another/create${version}`, { body: { kty: 'RSA' } });
    const change = ['vault-private-keys', 'vault-key-versions', 'vault-keys'];
    expect(commits).toEqual([[...change, 'audit-chain', 'audit-head']]);
  });

  it('call every operation as the service does', () => {
    const own = vaultOperations.filter(({ handle, id }) => handle !== undefined && auditedNameOf(id) === id);
    expect(own).toEqual([]);
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
    let disabled = false;
    before = async (wanted) => {
      if (disabled || !wanted.write.some(({ table }) => table.name === 'audit-chain')) return;
      disabled = true;
      const all = await vault.state.list(vaultKeyVersions);
      const racing = all.find(({ id }) => id.includes('/racing/'));
      if (racing === undefined) throw new Error('the key was made');
      const put = { ...racing.value, enabled: false };
      await vault.state.commit({ write: [writeRecord(vaultKeyVersions, racing.id, racing.version, put)] });
    };
    const reply = await vault.raw('POST', `/keys/racing/unwrapkey${version}`, { body: { alg: 'RSA-OAEP-256', value } });
    expect(reply).toMatchObject({ status: 403, json: { error: { innererror: { code: 'KeyDisabled' } } } });
  });

  it('gives up after some conflicts, with 409', async () => {
    before = (commit) => {
      if (commit.write.length > 2) throw new StateConflictError('vault-keys', 'k');
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
