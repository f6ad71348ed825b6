import { describe, expect, it } from 'vitest';
import type { Json } from '../../base/json.ts';
import { isJsonObject } from '../../base/json.ts';
import { systemRandomBytes } from '../../base/random.ts';
import { instant } from '../../clock/clock.ts';
import type { State, Table } from '../../state/state.ts';
import { writeRecord } from '../../state/state.ts';
import { memoryState, startIdentity } from '../identity.fixture.ts';
import { createManagedIdentities } from './managed-identities.ts';
import { openTenants } from '../tenants.ts';
import { isSecret, newClientSecret } from './client-secret.ts';
import { openPrincipals } from './principals.ts';

const later = instant(Date.UTC(2030, 0, 1));

describe('client secrets', () => {
  it('are 256 random bits that start with a letter or digit and pass through forms unchanged', () => {
    for (let n = 0; n < 50; n++) {
      const { text, stored } = newClientSecret(systemRandomBytes, later);
      expect(text).toMatch(/^[A-Za-z0-9]{3}~[A-Za-z0-9_-]{43}$/);
      expect(stored.hint).toBe(text.slice(0, 3));
      expect(isSecret(text, stored)).toBe(true);
      expect(isSecret(`${text} `, stored)).toBe(false);
      expect(isSecret('', stored)).toBe(false);
    }
  });

  it('are not to be found in the state', async () => {
    const { state, secret, principals, application } = await startIdentity();
    const written: unknown[] = [];
    const watching: State = {
      get: (table, id) => state.get(table, id),
      list: (table, options) => state.list(table, options),
      commit: (commit) => {
        written.push(...commit.write.map((write) => write.put));
        return state.commit(commit);
      },
    };
    const added = await openPrincipals(watching, systemRandomBytes).addSecret(application.objectId, later);
    const stored = JSON.stringify([written, await principals.get(application.objectId)]);
    for (const text of [secret, added?.secret ?? 'none']) {
      expect(stored).not.toContain(text);
      expect(stored).not.toContain(text.slice(4));
    }
  });
});

describe('principals', () => {
  it('are found by application id in their own tenant only', async () => {
    const { principals, application, tenants, wall } = await startIdentity();
    const other = await tenants.create({
      displayName: 'Other',
      domains: ['other.example'],
      hidden: false,
      createdAt: wall.now,
    });
    expect(await principals.findByAppId(application.tenantId, application.appId)).toMatchObject({
      objectId: application.objectId,
    });
    expect(await principals.findByAppId(other.tenantId, application.appId)).toBeUndefined();
  });

  it('lose one secret and keep the others', async () => {
    const { principals, application, secret, secretKeyId } = await startIdentity();
    const second = await principals.addSecret(application.objectId, later);
    await principals.removeSecret(application.objectId, secretKeyId ?? application.objectId);
    const left = (await principals.get(application.objectId))?.secrets ?? [];
    expect(left.map((stored) => stored.keyId)).toEqual([second?.keyId]);
    expect(left.some((stored) => isSecret(secret, stored))).toBe(false);
  });

  it('keep every secret when two are added at the same time', async () => {
    const { principals, application } = await startIdentity();
    await Promise.all([1, 2, 3].map(() => principals.addSecret(application.objectId, later)));
    expect((await principals.get(application.objectId))?.secrets).toHaveLength(4);
  });

  it('are deleted with their application id, and deleting again is no error', async () => {
    const { principals, application } = await startIdentity();
    await principals.delete(application.objectId);
    await principals.delete(application.objectId);
    expect(await principals.get(application.objectId)).toBeUndefined();
    expect(await principals.findByAppId(application.tenantId, application.appId)).toBeUndefined();
    expect(await principals.addSecret(application.objectId, later)).toBeUndefined();
  });

  it('refuse a client secret for a managed identity', async () => {
    const { principals, managed } = await startIdentity();
    await expect(principals.addSecret(managed.objectId, later)).rejects.toThrow(/only applications/);
  });

  it('refuse a record of a newer format', async () => {
    const { state, application, principals } = await startIdentity();
    const table: Table<Json> = { name: 'principal', parse: (value) => value };
    const found = await state.get(table, application.objectId);
    const newer = { ...(isJsonObject(found?.value) ? found.value : {}), format: 2 };
    await state.commit({ write: [writeRecord(table, application.objectId, found?.version ?? null, newer)] });
    await expect(principals.get(application.objectId)).rejects.toMatchObject({
      name: 'SealedRecordError',
      cause: { message: expect.stringContaining('newer Kustody') as string },
    });
  });
});

describe('managed identities', () => {
  it('are principals of their resource until deleted', async () => {
    const { principals, tenant } = await startIdentity();
    const identities = createManagedIdentities(principals, tenant.tenantId);
    const { objectId, clientId } = await identities.create('c1', '/subscriptions/s/x');
    expect(await principals.get(objectId)).toMatchObject({
      kind: 'managedIdentity',
      appId: clientId,
      resourceId: '/subscriptions/s/x',
    });
    await identities.delete(objectId);
    await identities.delete(objectId);
    expect(await principals.get(objectId)).toBeUndefined();
  });
});

describe('tenants', () => {
  it('are found by id and by domain in any case, hidden ones not at all', async () => {
    const tenants = openTenants(await memoryState(), systemRandomBytes);
    const createdAt = later;
    const shown = await tenants.create({ displayName: 'A', domains: ['A.Example'], hidden: false, createdAt });
    const hidden = await tenants.create({ displayName: 'B', domains: ['b.example'], hidden: true, createdAt });
    expect(await tenants.find('a.EXAMPLE')).toEqual(shown);
    expect(await tenants.find(shown.tenantId.toUpperCase())).toEqual(shown);
    expect(await tenants.find('b.example')).toBeUndefined();
    expect(await tenants.find(hidden.tenantId)).toBeUndefined();
    expect(await tenants.get(hidden.tenantId)).toEqual(hidden);
  });

  it('do not share a domain', async () => {
    const tenants = openTenants(await memoryState(), systemRandomBytes);
    const tenant = { displayName: 'A', domains: ['a.example'], hidden: false, createdAt: later };
    await tenants.create(tenant);
    await expect(tenants.create(tenant)).rejects.toThrow(/one tenant only/);
  });
});
