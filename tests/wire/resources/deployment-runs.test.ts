import { beforeAll, describe, expect, it } from 'vitest';
import { deployments } from '../../../src/providers/resources/deployments/deployment-record.ts';
import { writeRecord } from '../../../src/state/state.ts';
import type { ArmFixture } from '../../support/arm-fixture.ts';
import { bodyOf, identity, template, useDeployments, vault, version } from './deployments.fixture.ts';
import type { Part } from './deployments.fixture.ts';

describe('deployments of many kinds', () => {
  const fixture = useDeployments();
  const { path, deploy } = fixture;
  let arm: ArmFixture;
  beforeAll(() => {
    arm = fixture.arm;
  });

  it('end as their resources and outputs do', async () => {
    const { last } = await deploy('one', { resources: [identity('id1')] });
    expect(last).toMatchObject({ body: { properties: { provisioningState: 'Succeeded' } } });
    const outputs = { o: { type: 'string', value: "[fail('by design')]" } };
    const { last: refused } = await deploy('refused', { resources: [identity('id1')], outputs });
    const details = [
      { code: 'InvalidTemplate', message: expect.stringContaining("evaluation failed: 'by design'.") as string },
    ];
    expect(refused).toMatchObject({
      body: {
        properties: { provisioningState: 'Failed', error: { code: 'DeploymentOutputEvaluationFailed', details } },
      },
    });
  });

  it('go over several groups by nested templates, in names of their own or of the one around', async () => {
    const nested = (name: string, scope: string, value: string): Part => ({
      type: 'Microsoft.Resources/deployments',
      apiVersion: '2022-09-01',
      name,
      resourceGroup: 'other',
      properties: {
        mode: 'Incremental',
        expressionEvaluationOptions: { scope },
        ...(scope === 'inner' ? { parameters: { p: { value: "[concat(parameters('p'), '-given')]" } } } : {}),
        template: template({
          parameters: scope === 'inner' ? { p: { type: 'string' } } : {},
          resources: [identity(value)],
          outputs: { made: { type: 'string', value } },
        }),
      },
    });
    const parts = {
      parameters: { p: { type: 'string' } },
      resources: [
        nested('in', 'inner', "[parameters('p')]"),
        nested('out', 'outer', "[concat(parameters('p'), '-outer')]"),
      ],
      outputs: {
        inner: { type: 'string', value: "[reference('in').outputs.made.value]" },
        outer: { type: 'string', value: "[reference('out').outputs.made.value]" },
      },
    };
    const { last } = await deploy('nesting', parts, { p: { value: 'nest' } });
    const ids = (last.body as { properties: { outputResources: { id: string }[] } }).properties.outputResources.map(
      ({ id }) => id,
    );
    expect(last, last.text).toMatchObject({
      body: { properties: { outputs: { inner: { value: 'nest-given' }, outer: { value: 'nest-outer' } } } },
    });
    expect(ids.map((id) => id.split('/').slice(4).join('/'))).toEqual([
      'other/providers/Microsoft.ManagedIdentity/userAssignedIdentities/nest-given',
      'other/providers/Microsoft.ManagedIdentity/userAssignedIdentities/nest-outer',
    ]);
    expect((await arm.send('GET', path('in', '', 'other'))).status).toBe(200);
    const missing = await arm.send('POST', path('nesting', '/validate'), {
      body: bodyOf({ resources: [{ ...nested('in', 'outer', 'x'), resourceGroup: 'nowhere' }] }),
    });
    expect(missing).toMatchObject({
      status: 404,
      body: { error: { code: 'ResourceGroupNotFound', message: "Resource group 'nowhere' could not be found." } },
    });
  });

  it('keep no secret that a nested template took over', async () => {
    const inner = template({
      resources: [],
      outputs: { o: { type: 'string', value: "[if(equals(parameters('s'), 'x'), '1', '2')]" } },
      variables: { v: "[parameters('s')]" },
    });
    const parts = {
      parameters: { s: { type: 'secureString' } },
      resources: [
        {
          type: 'Microsoft.Resources/deployments',
          apiVersion: '2022-09-01',
          name: 'secretive',
          properties: { mode: 'Incremental', template: inner },
        },
      ],
    };
    const { last } = await deploy('around', parts, { s: { value: 'very-hidden' } });
    expect(last).toMatchObject({ body: { properties: { provisioningState: 'Succeeded' } } });
    const exported = await arm.send('POST', path('secretive', '/exportTemplate'));
    expect(exported).toMatchObject({ status: 200, body: { template: inner } });
    const said = { ...parts, outputs: { o: { type: 'string', value: "[fail(concat('it is ', parameters('s')))]" } } };
    const failed = await deploy('saying', said, { s: { value: 'very-hidden' } });
    expect(failed.last.text).toContain('it is *******');
    const foretold = await arm.send('POST', path('saying', '/whatIf'), {
      body: bodyOf(
        { ...parts, resources: [identity('tagged', { tags: { a: "[concat('x', parameters('s'))]" } })] },
        { s: { value: 'very-hidden' } },
      ),
    });
    const location = new URL(String(foretold.headers['location']));
    const { text } = await arm.send('GET', location.pathname + location.search);
    expect(text).toContain('x*******');
    // It shows resources: nobody else may have it, whatever their rights.
    const somebody = arm.addPrincipal('somebody');
    const stolen = await arm.send('GET', location.pathname + location.search, { as: somebody });
    expect(stolen.status, stolen.text).toBe(404);
    expect(text).not.toContain('very-hidden');
    for (const name of ['around', 'secretive', 'saying'])
      expect((await arm.send('GET', path(name))).text).not.toContain('very-hidden');
  });

  it('show nothing of a secure object either: numbers, names, and JSON of it', async () => {
    const parameters = { o: { type: 'secureObject' } };
    const value = { pin: 73_519, word: 'a"quoted', tag: 'Hidden' };
    const outputs = { o: { type: 'string', value: "[fail(concat('it is ', string(parameters('o')), ' of 173519'))]" } };
    const { last } = await deploy('object', { parameters, outputs }, { o: { value } });
    expect(last.text).toContain('it is ');
    expect(last.text).toContain('173519');
    for (const secret of [':73519', 'quoted', 'Hidden']) expect(last.text).not.toContain(secret);
    const tags = { "[parameters('o').tag]": "[string(parameters('o').pin)]" };
    const body = bodyOf({ parameters, resources: [identity('named', { tags })] }, { o: { value } });
    const foretold = await arm.send('POST', path('object', '/whatIf'), { body });
    const location = new URL(String(foretold.headers['location']));
    const { text } = await arm.send('GET', location.pathname + location.search);
    expect(text).toContain('"*******":"*******"');
  });

  it('make loops, conditions, symbolic names and functions of their own', async () => {
    const { last } = await deploy('language', {
      languageVersion: '2.0',
      parameters: { names: { type: 'array', defaultValue: ['a', 'b'] }, more: { type: 'object', nullable: true } },
      functions: [
        {
          namespace: 'own',
          members: {
            named: {
              parameters: [{ name: 'x', type: 'string' }],
              output: { type: 'string', value: "[concat('loop-', parameters('x'))]" },
            },
          },
        },
      ],
      variables: { copy: [{ name: 'lengths', count: 3, input: "[mul(copyIndex('lengths'), 2)]" }] },
      resources: {
        all: identity("[own.named(parameters('names')[copyIndex()])]", {
          copy: { name: 'all', count: "[length(parameters('names'))]" },
          tags: { copy: [] },
        }),
        never: vault('never-made', { condition: "[not(equals(parameters('more'), null()))]" }),
        known: {
          existing: true,
          type: 'Microsoft.ManagedIdentity/userAssignedIdentities',
          apiVersion: '2023-01-31',
          name: 'id1',
        },
      },
      outputs: {
        lengths: { type: 'array', value: "[variables('lengths')]" },
        ids: { type: 'array', copy: { count: 2, input: "[resourceInfo(format('all[{0}]', copyIndex())).name]" } },
        principals: {
          type: 'array',
          value: "[map(references('all'), lambda('r', length(lambdaVariables('r').principalId)))]",
        },
        existing: { type: 'string', value: "[reference('known', '2023-01-31', 'full').location]" },
        absent: { type: 'string', condition: false, value: "[fail('never')]" },
      },
    });
    expect(last, last.text).toMatchObject({
      body: {
        properties: {
          outputs: {
            lengths: { type: 'Array', value: [0, 2, 4] },
            ids: { value: ['loop-a', 'loop-b'] },
            principals: { value: [36, 36] },
            existing: { value: 'eastus' },
          },
        },
      },
    });
    expect(last.text).not.toContain('never');
  });

  it('go away with their group', async () => {
    await arm.send('PUT', path('x', '', 'other'), { body: bodyOf({}) });
    await arm.deployments.quiet();
    await arm.send('DELETE', `/subscriptions/${arm.subscriptionId}/resourceGroups/other?${version}`);
    await arm.send('PUT', `/subscriptions/${arm.subscriptionId}/resourceGroups/other?${version}`, {
      body: { location: 'westus' },
    });
    expect(await arm.send('GET', path('', '', 'other'))).toMatchObject({ status: 200, body: { value: [] } });
  });

  it('are listed, filtered, and deleted when they have ended', async () => {
    const named = async (filter: string): Promise<readonly string[]> => {
      const answer = await arm.send('GET', `${path('')}${filter}`);
      return (answer.body as { value: { name: string }[] }).value.map(({ name }) => name);
    };
    expect(await named('')).toContain('one');
    expect(await named(`&$filter=${encodeURIComponent("provisioningState eq 'Failed'")}`)).toEqual([
      'object',
      'refused',
      'saying',
    ]);
    expect((await arm.send('GET', `${path('')}&$filter=a`)).status).toBe(400);
    expect((await arm.send('POST', path('one', '/cancel'))).body).toMatchObject({
      error: { code: 'DeploymentCannotBeCancelled' },
    });
    const gone = await arm.send('DELETE', path('one'));
    expect(gone.status).toBe(202);
    const location = new URL(String(gone.headers['location']));
    expect((await arm.send('GET', location.pathname + location.search)).status).toBe(204);
    expect(await arm.send('GET', path('one'))).toMatchObject({
      status: 404,
      body: { error: { code: 'DeploymentNotFound', message: "Deployment 'one' could not be found." } },
    });
    expect((await arm.send('DELETE', path('one'))).status).toBe(204);
  });

  it('of a subscription make groups and what lies in them', async () => {
    const base = `/subscriptions/${arm.subscriptionId}/providers/Microsoft.Resources/deployments/sub`;
    const body = {
      location: 'eastus',
      properties: {
        mode: 'Incremental',
        template: template({
          resources: [
            { type: 'Microsoft.Resources/resourceGroups', apiVersion: '2022-09-01', name: 'made', location: 'eastus' },
            {
              type: 'Microsoft.Resources/deployments',
              apiVersion: '2022-09-01',
              name: 'inside',
              resourceGroup: 'made',
              dependsOn: ["[subscriptionResourceId('Microsoft.Resources/resourceGroups', 'made')]", 'made'].slice(1),
              properties: {
                mode: 'Incremental',
                template: template({ resources: [identity('deep', { location: 'eastus' })] }),
              },
            },
          ],
        }),
      },
    };
    const noLocation = await arm.send('PUT', `${base}?${version}`, { body: { properties: body.properties } });
    expect(noLocation).toMatchObject({ status: 400, body: { error: { code: 'LocationRequired' } } });
    expect(await arm.send('POST', `${base}/validate?${version}`, { body })).toMatchObject({
      status: 200,
      body: { location: 'eastus' },
    });
    expect((await arm.send('POST', `${base}/whatIf?${version}`, { body })).status).toBe(202);
    expect((await arm.send('PUT', `${base}?${version}`, { body })).status).toBe(200);
    await arm.deployments.quiet();
    const last = await arm.send('GET', `${base}?${version}`);
    expect(last, last.text).toMatchObject({
      body: { location: 'eastus', properties: { provisioningState: 'Succeeded' } },
    });
    expect((await arm.send('GET', `${base}/operations?${version}`)).status).toBe(200);
    const complete = await arm.send('PUT', `${base}?${version}`, {
      body: { ...body, properties: { ...body.properties, mode: 'Complete' } },
    });
    expect(complete).toMatchObject({ status: 400, body: { error: { code: 'DeploymentModeNotSupported' } } });
  });

  it('of the tenant are for those who may deploy there', async () => {
    const answer = await arm.send('PUT', `/providers/Microsoft.Resources/deployments/t?${version}`, { body: {} });
    expect(answer).toMatchObject({ status: 403, body: { error: { code: 'AuthorizationFailed' } } });
  });

  it('that a dead process left behind have failed at the next start', async () => {
    const { last } = await deploy('interrupted', { resources: [identity('half')] });
    const id = (last.body as { id: string }).id.toLowerCase();
    const found = await arm.state.get(deployments, id);
    await arm.state.commit({
      write: [writeRecord(deployments, id, found?.version ?? null, { ...found?.value, state: 'Running' } as never)],
    });
    const again = await arm.send('PUT', path('interrupted'), { body: bodyOf({}) });
    expect(again).toMatchObject({ status: 409, body: { error: { code: 'DeploymentActive' } } });
    await arm.deployments.failInterrupted();
    expect(await arm.send('GET', path('interrupted'))).toMatchObject({
      body: { properties: { provisioningState: 'Failed', error: { code: 'DeploymentFailed' } } },
    });
  });
});
