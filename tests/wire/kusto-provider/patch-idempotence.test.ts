import fc from 'fast-check';
import { expect, it } from 'vitest';
import { testGuid } from '../../support/fake-cluster-keys.ts';
import { groupName, startKustoFixture, subscriptionId } from '../../support/kusto-fixture.ts';

const sku = (capacity: number): object => ({ name: 'Standard_E2ads_v5', tier: 'Standard', capacity });
const path = `/subscriptions/${subscriptionId}/resourceGroups/${groupName}/providers/Microsoft.Kusto/clusters/c1test?api-version=2024-04-13`;
const user = `/subscriptions/${subscriptionId}/resourceGroups/${groupName}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/u1`;

const key = fc.constantFrom(
  null,
  {},
  { keyName: 'a', keyVaultUri: 'https://v.vault.azure.net' },
  { keyName: 'a', keyVaultUri: 'https://v.vault.azure.net/', keyVersion: 'a'.repeat(32) },
  { keyName: 'b', keyVaultUri: 'https://v.vault.azure.net', keyVersion: '', userIdentity: user },
  { keyName: '', keyVaultUri: '' },
);
const identity = fc.constantFrom(
  { type: 'None' },
  { type: 'SystemAssigned' },
  { type: 'SystemAssigned,UserAssigned', userAssignedIdentities: { [user]: {} } },
  { type: 'SystemAssigned, UserAssigned', userAssignedIdentities: { [user.toUpperCase()]: null } },
  { type: 'UserAssigned', userAssignedIdentities: { [user]: {} } },
);
const change = fc.record(
  {
    tags: fc.dictionary(fc.constantFrom('a', 'b'), fc.constantFrom('1', '2')),
    sku: fc.integer({ min: 2, max: 4 }).map(sku),
    identity,
    zones: fc.constantFrom([], ['1'], ['1', '2']),
    properties: fc.record(
      { keyVaultProperties: key, enablePurge: fc.boolean(), enableStreamingIngest: fc.boolean() },
      { requiredKeys: [] },
    ),
  },
  { requiredKeys: [] },
);

it('Clusters_Update: whatever a PATCH asks, asking the same again is 200 and changes nothing', async () => {
  const fixture = await startKustoFixture();
  fixture.userAssigned.set(user.toLowerCase(), { principalId: testGuid('b'), clientId: testGuid('d') });
  try {
    expect((await fixture.send('PUT', path, { location: 'eastus', sku: sku(2) })).status).toBe(201);
    await fc.assert(
      fc.asyncProperty(change, async (body) => {
        const before = await fixture.send('GET', path);
        const first = await fixture.send('PATCH', path, body);
        const shown = await fixture.send('GET', path);
        const second = await fixture.send('PATCH', path, body);
        if (first.status === 400) {
          expect(shown.body).toEqual(before.body);
          expect(second).toMatchObject({ status: 400, body: first.body });
        } else {
          expect([200, 202]).toContain(first.status);
          expect(second.status).toBe(200);
          expect(second.body).toEqual(shown.body);
        }
        // Every principal that exists belongs to the cluster that is shown.
        const { identity: now } = shown.body as { readonly identity?: { readonly principalId?: string } };
        expect([...fixture.principals]).toEqual(now?.principalId === undefined ? [] : [now.principalId]);
      }),
      { numRuns: 60 },
    );
  } finally {
    await fixture.close();
  }
});
