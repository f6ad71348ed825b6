import { beforeAll, describe, expect, it } from 'vitest';
import type { ArmFixture } from '../../support/arm-fixture.ts';
import { bodyOf, identity, useDeployments, vault, version } from './deployments.fixture.ts';
import type { Part } from './deployments.fixture.ts';

describe('deployments', () => {
  const fixture = useDeployments();
  let arm: ArmFixture;
  beforeAll(() => {
    arm = fixture.arm;
  });

  it('foretell what they would create, change, leave alone and delete', async () => {
    const group = { body: { location: 'eastus' } };
    const send = (verb: string, name = '') =>
      `/subscriptions/${arm.subscriptionId}/resourceGroups/foretold/providers/Microsoft.Resources/deployments/d${name}${verb}?${version}`;
    await arm.send('PUT', `/subscriptions/${arm.subscriptionId}/resourceGroups/foretold?${version}`, group);
    const first = { resources: [vault('kv-foretold', { tags: { a: '1' } }), identity('stays'), identity('goes')] };
    await arm.send('PUT', send(''), { body: bodyOf(first) });
    await arm.deployments.quiet();
    const changes = async (parts: Part, more: Part = {}) => {
      const answer = await arm.send('POST', send('/whatIf'), { body: bodyOf(parts, {}, more) });
      const location = new URL(String(answer.headers['location']));
      const { body } = await arm.send('GET', location.pathname + location.search);
      const { properties } = body as {
        properties: { changes: { resourceId: string; changeType: string; delta?: Part[] }[] };
      };
      return properties.changes.map(({ resourceId, changeType, delta }) => [
        resourceId.split('/').at(-1),
        changeType,
        (delta ?? []).map(({ path: at, propertyChangeType }) => `${String(propertyChangeType)} ${String(at)}`),
      ]);
    };
    expect(await changes(first)).toEqual([
      ['kv-foretold', 'NoChange', []],
      ['stays', 'NoChange', []],
      ['goes', 'NoChange', []],
    ]);
    const second = {
      resources: [
        vault('kv-foretold', {
          tags: { b: '2' },
          properties: {
            tenantId: '[subscription().tenantId]',
            sku: { family: 'A', name: 'standard' },
            accessPolicies: [],
            enabledForDeployment: true,
          },
        }),
        identity('stays'),
        identity('comes'),
      ],
    };
    const changed = [
      'kv-foretold',
      'Modify',
      ['Modify properties.enabledForDeployment', 'Create tags.b', 'Delete tags.a'],
    ];
    expect(await changes(second)).toEqual([
      changed,
      ['stays', 'NoChange', []],
      ['comes', 'Create', []],
      ['goes', 'Ignore', []],
    ]);
    expect(await changes(second, { mode: 'Complete' })).toEqual([
      changed,
      ['stays', 'NoChange', []],
      ['comes', 'Create', []],
      ['goes', 'Delete', []],
    ]);
    expect(await changes(second, { whatIfSettings: { resultFormat: 'ResourceIdOnly' } })).toEqual([
      ['kv-foretold', 'Deploy', []],
      ['stays', 'Deploy', []],
      ['comes', 'Deploy', []],
    ]);

    // And so it comes.
    await arm.send('PUT', send(''), { body: bodyOf(second, {}, { mode: 'Complete' }) });
    await arm.deployments.quiet();
    const resources = await arm.send(
      'GET',
      `/subscriptions/${arm.subscriptionId}/resourceGroups/foretold/resources?${version}`,
    );
    expect((resources.body as { value: { name: string }[] }).value.map(({ name }) => name)).toEqual([
      'kv-foretold',
      'comes',
      'stays',
    ]);
    expect(await changes(second)).toEqual([
      ['kv-foretold', 'NoChange', []],
      ['stays', 'NoChange', []],
      ['comes', 'NoChange', []],
    ]);

    // An export of the group makes the same again.
    const exported = await arm.send(
      'POST',
      `/subscriptions/${arm.subscriptionId}/resourceGroups/foretold/exportTemplate?${version}`,
      { body: { resources: ['*'] } },
    );
    const { template: whole } = exported.body as { template: Part };
    expect(await changes(whole)).toEqual([
      ['kv-foretold', 'NoChange', []],
      ['comes', 'NoChange', []],
      ['stays', 'NoChange', []],
    ]);
    const bare = await arm.send(
      'POST',
      `/subscriptions/${arm.subscriptionId}/resourceGroups/foretold/exportTemplate?${version}`,
      {
        body: {
          resources: [
            `/subscriptions/${arm.subscriptionId}/resourceGroups/foretold/providers/Microsoft.KeyVault/vaults/kv-foretold`,
          ],
          options: 'SkipAllParameterization',
        },
      },
    );
    expect(bare).toMatchObject({
      status: 200,
      body: { template: { parameters: {}, resources: [{ name: 'kv-foretold', tags: { b: '2' } }] } },
    });
  });
});
