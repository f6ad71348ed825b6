import { beforeEach, describe, expect, it } from 'vitest';
import { armResources, resourceRecordId } from '../arm/resource.ts';
import type { Guid } from '../base/guid.ts';
import { newGuid } from '../base/new-guid.ts';
import { systemRandomBytes } from '../base/random.ts';
import type { Principal } from '../identity/principals/principal.ts';
import type { Principals } from '../identity/principals/principals.ts';
import { openPrincipals } from '../identity/principals/principals.ts';
import { MemoryStateStore } from '../state/memory/memory-state-store.ts';
import { RootKey } from '../state/root-key.ts';
import { SealedState } from '../state/sealed/sealed-state.ts';
import type { State } from '../state/state.ts';
import { writeRecord } from '../state/state.ts';
import { stateTables } from './state-tables.ts';
import { createOwnPrincipals } from './own-principals.ts';

const clusterId = '/subscriptions/s/resourceGroups/g/providers/Microsoft.Kusto/clusters/c';
const identityId =
  '/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/worker';
const credentialId = `${identityId}/federatedIdentityCredentials/fc`;

describe('what a principal does is the doing of this server', () => {
  let state: State;
  let principals: Principals;
  let isOwn: ReturnType<typeof createOwnPrincipals>;
  let givenAway: Set<Guid>;
  beforeEach(async () => {
    const randomBytes = systemRandomBytes;
    const parts = { store: new MemoryStateStore(), rootKey: new RootKey(randomBytes(32)), randomBytes };
    state = await SealedState.open({ ...parts, tables: stateTables, keptOpenMax: 100 }); // as a server has it
    principals = openPrincipals(state, randomBytes);
    givenAway = new Set();
    isOwn = createOwnPrincipals({ state, principals }, (objectId) => givenAway.has(objectId));
  });
  const newPrincipal = (kind: 'application' | 'managedIdentity', resourceId?: string): Promise<Principal> =>
    principals.create({
      ...{ tenantId: newGuid(systemRandomBytes), displayName: 'p', kind },
      ...(resourceId === undefined ? {} : { resourceId }),
    });
  const newWorker = () => newPrincipal('managedIdentity', identityId);
  const credential = {
    ...{ id: credentialId, name: 'fc', createdAt: '2026-01-01T00:00:00.000Z', changedAt: '2026-01-01T00:00:00.000Z' },
    type: 'Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials',
    properties: { issuer: 'https://oidc.example.org', subject: 's', audiences: ['api://AzureADTokenExchange'] },
  };

  it('when it is a managed identity, and not when it is an application or nobody', async () => {
    expect(await isOwn(await newPrincipal('managedIdentity', clusterId))).toBe(true);
    expect(await isOwn(await newWorker())).toBe(true);
    expect(await isOwn(await newPrincipal('application'))).toBe(false);
    expect(await isOwn({ objectId: newGuid(systemRandomBytes) })).toBe(false);
  });

  it('unless somebody has had a token of it', async () => {
    const worker = await newWorker();
    expect(await isOwn(worker)).toBe(true);
    givenAway.add(worker.objectId);
    expect(await isOwn(worker)).toBe(false);
  });

  it('unless somebody is trusted with it, from the moment on', async () => {
    const worker = await newWorker();
    expect(await isOwn(worker)).toBe(true);
    const id = resourceRecordId(credentialId);
    await state.commit({ write: [writeRecord(armResources, id, null, credential)] });
    expect(await isOwn(worker)).toBe(false);
    const found = await state.get(armResources, id);
    await state.commit({ write: [writeRecord(armResources, id, found?.version ?? null, null)] });
    expect(await isOwn(worker)).toBe(true);
  });
});
