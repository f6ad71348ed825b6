import { beforeAll, describe, expect, it } from 'vitest';
import type { ArmFixture } from '../../support/arm-fixture.ts';
import { bodyOf, identity, template, useDeployments, vault, version } from './deployments.fixture.ts';
import type { Part } from './deployments.fixture.ts';

/** Deployments_CreateOrUpdate Deployments_Validate Deployments_WhatIf Deployments_Cancel Deployments_Delete Deployments_Get
 * Deployments_CheckExistence Deployments_ListByResourceGroup Deployments_ExportTemplate Deployments_GetOperationStatus
 * DeploymentOperations_List DeploymentOperations_Get DeploymentOperations_ListInProvider DeploymentOperations_GetInProvider
 * ResourceGroups_ExportTemplate; at the scope of a subscription Deployments_CreateOrUpdateAtSubscriptionScope
 * Deployments_ValidateAtSubscriptionScope Deployments_WhatIfAtSubscriptionScope Deployments_CancelAtSubscriptionScope
 * Deployments_DeleteAtSubscriptionScope Deployments_GetAtSubscriptionScope Deployments_CheckExistenceAtSubscriptionScope
 * Deployments_ListAtSubscriptionScope Deployments_ExportTemplateAtSubscriptionScope Deployments_GetOperationStatusAtSubscriptionScope
 * DeploymentOperations_ListAtSubscriptionScope DeploymentOperations_GetAtSubscriptionScope; of the tenant
 * Deployments_CreateOrUpdateAtTenantScope Deployments_ValidateAtTenantScope Deployments_WhatIfAtTenantScope Deployments_CancelAtTenantScope
 * Deployments_DeleteAtTenantScope Deployments_GetAtTenantScope Deployments_CheckExistenceAtTenantScope Deployments_ListAtTenantScope
 * Deployments_ExportTemplateAtTenantScope Deployments_GetOperationStatusAtTenantScope DeploymentOperations_ListAtTenantScope
 * DeploymentOperations_GetAtTenantScope */
describe('deployments in a resource group', () => {
  const fixture = useDeployments();
  const { path, deploy } = fixture;
  let arm: ArmFixture;
  beforeAll(() => {
    arm = fixture.arm;
  });

  const whatIf = async (name: string, parts: Part, parameters: Part = {}, more: Part = {}) => {
    const first = await arm.send('POST', path(name, '/whatIf'), { body: bodyOf(parts, parameters, more) });
    expect(first.status, first.text).toBe(202);
    const location = new URL(String(first.headers['location']));
    const { body } = await arm.send('GET', location.pathname + location.search);
    return (body as { properties: { changes: { resourceId: string; changeType: string; delta?: unknown[] }[] } })
      .properties.changes;
  };
  const failure = (answer: { body: unknown }): Part => (answer.body as { error: Part }).error;

  it('make what the template says, and show how', async () => {
    const parts = {
      parameters: { VaultName: { type: 'string' }, secret: { type: 'secureString' } },
      variables: { full: "[concat(parameters('VaultName'), '-1')]" },
      resources: [
        vault("[variables('full')]", {
          dependsOn: ["[resourceId('Microsoft.ManagedIdentity/userAssignedIdentities', 'id1')]"],
        }),
        identity('id1'),
      ],
      outputs: {
        VaultUri: { type: 'string', value: "[reference(variables('full')).vaultUri]" },
        hidden: { type: 'secureString', value: "[parameters('secret')]" },
      },
    };
    const { first, last } = await deploy('one', parts, { vaultName: { value: 'kv-one' }, secret: { value: 'hush' } });
    expect(first).toMatchObject({
      status: 201,
      body: {
        properties: {
          provisioningState: 'Accepted',
          parameters: { vaultName: { type: 'String', value: 'kv-one' }, secret: { type: 'SecureString' } },
        },
      },
    });
    expect(String(first.headers['azure-asyncoperation'])).toMatch(
      /\/deployments\/one\/operationStatuses\/\d{20}\?api-version=2024-11-01$/,
    );
    expect(last, last.text).toMatchObject({
      status: 200,
      body: {
        properties: {
          provisioningState: 'Succeeded',
          outputs: {
            vaultUri: { type: 'String', value: 'https://kv-one-1.vault.azure.net/' },
            hidden: { type: 'SecureString' },
          },
          outputResources: [
            { id: expect.stringMatching(/vaults\/kv-one-1$/) as string },
            { id: expect.stringMatching(/id1$/) as string },
          ],
          dependencies: [{ resourceName: 'kv-one-1', dependsOn: [{ resourceName: 'id1' }] }],
          providers: [
            { namespace: 'Microsoft.KeyVault', resourceTypes: [{ resourceType: 'vaults', locations: ['eastus'] }] },
            {
              namespace: 'Microsoft.ManagedIdentity',
              resourceTypes: [{ resourceType: 'userAssignedIdentities', locations: ['eastus'] }],
            },
          ],
        },
      },
    });
    expect(last.text).not.toContain('hush');
    const status = new URL(String(first.headers['azure-asyncoperation']));
    expect(await arm.send('GET', status.pathname + status.search)).toMatchObject({
      status: 200,
      body: { status: 'Succeeded' },
    });

    const operations = await arm.send(
      'GET',
      `/subscriptions/${arm.subscriptionId}/resourcegroups/rg/deployments/one/operations?${version}`,
    );
    const value = (operations.body as { value: { operationId: string; properties: Part }[] }).value;
    expect(
      value.map(({ properties }) => [properties['provisioningOperation'], properties['provisioningState']]),
    ).toEqual([
      ['Create', 'Succeeded'],
      ['Create', 'Succeeded'],
      ['EvaluateDeploymentOutput', 'Succeeded'],
    ]);
    for (const { operationId } of value) {
      expect(await arm.send('GET', path('one', `/operations/${operationId}`))).toMatchObject({
        status: 200,
        body: { operationId },
      });
    }
    expect(await arm.send('POST', path('one', '/exportTemplate'))).toMatchObject({
      status: 200,
      body: { template: template(parts) },
    });
    expect((await arm.send('HEAD', path('one'))).status).toBe(204);

    // The same again changes nothing, and what-if says so.
    const given = { vaultName: { value: 'kv-one' }, secret: { value: 'hush' } };
    expect((await whatIf('one', parts, given)).map(({ changeType }) => changeType)).toEqual(['NoChange', 'NoChange']);
    const again = await deploy('one', parts, given);
    expect(again.first.status).toBe(200);
    expect(again.last).toMatchObject({ body: { properties: { provisioningState: 'Succeeded' } } });
  });

  it('stop where a resource is refused, and say why', async () => {
    const { last } = await deploy('refused', {
      resources: [
        vault('kv'), // too short a name
        identity('after', { dependsOn: ['kv'] }),
        identity('beside'),
      ],
    });
    expect(last).toMatchObject({
      body: {
        properties: {
          provisioningState: 'Failed',
          error: {
            code: 'DeploymentFailed',
            message: expect.stringMatching(
              /^At least one resource deployment operation failed\. Please list/,
            ) as string,
            details: [{ code: 'VaultNameNotValid' }],
          },
        },
      },
    });
    const operations = await arm.send('GET', path('refused', '/operations'));
    const value = (operations.body as { value: { properties: { provisioningState: string; targetResource: Part } }[] })
      .value;
    const states = value.map(
      ({ properties }) => `${String(properties.targetResource['resourceName'])} ${properties.provisioningState}`,
    );
    expect(states.toSorted()).toEqual(['beside Succeeded', 'kv Failed']);
  });

  it.each<[string, Part, Part, string]>([
    [
      'a parameter that is missing',
      { parameters: { p: { type: 'string' } } },
      {},
      "Deployment template validation failed: 'The value for the template parameter 'p' at line '1' and column '",
    ],
    [
      'a parameter too many',
      { parameters: { p: { type: 'string' } } },
      { p: { value: 'a' }, q: { value: 1 } },
      "The template parameters 'q' in the parameters file are not valid; they are not present in the original template",
    ],
    [
      'a parameter of another type',
      { parameters: { p: { type: 'int' } } },
      { p: { value: 'a' } },
      "Expected a value of type 'Integer', but received a value of type 'String'.",
    ],
    [
      'a value that is not allowed',
      { parameters: { p: { type: 'string', allowedValues: ['a', 'b'] } } },
      { p: { value: 'c' } },
      "The value 'c' is not part of the allowed value(s): 'a,b'.",
    ],
    [
      'too long a value',
      { parameters: { p: { type: 'array', maxLength: 1 } } },
      { p: { value: [1, 2] } },
      "less than or equal to '1'",
    ],
    [
      'a circle',
      { resources: [identity('a', { dependsOn: ['b'] }), identity('b', { dependsOn: ['a'] })] },
      {},
      'Circular dependency detected on resource: ',
    ],
    [
      'a dependency that is not there',
      { resources: [identity('a', { dependsOn: ['b'] })] },
      {},
      "The resource 'b' is not defined in the template. Please see https://aka.ms/arm-syntax for usage details.",
    ],
    ['a resource twice', { resources: [identity('a'), identity('A')] }, {}, 'is defined multiple times in a template'],
    [
      'names that do not fit the type',
      { resources: [identity('a/b')] },
      {},
      "The template resource 'a/b' for type 'Microsoft.ManagedIdentity/userAssignedIdentities' at line '1' and column '",
    ],
    [
      'a function that is none',
      { resources: [identity("[nothing('a')]")] },
      {},
      "The template function 'nothing' is not valid.",
    ],
    [
      'a name that only the deployment knows',
      { resources: [identity("[reference('/subscriptions/s/x', '1').a]")] },
      {},
      "The template function 'reference' is not expected at this location.",
    ],
    [
      'too many resources',
      { resources: [identity('a', { copy: { name: 'l', count: 801 } })] },
      {},
      'an integer between 0 and 800',
    ],
    [
      'too many parameters',
      {
        parameters: Object.fromEntries(
          Array.from({ length: 257 }, (_, at) => [`p${at}`, { type: 'string', defaultValue: '' }]),
        ),
      },
      {},
      "The number of template parameters limit exceeded. Limit: '256' and actual: '257'.",
    ],
    [
      'too many variables',
      { variables: Object.fromEntries(Array.from({ length: 513 }, (_, at) => [`v${at}`, at])) },
      {},
      "The number of template variables limit exceeded. Limit: '512' and actual: '513'.",
    ],
    [
      'too many outputs',
      { outputs: Object.fromEntries(Array.from({ length: 65 }, (_, at) => [`o${at}`, { type: 'int', value: at }])) },
      {},
      "The number of template outputs limit exceeded. Limit: '64'",
    ],
    [
      'loops in loops without an end',
      {
        outputs: {
          o: { type: 'int', value: 1 },
        },
        variables: {
          v: "[length(map(range(0, 10000), lambda('a', length(map(range(0, 10000), lambda('b', 1))))))]",
        },
        resources: [identity("[string(variables('v'))]")],
      },
      {},
      'The expressions of the template need more than 1000000 evaluations.',
    ],
    [
      'too many resources in nested templates',
      {
        resources: [
          {
            type: 'Microsoft.Resources/deployments',
            apiVersion: '2022-09-01',
            name: "[concat('n', copyIndex())]",
            copy: { name: 'l', count: 30 },
            properties: {
              mode: 'Incremental',
              expressionEvaluationOptions: { scope: 'inner' },
              template: template({
                resources: [identity("[concat('many', copyIndex())]", { copy: { name: 'i', count: 30 } })],
              }),
            },
          },
        ],
      },
      {},
      "The number of template resources limit exceeded. Limit: '800'.",
    ],
    [
      'variables in a circle',
      { variables: { a: "[variables('b')]", b: "[variables('a')]" }, resources: [identity("[variables('a')]")] },
      {},
      'Circular dependency detected in the template variable',
    ],
  ])('refuse %s', async (_, parts, parameters, text) => {
    const answer = await arm.send('POST', path('wrong', '/validate'), { body: bodyOf(parts, parameters) });
    expect(answer, answer.text).toMatchObject({ status: 400, body: { error: { code: 'InvalidTemplate' } } });
    expect(failure(answer)['message']).toContain(text);
    expect((await arm.send('PUT', path('wrong'), { body: bodyOf(parts, parameters) })).status).toBe(400);
    expect((await arm.send('GET', path('wrong'))).status).toBe(404);
  });

  it.each<[string, Part, string]>([
    [
      'template specs',
      { template: undefined, templateLink: { id: '/subscriptions/s/templateSpecs/t' } },
      'template specs',
    ],
    [
      'deployment scripts',
      {
        template: template({
          resources: [
            {
              type: 'Microsoft.Resources/deploymentScripts',
              apiVersion: '2020-10-01',
              name: 's',
              location: 'eastus',
              kind: 'AzureCLI',
              properties: {},
            },
          ],
        }),
      },
      'Microsoft.Resources/deploymentScripts',
    ],
    ['extensions', { template: template({ extensions: { graph: {} } }) }, 'template section extensions'],
    [
      'other languages',
      { template: template({ languageVersion: '2.1-experimental' }) },
      'template language version 2.1-experimental',
    ],
  ])('refuse %s by name', async (_, properties, name) => {
    const answer = await arm.send('PUT', path('refusing'), {
      body: { properties: { mode: 'Incremental', ...properties } },
    });
    expect(answer).toMatchObject({
      status: 501,
      body: {
        error: {
          code: 'NotImplemented',
          message: `Kustody has not built the operation '${name}'. Azure would have accepted this request.`,
        },
      },
    });
  });

  it('say to come again soon while they run: az waits for half a minute otherwise', async () => {
    const many = Array.from({ length: 100 }, (_value, index) => identity(`many-${index}`));
    const { headers } = await arm.send('PUT', path('many'), { body: bodyOf({ resources: many }) });
    const status = new URL(String(headers['azure-asyncoperation']));
    const running = await arm.send('GET', status.pathname + status.search);
    expect([(running.body as Part)['status'], running.headers['retry-after']]).toEqual(['Running', '1']);
    await arm.deployments.quiet();
    const over = await arm.send('GET', status.pathname + status.search);
    expect([(over.body as Part)['status'], over.headers['retry-after']]).toEqual(['Succeeded', undefined]);
  });

  it('need the rights of whoever deploys, for each resource and before any is made', async () => {
    const stranger = arm.addPrincipal('deployer');
    const assign = async (role: string, scope: string): Promise<void> => {
      const name = crypto.randomUUID();
      const answer = await arm.send(
        'PUT',
        `${scope}/providers/Microsoft.Authorization/roleAssignments/${name}?api-version=2022-04-01`,
        {
          body: {
            properties: {
              principalId: stranger.objectId,
              roleDefinitionId: `/subscriptions/${arm.subscriptionId}/providers/Microsoft.Authorization/roleDefinitions/${role}`,
            },
          },
        },
      );
      expect(answer.status).toBe(201);
    };
    const group = `/subscriptions/${arm.subscriptionId}/resourceGroups/rg`;
    const body = bodyOf({ resources: [identity('mine'), vault('kv-of-stranger')] });
    expect((await arm.send('PUT', path('theirs'), { body, as: stranger })).status).toBe(403);
    await assign('f1a07417-d97a-45cb-824c-7a7467783830', group); // Managed Identity Operator: no write of identities, deployments alone
    const refused = await arm.send('PUT', path('theirs'), { body, as: stranger });
    expect(refused, refused.text).toMatchObject({
      status: 403,
      body: { error: { code: 'InvalidTemplateDeployment' } },
    });
    expect(failure(refused)['message']).toMatch(
      /^Deployment failed with multiple errors: 'Authorization failed for template resource 'mine' of type 'Microsoft\.ManagedIdentity\/userAssignedIdentities'\. The client '[^']+' with object id '[^']+' does not have permission to perform action 'Microsoft\.ManagedIdentity\/userAssignedIdentities\/write' at scope '.*'\.:Authorization failed/,
    );
    expect((await arm.send('GET', path('theirs'))).status).toBe(404);
  });
});
