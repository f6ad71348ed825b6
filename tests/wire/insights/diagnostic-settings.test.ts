import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { armResources, resourceRecordId } from '../../../src/arm/resource.ts';
import { deliveryCursors, diagnosticSettings } from '../../../src/arm/diagnostic-settings.ts';
import { writeRecord } from '../../../src/state/state.ts';
import { assignRole } from '../../support/arm-assignments.ts';
import type { ArmFixture } from '../../support/arm-fixture.ts';
import { startArm } from '../../support/arm-fixture.ts';
import { recordedEvents } from '../../support/audit-events.ts';
import { testGuid } from '../../support/fake-cluster-keys.ts';

let arm: ArmFixture;
beforeAll(async () => {
  arm = await startArm();
  await arm.send('PUT', `${group()}?api-version=2024-11-01`, { body: { location: 'eastus' } });
  await addCluster('target', ['one', 'two', 'three', 'four', 'five', 'six']);
  await addVault('watched');
});
afterAll(() => arm[Symbol.asyncDispose]());

const subscription = () => `/subscriptions/${arm.subscriptionId}`;
const group = () => `${subscription()}/resourceGroups/watching`;
const cluster = () => `${group()}/providers/Microsoft.Kusto/Clusters/target`;
const database = (name: string) => `${cluster()}/Databases/${name}`;
const vault = (name = 'watched') => `${group()}/providers/Microsoft.KeyVault/vaults/${name}`;
const settings = (scope: string) => `${scope}/providers/Microsoft.Insights/diagnosticSettings`;
const auditEvent = [{ category: 'AuditEvent', enabled: true }];

async function addVault(name: string): Promise<void> {
  const properties = { tenantId: arm.tenantId, sku: { family: 'A', name: 'standard' }, accessPolicies: [] };
  const body = { location: 'eastus', properties };
  expect((await arm.send('PUT', `${vault(name)}?api-version=2023-02-01`, { body })).status).toBe(200);
}

/** A cluster as the resource manager has it: nothing of it runs here. */
async function addCluster(name: string, databases: readonly string[]): Promise<void> {
  const common = { location: 'eastus', createdAt: '', changedAt: '' };
  const at = { id: cluster(), type: 'Microsoft.Kusto/Clusters', name };
  await arm.state.commit({
    write: [
      writeRecord(armResources, resourceRecordId(cluster()), null, {
        ...{ ...common, ...at, properties: { format: 1, clusterId: testGuid('1') } },
      }),
      ...databases.map((one, index) =>
        writeRecord(armResources, resourceRecordId(database(one)), null, {
          ...{ ...common, id: database(one), name: `${name}/${one}`, type: 'Microsoft.Kusto/Clusters/Databases' },
          properties: { format: 1, databaseId: testGuid(String(index + 2)) },
        }),
      ),
    ],
  });
}

const put = (scope: string, name: string, properties: Readonly<Record<string, unknown>>, as = arm.owner) =>
  arm.send('PUT', `${settings(scope)}/${name}?api-version=2021-05-01-preview`, { body: { properties }, as });
const ask = (method: string, path: string, as = arm.owner) =>
  arm.send(method, `${path}?api-version=2021-05-01-preview`, { as });
const remove = (scope: string, name: string) => ask('DELETE', `${settings(scope)}/${name}`);
const errorOf = ({ body }: { readonly body: unknown }) =>
  (body as { readonly error: { readonly code: string; readonly message: string } }).error;

describe('diagnostic settings', () => {
  it('DiagnosticSettings_CreateOrUpdate, DiagnosticSettings_Get, DiagnosticSettings_List, DiagnosticSettings_Delete: what was set, in the shape of the service', async () => {
    const made = await put(vault(), 'copy', { workspaceId: database('one'), logs: auditEvent });
    expect(made).toMatchObject({ status: 200 });
    const shown = {
      id: `${settings(vault())}/copy`,
      type: 'Microsoft.Insights/diagnosticSettings',
      name: 'copy',
      properties: {
        workspaceId: database('one'),
        storageAccountId: null,
        eventHubAuthorizationRuleId: null,
        logs: [
          { category: 'AuditEvent', categoryGroup: null, enabled: true, retentionPolicy: { enabled: false, days: 0 } },
        ],
        metrics: [],
        logAnalyticsDestinationType: null,
      },
    };
    expect(made.body).toMatchObject(shown);
    const path = `${settings(vault().toUpperCase())}/COPY`;
    expect((await ask('GET', path)).body).toMatchObject(shown);
    const other = { logs: [{ categoryGroup: 'audit', enabled: true }], logAnalyticsDestinationType: 'Dedicated' };
    expect((await put(vault(), 'copy', { workspaceId: database('two'), ...other })).body).toMatchObject({
      properties: { workspaceId: database('two'), ...other },
    });
    expect(((await ask('GET', settings(vault()))).body as { value: unknown[] }).value).toHaveLength(1);
    expect(await remove(vault(), 'copy')).toMatchObject({ status: 200, text: '' });
    expect(await remove(vault(), 'copy')).toMatchObject({ status: 204 });
    expect(await ask('GET', path)).toMatchObject({ status: 404, body: { error: { code: 'ResourceNotFound' } } });
    expect((await ask('GET', settings(vault()))).body).toEqual({ value: [] });
    expect(await arm.state.list(deliveryCursors)).toEqual([]);
  });

  it('take the right to write them on the source, and the right to change the database', async () => {
    const writer = arm.addPrincipal('writer');
    const send = () => put(vault(), 'copy', { workspaceId: database('one'), logs: auditEvent }, writer);
    expect(await send()).toMatchObject({ status: 403, body: { error: { code: 'AuthorizationFailed' } } });
    await assignRole(arm, 'Monitoring Contributor', writer.objectId, vault());
    const refused = await send();
    expect(refused).toMatchObject({ status: 403, body: { error: { code: 'LinkedAuthorizationFailed' } } });
    expect(errorOf(refused).message).toContain("'Microsoft.Kusto/clusters/databases/write'");
    expect(errorOf(refused).message).toContain(database('one'));
    await assignRole(arm, 'Contributor', writer.objectId, database('one'));
    expect(await send()).toMatchObject({ status: 200 });
    const stranger = arm.addPrincipal('stranger');
    await assignRole(arm, 'Contributor', stranger.objectId, database('two'));
    const elsewhere = await put(vault(), 'mine', { workspaceId: database('two'), logs: auditEvent }, stranger);
    expect(elsewhere).toMatchObject({ status: 403, body: { error: { code: 'AuthorizationFailed' } } });
    expect(await ask('GET', settings(vault()), stranger)).toMatchObject({ status: 403 });
    await remove(vault(), 'copy');
  });

  const workspace = '/subscriptions/s/resourceGroups/g/providers/Microsoft.OperationalInsights/workspaces/w';
  it.each([
    ['a workspace', { workspaceId: 'WORKSPACE', logs: auditEvent }, 501, 'workspaces of Log Analytics'],
    ['a cluster', { workspaceId: 'CLUSTER', logs: auditEvent }, 501, 'targets of this type'],
    ['a storage account', { storageAccountId: '/x', logs: auditEvent }, 501, 'storageAccountId'],
    ['an event hub', { eventHubAuthorizationRuleId: '/x', logs: auditEvent }, 501, 'eventHubAuthorizationRuleId'],
    ['a partner', { marketplacePartnerId: '/x', logs: auditEvent }, 501, 'marketplacePartnerId'],
    [
      'AzureDiagnostics',
      { logAnalyticsDestinationType: 'AzureDiagnostics', logs: auditEvent },
      501,
      'AzureDiagnostics',
    ],
    ['metrics', { metrics: [{ category: 'AllMetrics', enabled: true }], logs: auditEvent }, 501, 'AllMetrics'],
    ['nowhere', { workspaceId: null, logs: auditEvent }, 400, 'At least one data sink'],
    ['a database that is not there', { workspaceId: 'MISSING', logs: auditEvent }, 404, 'was not found'],
    ['an unknown category', { logs: [{ category: 'Query', enabled: true }] }, 400, "'Query' is not supported"],
    ['nothing', { logs: [{ category: 'AuditEvent', enabled: false }] }, 400, 'needs to be enabled'],
    ['a group besides', { logs: [...auditEvent, { categoryGroup: 'audit', enabled: true }] }, 400, 'Either categories'],
    ['one twice', { logs: [...auditEvent, ...auditEvent] }, 400, 'Either categories'],
    ['another shape', { logs: 'all' }, 400, 'properties.logs'],
  ])('are refused with %s', async (_, properties, status, text) => {
    const ids = new Map(
      Object.entries({
        WORKSPACE: workspace.replace('/s/', `/${arm.subscriptionId}/`),
        CLUSTER: cluster(),
        MISSING: database('none'),
      }),
    );
    const sent = { workspaceId: database('one'), ...properties };
    const answer = await put(vault(), 'no', {
      ...sent,
      workspaceId: ids.get(String(sent.workspaceId)) ?? sent.workspaceId,
    });
    expect(answer.status, answer.text).toBe(status);
    expect(errorOf(answer).message).toContain(text);
    expect(await arm.state.list(diagnosticSettings)).toEqual([]);
  });

  it('are refused where they do not exist in the service, or what is told of is not built', async () => {
    const sent = { workspaceId: database('one'), logs: auditEvent };
    expect(await put(group(), 'no', sent)).toMatchObject({
      status: 400,
      body: { error: { code: 'ResourceTypeNotSupported' } },
    });
    expect(await put(vault('missing'), 'no', sent)).toMatchObject({ status: 404 });
    const journal = await put(cluster(), 'no', { ...sent, logs: [{ category: 'Journal', enabled: true }] });
    expect(journal).toMatchObject({ status: 501, body: { error: { code: 'NotImplemented' } } });
    expect(errorOf(journal).message).toContain("'Journal'");
  });

  it('are five for a source at most, and send a category to a database once', async () => {
    const names = ['one', 'two', 'three', 'four', 'five'];
    for (const name of names)
      expect(await put(vault(), name, { workspaceId: database(name), logs: auditEvent })).toMatchObject({
        status: 200,
      });
    const sixth = await put(vault(), 'six', { workspaceId: database('six'), logs: auditEvent });
    expect(sixth).toMatchObject({ status: 409, body: { error: { code: 'Conflict' } } });
    expect(errorOf(sixth).message).toContain('limit of 5');
    await remove(vault(), 'five');
    const same = await put(vault(), 'again', {
      workspaceId: database('one'),
      logs: [{ categoryGroup: 'allLogs', enabled: true }],
    });
    expect(same).toMatchObject({ status: 409 });
    expect(errorOf(same).message).toContain("already used in diagnostic setting 'one' for category 'AuditEvent'");
    for (const name of names) await remove(vault(), name);
  });

  it('of a subscription tell of its Administrative events', async () => {
    const logs = ['Administrative', 'Policy'].map((category) => ({ category, enabled: true }));
    const answer = await put(subscription(), 'activity', { workspaceId: database('one'), logs });
    expect(answer).toMatchObject({ status: 200, body: { properties: { logs } } });
    expect((await arm.state.list(deliveryCursors)).map(({ id }) => id.split(' ')[1])).toEqual(['AzureActivity']);
    await remove(subscription(), 'activity');
  });

  it('are told of in the activity log, as they were written and deleted', async () => {
    const before = (await recordedEvents(arm.state)).length;
    await put(vault(), 'told', { workspaceId: database('one'), logs: auditEvent });
    await remove(vault(), 'told');
    const told = (await recordedEvents(arm.state)).slice(before).map(({ facts }) => facts);
    expect(told.map((facts) => facts.kind === 'administrative' && [facts.action, facts.status])).toEqual(
      ['write', 'delete'].flatMap((verb) =>
        ['Started', 'Succeeded'].map((status) => [`Microsoft.Insights/diagnosticSettings/${verb}`, status]),
      ),
    );
  });

  it('go with their source, and are not those of one that comes later', async () => {
    await addVault('short-lived');
    await put(vault('short-lived'), 'copy', { workspaceId: database('one'), logs: auditEvent });
    expect(await arm.state.list(deliveryCursors)).toHaveLength(1);
    expect(
      await ask('DELETE', vault('short-lived')).then(() =>
        arm.send('DELETE', `${vault('short-lived')}?api-version=2023-02-01`),
      ),
    ).toMatchObject({ status: 200 });
    expect(await arm.state.list(diagnosticSettings)).toEqual([]);
    expect(await arm.state.list(deliveryCursors)).toEqual([]);
  });
});

describe('the categories of a source', () => {
  it('DiagnosticSettingsCategory_List, DiagnosticSettingsCategory_Get: are those of the service', async () => {
    const path = `${vault()}/providers/Microsoft.Insights/diagnosticSettingsCategories`;
    const listed = (await ask('GET', path)).body as { value: { name: string; properties: unknown }[] };
    expect(listed.value.map(({ name }) => name)).toEqual(['AuditEvent', 'AzurePolicyEvaluationDetails', 'AllMetrics']);
    expect(listed.value[0]).toMatchObject({
      properties: { categoryType: 'Logs', categoryGroups: ['allLogs', 'audit'] },
    });
    expect((await ask('GET', `${path}/auditevent`)).body).toEqual(listed.value[0]);
    expect(await ask('GET', `${path}/Query`)).toMatchObject({ status: 404 });
    const ofCluster = await arm.send(
      'GET',
      `${cluster()}/providers/microsoft.insights/diagnosticSettingsCategories?api-version=2017-05-01-preview`,
    );
    expect((ofCluster.body as { value: { name: string }[] }).value.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['Query', 'Command', 'FailedIngestion', 'AllMetrics']),
    );
  });
});
