import { afterAll, beforeAll, expect } from 'vitest';
import type { ArmFixture, RawAnswer } from '../../support/arm-fixture.ts';
import type { ReadJson } from '../../../src/http/outward-json.ts';
import { startArm } from '../../support/arm-fixture.ts';

export const version = 'api-version=2024-11-01';
const schema = 'https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#';

export type Part = Record<string, unknown>;

export const template = (parts: Part): Part => ({
  $schema: schema,
  contentVersion: '1.0.0.0',
  resources: [],
  ...parts,
});

export const vault = (name: string, more: Part = {}): Part => ({
  type: 'Microsoft.KeyVault/vaults',
  apiVersion: '2023-07-01',
  name,
  location: '[resourceGroup().location]',
  properties: { tenantId: '[subscription().tenantId]', sku: { family: 'A', name: 'standard' }, accessPolicies: [] },
  ...more,
});

export const identity = (name: string, more: Part = {}): Part => ({
  type: 'Microsoft.ManagedIdentity/userAssignedIdentities',
  apiVersion: '2023-01-31',
  name,
  location: '[resourceGroup().location]',
  ...more,
});

export const bodyOf = (parts: Part, parameters: Part = {}, more: Part = {}): Part => ({
  properties: { mode: 'Incremental', template: template(parts), parameters, ...more },
});

interface DeploymentsFixture {
  readonly arm: ArmFixture;
  /** Of a deployment, with what follows its name. */
  readonly path: (name: string, verb?: string, group?: string) => string;
  readonly deploy: (
    name: string,
    parts: Part,
    parameters?: Part,
    more?: Part,
  ) => Promise<{ readonly first: RawAnswer; readonly last: RawAnswer }>;
}

/** Starts a resource manager with the groups `rg` and `other` before the tests of a suite. At its end nothing may have gone wrong in a
 * deployment that is no client's mistake. */
export function useDeployments(readContent?: ReadJson): DeploymentsFixture {
  let arm: ArmFixture;
  beforeAll(async () => {
    arm = await startArm(undefined, undefined, readContent);
    await arm.resourcesClient().resourceGroups.createOrUpdate('rg', { location: 'eastus' });
    await arm.resourcesClient().resourceGroups.createOrUpdate('other', { location: 'westus' });
  });
  afterAll(async () => {
    expect(arm.deploymentErrors).toEqual([]);
    await arm[Symbol.asyncDispose]();
  });
  const path = (name: string, verb = '', group = 'rg'): string =>
    `/subscriptions/${arm.subscriptionId}/resourceGroups/${group}/providers/Microsoft.Resources/deployments/${name}${verb}?${version}`;
  return {
    get arm() {
      return arm;
    },
    path,
    deploy: async (name, parts, parameters = {}, more = {}) => {
      const first = await arm.send('PUT', path(name), { body: bodyOf(parts, parameters, more) });
      await arm.deployments.quiet();
      return { first, last: await arm.send('GET', path(name)) };
    },
  };
}
