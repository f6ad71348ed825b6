import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { groupName, startKustoFixture, subscriptionId } from '../../support/kusto-fixture.ts';
import type { KustoFixture } from '../../support/kusto-fixture.ts';

/** What Azure answered in recordings where a child or its parent is not there. */
let fixture: KustoFixture;
beforeEach(async () => {
  fixture = await startKustoFixture();
});
afterEach(() => fixture.close());

const clusters = `/subscriptions/${subscriptionId}/resourceGroups/${groupName}/providers/Microsoft.Kusto/clusters`;
const shown = clusters.replace('/clusters', '/Clusters');
const sku = { name: 'Standard_D13_v2', tier: 'Standard', capacity: 2 };

const make = async (): Promise<void> => {
  await fixture.send('PUT', `${clusters}/c1test?api-version=2024-04-13`, { location: 'westus2', sku });
  const database = { kind: 'ReadWrite', location: 'westus2' };
  await fixture.send('PUT', `${clusters}/c1test/databases/db1?api-version=2024-04-13`, database);
};
const refusal = async (method: string, path: string, body?: unknown): Promise<unknown> => {
  const answer = await fixture.send(method, `${clusters}${path}?api-version=2024-04-13`, body);
  return { status: answer.status, ...(answer.body as { error: Record<string, unknown> }).error };
};

describe('a child that is not there', () => {
  it.each([
    ['GET', '/c1test/databases/no', '/c1test/Databases/no'],
    ['PATCH', '/c1test/databases/no', '/c1test/Databases/no'],
    ['POST', '/c1test/databases/no/listPrincipals', '/c1test/Databases/no'],
    ['GET', '/c1test/databases/no/principalAssignments/p', '/c1test/Databases/no'],
    ['GET', '/c1test/databases/db1/principalAssignments/p', '/c1test/Databases/db1/PrincipalAssignments/p'],
    ['GET', '/c1test/principalAssignments/p', '/c1test/PrincipalAssignments/p'],
  ])('%s %s is told by its id', async (method, path, identifier) => {
    await make();
    expect(await refusal(method, path, method === 'GET' ? undefined : {})).toEqual({
      status: 404,
      code: 'ResourceNotFound',
      message: `The resource with identifier '${shown}${identifier}' is not found.`,
    });
  });

  it.each([
    ['/c1test/databases/c1test%2Fdb1', '/c1test/Databases/c1test'],
    ['/c1test/databases/c1test%2Fdb1/dataConnections/x', '/c1test/Databases/c1test'],
    ['/c1test/databases/db1/principalAssignments/..%2f..%2f..', '/c1test/Databases/db1/PrincipalAssignments/..'],
  ])('%s: no name has a slash, and the part before it names nothing', async (path, identifier) => {
    await make();
    expect(await refusal('GET', path)).toEqual({
      status: 404,
      code: 'ResourceNotFound',
      message: `The resource with identifier '${shown}${identifier}' is not found.`,
    });
  });
});

describe('a child whose cluster is not there', () => {
  const gone = (verb: string, type: string, parent: string) => ({
    status: 404,
    code: 'ParentResourceNotFound',
    message: `Failed to perform '${verb}' on resource(s) of type '${type}', because the parent resource '${clusters}${parent}' could not be found.`,
  });
  const assignments = 'clusters/databases/principalAssignments';

  it.each([
    ['DELETE', '/no/databases/d', gone('delete', 'clusters/databases', '/no')],
    ['GET', '/no/databases/d', gone('read', 'clusters/databases', '/no')],
    ['GET', '/no/databases', gone('read', 'clusters/databases', '/no')],
    ['PUT', '/no/databases/d', gone('write', 'clusters/databases', '/no')],
    ['POST', '/no/databases/d/listPrincipals', gone('action', 'clusters/databases', '/no')],
    ['DELETE', '/no/principalAssignments/p', gone('delete', 'clusters/principalAssignments', '/no')],
    ['GET', '/no/databases/d/principalAssignments/p', gone('read', assignments, '/no/databases/d')],
  ])('%s %s names its parent', async (method, path, expected) => {
    expect(await refusal(method, path, method === 'PUT' || method === 'POST' ? {} : undefined)).toEqual(expected);
  });

  it('an action on the cluster itself names the cluster', async () => {
    expect(await refusal('POST', '/no/checkNameAvailability', {})).toMatchObject({
      status: 404,
      code: 'ResourceNotFound',
      message: expect.stringContaining("'Microsoft.Kusto/clusters/no'") as string,
    });
  });
});
