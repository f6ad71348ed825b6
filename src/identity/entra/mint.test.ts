import { decodeJwt } from 'jose';
import { describe, expect, it } from 'vitest';
import { startIdentity } from '../identity.fixture.ts';

const vault = 'https://vault.azure.net';

describe('tokens of managed identities', () => {
  it('name the resource that uses a user-assigned identity, and never one that a system-assigned identity is of', async () => {
    const { mintToken, managed, principals, tenant, verifyToken } = await startIdentity();
    const group = '/subscriptions/s/resourceGroups/g/providers';
    const resourceId = `${group}/Microsoft.ManagedIdentity/userAssignedIdentities/i`;
    const usedBy = `${group}/Microsoft.Kusto/clusters/c`;
    const assigned = await principals.create({
      ...{ tenantId: tenant.tenantId, kind: 'managedIdentity', displayName: 'i', resourceId },
    });
    const tokenOf = async (objectId: typeof managed.objectId): Promise<string> => {
      const minted = await mintToken(objectId, vault, usedBy);
      return minted.outcome === 'token' ? minted.token : '';
    };
    const own = await tokenOf(assigned.objectId);
    expect(decodeJwt(own)).toMatchObject({ xms_az_rid: usedBy, xms_mirid: resourceId });
    expect(await verifyToken(`Bearer ${own}`, [vault])).toMatchObject({
      caller: { managedIdentity: { resourceId, usedBy } },
    });
    expect(decodeJwt(await tokenOf(managed.objectId))).not.toHaveProperty('xms_az_rid');
  });
});
