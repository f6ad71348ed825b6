import type { EvaluationFacts } from '../expressions/facts.ts';

const subscriptionId = '10000000-0000-0000-0000-000000000000';
const tenantId = '20000000-0000-0000-0000-000000000000';
const groupId = `/subscriptions/${subscriptionId}/resourceGroups/group`;

/** A deployment in a resource group, for the examples of functions. */
export const exampleFacts: EvaluationFacts = {
  work: { left: 1_000_000_000 },
  scope: { kind: 'resourceGroup', id: groupId },
  resourceGroup: {
    id: groupId,
    name: 'group',
    type: 'Microsoft.Resources/resourceGroups',
    location: 'eastus',
    properties: {},
  },
  subscription: { id: `/subscriptions/${subscriptionId}`, subscriptionId, tenantId, displayName: 'Kustody' },
  tenant: { tenantId },
  deployment: { name: 'deployment', properties: {} },
  deployer: { objectId: '30000000-0000-0000-0000-000000000000', tenantId },
  now: 1_767_225_600_000,
  randomBytes: (length) => new Uint8Array(length),
  resourceTypes: () => [],
  resourceNamed: () => undefined,
  resourcesOfLoop: () => undefined,
  answered: () => undefined,
};
