import { callPlane } from './planes.ts';
import { sendJson } from './request.ts';

/** Where a query goes. */
export interface Where {
  /** `{cluster}.{region}.kusto.windows.net` */
  readonly host: string;
  readonly database: string;
}

export interface KustoRequest {
  /** Client request properties: `{ Options: { servertimeout: '00:01:00' }, Parameters: { name: 'value' } }`. */
  readonly properties?: {
    readonly Options?: Readonly<Record<string, unknown>>;
    readonly Parameters?: Readonly<Record<string, unknown>>;
  };
  /** Aborting it ends the query in the cluster, too. */
  readonly signal?: AbortSignal;
  /** `x-ms-client-request-id`, by which `cancel` knows it. */
  readonly requestId?: string;
}

export interface V1Table {
  readonly TableName: string;
  readonly Columns: readonly { readonly ColumnName: string; readonly DataType: string; readonly ColumnType: string }[];
  readonly Rows: readonly (readonly unknown[])[];
}

/** A frame of v2: see "Query/management HTTP response", version 2. */
export interface V2Frame {
  readonly FrameType: 'DataSetHeader' | 'DataTable' | 'DataSetCompletion';
  readonly TableId?: number;
  /** `PrimaryResult`, `QueryProperties` (visualization), `QueryCompletionInformation` (statistics) … */
  readonly TableKind?: string;
  readonly TableName?: string;
  readonly Columns?: readonly { readonly ColumnName: string; readonly ColumnType: string }[];
  /** A row that is an object is a failure in the middle of an answer: `{ OneApiErrors: [...] }`. */
  readonly Rows?: readonly (readonly unknown[] | { readonly OneApiErrors: readonly unknown[] })[];
  readonly HasErrors?: boolean;
  readonly Cancelled?: boolean;
  readonly OneApiErrors?: readonly unknown[];
}

export interface ClusterToQuery {
  readonly name: string;
  readonly host: string;
  /** `Running`, `Stopped`, `Unavailable` (its key is not to be had) … */
  readonly state: string;
  readonly databases: readonly string[];
}

/** The answer as it comes, for whoever reads numbers beyond 2^53 exactly, or a stream. @throws ApiError with the service's own error as body */
export const postKusto = (
  endpoint: '/v1/rest/query' | '/v2/rest/query' | '/v1/rest/mgmt',
  { host, database }: Where,
  csl: string,
  { properties, signal, requestId }: KustoRequest = {},
): Promise<Response> =>
  callPlane(host, endpoint, {
    method: 'POST',
    json: { db: database, csl, ...(properties === undefined ? {} : { properties }) },
    headers: {
      // Without it errors are plain text, which does not say where in the query they are.
      accept: 'application/json',
      'x-ms-app': 'Kustody portal',
      ...(requestId === undefined ? {} : { 'x-ms-client-request-id': requestId }),
    },
    ...(signal === undefined ? {} : { signal }),
  });

/** @throws ApiError */
export const queryV2 = async (where: Where, csl: string, request?: KustoRequest): Promise<readonly V2Frame[]> =>
  (await (await postKusto('/v2/rest/query', where, csl, request)).json()) as V2Frame[];

/** A management command. @throws ApiError */
export const mgmt = async (where: Where, csl: string, request?: KustoRequest): Promise<readonly V1Table[]> =>
  ((await (await postKusto('/v1/rest/mgmt', where, csl, request)).json()) as { readonly Tables: V1Table[] }).Tables;

/** All clusters of this instance that have an address. @throws ApiError */
export async function clusters(): Promise<readonly ClusterToQuery[]> {
  const { clusters: listed } = await sendJson<{ readonly clusters: readonly ListedCluster[] }>(
    '/clusters?contents=false',
  );
  return listed.flatMap(({ name, host, state, databaseNames }) =>
    host === undefined ? [] : [{ name, host, state, databases: databaseNames }],
  );
}

interface ListedCluster {
  readonly name: string;
  readonly host?: string;
  readonly state: string;
  readonly databaseNames: readonly string[];
}
