import { createHash } from 'node:crypto';
import type { ClusterDescription } from '../../server/cluster-inventory.ts';
import { isJsonObject, textMember } from '../../base/json.ts';
import { callLocal, localToken, succeeded } from '../../server/local-client.ts';
import { listClusters } from '../clusters.ts';
import { requireInstance } from '../control-client.ts';
import { dataDirectoryOf } from '../options.ts';
import { clusterHost } from '../query.ts';
import { UserError } from '../user-error.ts';
import type { KustoDatabase } from './kusto-database.ts';
import { firstRows } from './kusto-database.ts';

/** Durations of ISO 8601; missing where none is set. */
export interface DatabasePeriods {
  readonly softDeletePeriod?: string;
  readonly hotCachePeriod?: string;
}

export interface Source {
  readonly host: string;
  /** Twelve hexadecimal digits that no other cluster of no other instance has. */
  readonly id: string;
  readonly cluster: ClusterDescription | undefined;
  /** Of the data directory's own application, which has rights here and is nobody elsewhere. */
  readonly ownClientId: string;
  readonly database: (name: string) => KustoDatabase;
  /** What the resource manager says of a database: how long rows stay, and stay hot. */
  readonly periods: (database: string) => Promise<DatabasePeriods>;
}

/** The cluster that is promoted, of a running instance, past proxies and DNS: what variables say of Azure is said of the target.
 * @throws UserError when nothing runs there, or a cluster is to be named */
export async function openSource(options: { readonly data?: string; readonly cluster?: string }): Promise<Source> {
  const client = await requireInstance(dataDirectoryOf(options));
  const environment = await client.environment();
  const host = clusterHost(environment, options.cluster);
  const { tenantId, subscriptionId, clientId } = environment;
  const call = async (db: string, kind: 'mgmt' | 'query', csl: string) => {
    const token = await localToken(environment, 'https://kusto.kusto.windows.net');
    const request = { host, method: 'POST', path: `/v1/rest/${kind}`, token, answerBytesMax: 256 * 1024 * 1024 };
    return firstRows(await callLocal(environment, { ...request, body: { db, csl } }));
  };
  const cluster = (await listClusters(client, false)).find((one) => one.host === host);
  if (cluster !== undefined && cluster.state !== 'Running')
    throw new UserError(
      `The cluster ${cluster.name} is ${cluster.state}: no row leaves it.`,
      "'kustody status' says why.",
    );
  return {
    ...{ host, cluster, ownClientId: clientId },
    id: createHash('sha256').update([tenantId, subscriptionId, clientId, host].join('\n')).digest('hex').slice(0, 12),
    database: (name) => ({
      command: (csl) => call(name, 'mgmt', csl),
      query: (csl) => call(name, 'query', csl),
    }),
    periods: async (name) => {
      if (cluster === undefined) return {};
      const token = await localToken(environment, 'https://management.azure.com');
      const path = `${cluster.resourceId}/databases/${encodeURIComponent(name)}?api-version=2023-08-15`;
      const answer = await callLocal(environment, { host: 'management.azure.com', method: 'GET', path, token });
      const { properties } = succeeded(answer);
      return Object.fromEntries(
        (['softDeletePeriod', 'hotCachePeriod'] as const).flatMap((period) => {
          const text = isJsonObject(properties) ? textMember(properties, period) : '';
          return text === '' ? [] : [[period, text]];
        }),
      );
    },
  };
}
