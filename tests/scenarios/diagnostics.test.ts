import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { drillInstance } from '../../src/cli/drill/drill-instance.ts';
import type { DrillInstance } from '../../src/cli/drill/drill-instance.ts';
import { arm, armVersions, kusto, makeScene } from '../../src/cli/drill/scene.ts';
import type { Scene } from '../../src/cli/drill/scene.ts';
import { ways } from '../../src/cli/drill/ways.ts';
import type { ShownEvents } from '../../src/server/audit-routes.ts';
import { startServerFixture } from '../support/server-fixture.ts';
import { until } from '../support/until.ts';

// What is recorded goes to the database that a setting names, with a server and processes that are real.

let fixture: Awaited<ReturnType<typeof startServerFixture>>;
let instance: DrillInstance;
let scene: Scene;

beforeAll(async () => {
  fixture = await startServerFixture();
  instance = await drillInstance(fixture.server);
  scene = await makeScene(instance);
});
afterAll(() => fixture[Symbol.asyncDispose]());

const insights = 'api-version=2021-05-01-preview';
const settingAt = (scope: string, name: string) => `${scope}/providers/Microsoft.Insights/diagnosticSettings/${name}`;

async function rowsOf(csl: string): Promise<readonly unknown[][]> {
  const { status, value } = await kusto(scene, 'query', csl);
  if (status !== 200) return [];
  return (value as { Tables: { Rows: unknown[][] }[] }).Tables[0]?.Rows ?? [];
}

/** Asks again and again, as long as the test may take. */
async function rowsWhen(csl: string, isThere: (rows: readonly unknown[][]) => boolean): Promise<readonly unknown[][]> {
  let rows: readonly unknown[][] = [];
  await until(
    async () => isThere((rows = await rowsOf(csl))),
    () => `${csl} gives ${JSON.stringify(rows)}`,
  );
  return rows;
}

const databases = async () => {
  const { value } = await kusto(scene, 'mgmt', '.show databases | project DatabaseName');
  return (value as { Tables: { Rows: unknown[][] }[] }).Tables[0]?.Rows;
};

const useKey = (times: number) =>
  Promise.all(
    Array.from({ length: times }, () =>
      scene.send({ host: scene.vaultHost, method: 'GET', path: `/keys/${scene.keyName}?api-version=7.4` }),
    ),
  );

describe('a diagnostic setting', () => {
  it('sends what is done from then on to its database, each event once, waits while the key is away, and goes on', async () => {
    // The cluster looks at its key as well, when it must.
    const count = `AZKVAuditLogs | where OperationName == 'KeyGet' and tostring(Identity) has '${instance.environment.clientId}' | summarize count(), dcount(_Sequence)`;
    await useKey(3);
    const made = await arm(scene, 'PUT', settingAt(scene.vaultPath, 'copy'), insights, {
      properties: {
        workspaceId: `${scene.clusterPath}/databases/db`,
        logs: [{ category: 'AuditEvent', enabled: true }],
      },
    });
    expect(made.status, JSON.stringify(made.value)).toBe(200);
    await useKey(40);
    expect(await rowsWhen(count, ([row]) => Number(row?.[0]) >= 40)).toEqual([[40, 40]]);
    expect(await databases()).toEqual([['db']]);
    expect(await rowsOf('AZKVAuditLogs | summarize by _Source, tolower(_ResourceId)')).toEqual([
      [settingAt(scene.vaultPath, 'copy').toLowerCase(), scene.vaultPath.toLowerCase()],
    ]);

    const way = ways.find(({ name }) => name === 'versionDisabled');
    if (way === undefined) throw new Error('it is one of them');
    await way.take(scene);
    await instance.pass(30);
    expect((await kusto(scene, 'query', count)).status).not.toBe(200);
    await useKey(25);
    const token = fixture.server.controlToken;
    const original = await fixture.send({
      host: 'localhost',
      method: 'GET',
      path: '/audit/events?operation=KeyGet&last=100',
      token,
    });
    expect((original.body as ShownEvents).events.length).toBeGreaterThanOrEqual(65);
    await way.giveBack(scene);
    await instance.pass(30);
    expect(await rowsWhen(count, ([row]) => Number(row?.[0]) >= 65)).toEqual([[65, 65]]);

    expect((await arm(scene, 'DELETE', settingAt(scene.vaultPath, 'copy'), insights)).status).toBe(200);
    await useKey(5);
    const activity = settingAt(`/subscriptions/${instance.environment.subscriptionId}`, 'activity');
    await arm(scene, 'PUT', activity, insights, {
      properties: {
        workspaceId: `${scene.clusterPath}/databases/db`,
        logs: [{ category: 'Administrative', enabled: true }],
      },
    });
    const tagged = await arm(scene, 'PATCH', scene.vaultPath, armVersions.vault, { tags: { a: 'b' } });
    expect(tagged.status).toBe(200);
    const changes =
      'AzureActivity | where OperationNameValue =~ "Microsoft.KeyVault/vaults/write" | summarize make_set(ActivityStatusValue)';
    const [[statuses] = []] = await rowsWhen(changes, ([row]) => String(row?.[0]).includes('Succeeded'));
    expect(statuses).toEqual(expect.anything());
    expect(await rowsOf(count)).toEqual([[65, 65]]);
  });

  it('sends what a cluster is asked once, with who, what and how it ended, and nothing of before or of its own writing', async () => {
    await kusto(scene, 'query', 'print Before = 1');
    const database = `${scene.clusterPath}/databases/db`;
    const logs = ['Query', 'Command'].map((category) => ({ category, enabled: true }));
    const properties = { workspaceId: database, logs };
    expect((await arm(scene, 'PUT', settingAt(scene.clusterPath, 'asked'), insights, { properties })).status).toBe(200);
    for (let at = 0; at < 30; at += 1) await kusto(scene, 'query', `Readings | take ${at} | where Device != 'x'`);
    await kusto(scene, 'mgmt', '.create table Noted (a: long)');
    await kusto(scene, 'query', 'NoSuchTable | count');
    const queries =
      'ADXQuery | where Text startswith "Readings | take" | summarize count(), dcount(RootActivityId), dcount(Text)';
    expect(await rowsWhen(queries, ([row]) => Number(row?.[0]) >= 30)).toEqual([[30, 30, 30]]);
    const [[principal, state, application, rows, scanned] = []] = await rowsOf(
      'ADXQuery | where Text startswith "Readings | take 7 " | project Principal, State, Category, TablesStatistics[0].RowCount, TotalRowsCount',
    );
    expect([principal, state, application, rows, scanned]).toEqual([
      `aadapp=${instance.environment.clientId};${instance.environment.tenantId}`,
      ...['Completed', 'Query', 7, 1000],
    ]);
    const failed = 'ADXQuery | where Text == "NoSuchTable | count" | project State, isnotempty(FailureReason)';
    expect(await rowsWhen(failed, ({ length }) => length > 0)).toEqual([['Failed', true]]);
    const commands = 'ADXCommand | where Text has "Noted" | project CommandType, State';
    expect(await rowsWhen(commands, ({ length }) => length > 0)).toEqual([['TableCreate', 'Completed']]);
    expect(await rowsOf('ADXQuery | where Text has "Before" | where Text startswith "print"')).toEqual([]);
    expect(await rowsOf('ADXCommand | where Text has "ADX"')).toEqual([]);
    await arm(scene, 'DELETE', settingAt(scene.clusterPath, 'asked'), insights);
  });
});
