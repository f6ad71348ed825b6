import type { HostAnswer } from '../../support/server-fixture.ts';
import { startServerFixture } from '../../support/server-fixture.ts';
import type { Identity } from '../../support/new-identity.ts';
import { newIdentityIn } from '../../support/new-identity.ts';

/** Two clusters, `leader` with a database `logs` that has a table T with a row, and `follower`, which can attach it. Clients are the owner and
 * others that the directory knows. */
export async function startFollowers() {
  const fixture = await startServerFixture();
  const { subscriptionId, tenantId } = fixture.environment;
  const group = `/subscriptions/${subscriptionId}/resourceGroups/rg1`;
  const clusters = `${group}/providers/Microsoft.Kusto/clusters`;
  const armToken = await fixture.tokenFor('https://management.azure.com');
  const ownToken = await fixture.tokenFor('https://kusto.kusto.windows.net');
  const arm = (method: string, path: string, body?: unknown, version = '2024-04-13'): Promise<HostAnswer> =>
    fixture.send({
      ...{ host: 'management.azure.com', method, token: armToken, body },
      path: `${path.startsWith('/') ? path : `${clusters}/${path}`}?api-version=${version}`,
    });
  const post = (path: string, cluster: string, body: { db: string; csl: string }, token: string) =>
    fixture.send({
      ...{ host: `${cluster}.eastus.kusto.windows.net`, method: 'POST', path, token, body },
      headers: { accept: 'application/json' },
    });

  await arm('PUT', group, { location: 'eastus' }, '2021-04-01');
  for (const cluster of ['leader', 'follower'])
    await arm('PUT', cluster, {
      location: 'eastus',
      sku: { name: 'Standard_E8ads_v5', tier: 'Standard', capacity: 2 },
    });
  await arm('PUT', 'leader/databases/logs', { location: 'eastus', kind: 'ReadWrite' });
  const command = (cluster: string, db: string, csl: string, token = ownToken) =>
    post('/v1/rest/mgmt', cluster, { db, csl }, token);
  await command('leader', 'logs', '.create table T (n:long)');
  await command('leader', 'logs', '.ingest inline into table T <| 7');

  /** A new application with a service principal. */
  const newIdentity = (displayName: string): Promise<Identity> => newIdentityIn(fixture, displayName);
  const tokenOf = async ({ clientId, clientSecret }: Identity): Promise<string> => {
    const form = { grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret };
    const { body } = await fixture.send({
      ...{ host: 'login.microsoftonline.com', method: 'POST', path: `/${tenantId}/oauth2/v2.0/token` },
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ ...form, scope: 'https://kusto.kusto.windows.net/.default' }).toString(),
    });
    return (body as { access_token: string }).access_token;
  };

  return {
    ...{ fixture, clusters, arm, command, newIdentity, tokenOf },
    query: (cluster: string, db: string, csl: string, token = ownToken) =>
      post('/v2/rest/query', cluster, { db, csl }, token),
    attach: (properties: object = {}, name = 'adc') =>
      arm('PUT', `follower/attachedDatabaseConfigurations/${name}`, {
        location: 'eastus',
        properties: {
          clusterResourceId: `${clusters}/leader`,
          databaseName: 'logs',
          defaultPrincipalsModificationKind: 'Union',
          ...properties,
        },
      }),
    detach: (name = 'adc') => arm('DELETE', `follower/attachedDatabaseConfigurations/${name}`),
    assign: (place: string, name: string, principalId: string, role: string) =>
      arm('PUT', `${place}/principalAssignments/${name}`, {
        properties: { principalId, principalType: 'App', role },
      }),
    [Symbol.asyncDispose]: () => fixture[Symbol.asyncDispose](),
  };
}

export type Followers = Awaited<ReturnType<typeof startFollowers>>;

/** The first table of an answer, each row by column. */
export function rowsOf({ status, text, body }: HostAnswer): readonly Readonly<Record<string, unknown>>[] {
  if (status !== 200) throw new Error(`${status} ${text}`);
  const [table] = (body as { Tables: { Columns: { ColumnName: string }[]; Rows: unknown[][] }[] }).Tables;
  const names = table?.Columns.map(({ ColumnName }) => ColumnName) ?? [];
  return (table?.Rows ?? []).map((row) => Object.fromEntries(names.map((name, index) => [name, row[index]])));
}
