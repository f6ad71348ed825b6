import { beforeAll, describe, expect, it } from 'vitest';
import { newGuid } from '../../../src/base/new-guid.ts';
import { systemRandomBytes } from '../../../src/base/random.ts';
import type { Caller } from '../../../src/authz/caller.ts';
import { builtInRole } from '../../../src/authz/role-definitions.ts';
import type { ArmFixture } from '../../support/arm-fixture.ts';
import { identity, template, useDeployments, version } from './deployments.fixture.ts';

// Nobody has a role of the whole tenant before an administrator has taken the first.

const base = '/providers/Microsoft.Resources/deployments';
const authorization = '/providers/Microsoft.Authorization';

describe('deployments of the tenant', () => {
  const fixture = useDeployments();
  let arm: ArmFixture;
  let as: Caller;
  beforeAll(async () => {
    arm = fixture.arm;
    as = arm.addUser('administrator');
    arm.administrators.add(as.objectId);
    const elevated = await arm.send('POST', `${authorization}/elevateAccess?api-version=2016-07-01`, { as });
    expect(elevated.status).toBe(200);
  });

  /** An identity in a group of the subscription, by a template within the one of the tenant. */
  const body = () => ({
    location: 'eastus',
    properties: {
      mode: 'Incremental',
      template: template({
        resources: [
          {
            ...{ type: 'Microsoft.Resources/deployments', apiVersion: '2022-09-01', name: 'below' },
            ...{ subscriptionId: arm.subscriptionId, resourceGroup: 'rg' },
            properties: {
              mode: 'Incremental',
              template: template({ resources: [identity('of-the-tenant', { location: 'eastus' })] }),
            },
          },
        ],
        outputs: {
          group: { type: 'string', value: '[tenant().tenantId]' },
        },
      }),
    },
  });
  const made = () =>
    `/subscriptions/${arm.subscriptionId}/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/of-the-tenant`;

  it('are validated and foretold, make what they say, and are listed, exported and deleted', async () => {
    expect((await arm.send('PUT', `${base}/t?${version}`, { body: body() })).status).toBe(403);
    const send = (method: string, path: string, sent?: object) =>
      arm.send(method, `${base}${path}?${version}`, { as, ...(sent === undefined ? {} : { body: sent }) });
    // Who gives roles has not what they give.
    expect((await send('POST', '/t/validate', body())).status).toBe(403);
    const owner = `${authorization}/roleAssignments/${newGuid(systemRandomBytes)}?api-version=2022-04-01`;
    const { roleDefinitionId } = builtInRole('Owner');
    const properties = { roleDefinitionId, principalId: as.objectId, principalType: 'User' };
    expect((await arm.send('PUT', owner, { as, body: { properties } })).status).toBe(201);
    expect(await send('POST', '/t/validate', body())).toMatchObject({ status: 200, body: { location: 'eastus' } });
    const foretold = await send('POST', '/t/whatIf', body());
    expect(foretold.status).toBe(202);
    const { pathname, search } = new URL(String(foretold.headers['location']));
    const answer = await arm.send('GET', pathname + search, { as });
    expect(answer, answer.text).toMatchObject({
      status: 200,
      body: { status: 'Succeeded', properties: { changes: [{ changeType: 'Create', resourceId: made() }] } },
    });
    // OperationResults_GetAtTenantScope: for who asked, and nobody else.
    expect((await arm.send('GET', pathname + search)).status).toBe(404);
    expect((await arm.send('GET', `${made()}?api-version=2023-01-31`)).status).toBe(404);
    expect((await send('PUT', '/t', body())).status).toBe(200);
    await arm.deployments.quiet();
    const last = await send('GET', '/t');
    expect(last, last.text).toMatchObject({
      body: {
        ...{ id: `${base}/t`, location: 'eastus' },
        properties: { provisioningState: 'Succeeded', outputs: { group: { value: arm.tenantId } } },
      },
    });
    expect((await arm.send('GET', `${made()}?api-version=2023-01-31`)).status).toBe(200);
    expect(await send('GET', '')).toMatchObject({ body: { value: [{ name: 't' }] } });
    expect(await send('GET', '/t/operations')).toMatchObject({ status: 200 });
    expect(await send('POST', '/t/exportTemplate')).toMatchObject({
      body: { template: { contentVersion: '1.0.0.0' } },
    });
    expect((await send('PUT', '/t', body())).status).toBe(200);
    await arm.deployments.quiet();
    expect((await send('DELETE', '/t')).status).toBe(202);
    await arm.deployments.quiet();
    expect((await send('GET', '/t')).status).toBe(404);
    expect((await arm.send('DELETE', owner, { as })).status).toBe(200);
    expect((await send('PUT', '/t', body())).status).toBe(403);
    expect((await arm.send('GET', pathname + search, { as })).status).toBe(403);
  });
});
