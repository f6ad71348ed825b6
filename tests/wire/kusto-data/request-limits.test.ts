import { request as httpRequest } from 'node:http';
import { readFileSync } from 'node:fs';
import { connect as tlsConnect } from 'node:tls';
import type { TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HostAnswer } from '../../support/server-fixture.ts';
import type { KustoData } from './kusto-fixture.ts';
import { clusterHost, databaseName, startKustoData } from './kusto-fixture.ts';
import { until } from '../../support/until.ts';

/** A cluster of two machines with eight cores each. */
let kusto: KustoData;
beforeAll(async () => {
  kusto = await startKustoData();
  const properties = { principalId: kusto.environment.clientId, principalType: 'App', role: 'AllDatabasesAdmin' };
  await kusto.arm('PUT', `${kusto.clusterPath}/principalAssignments/owner`, { properties });
});
afterAll(() => kusto[Symbol.asyncDispose]());

const command = (csl: string): Promise<HostAnswer> => kusto.post('/v1/rest/mgmt', { db: databaseName, csl });
const query = (csl: string): Promise<HostAnswer> => kusto.post('/v2/rest/query', { db: databaseName, csl });

/** So many requests that do not end by themselves. @returns what ends them: their clients go */
function occupy(count: number, path: string, csl: string): () => void {
  const sockets = Array.from({ length: count }, (): TLSSocket => {
    const socket = tlsConnect({
      ...{ host: '127.0.0.1', port: kusto.server.port, servername: clusterHost },
      ca: readFileSync(kusto.server.caFile, 'utf8'),
    });
    const request = httpRequest({
      ...{ createConnection: () => socket, method: 'POST', path },
      headers: { host: clusterHost, authorization: `Bearer ${kusto.token}` },
    });
    request.on('error', () => undefined);
    request.on('response', () => undefined); // nobody reads it, so the query waits and takes no processor
    request.end(JSON.stringify({ db: databaseName, csl }));
    return socket;
  });
  return () => {
    for (const socket of sockets) socket.destroy();
  };
}

async function capacityOf(resource: string): Promise<{ total: number; consumed: number; origin: string }> {
  const { body } = await command('.show capacity');
  const rows = (body as { Tables: { Rows: [string, number, number, number, string][] }[] }).Tables[0]?.Rows ?? [];
  const row = rows.find(([name]) => name === resource);
  if (row === undefined) throw new Error(`nobody counts ${resource}`);
  return { total: row[1], consumed: row[2], origin: row[4] };
}

async function untilConsumed(resource: string, count: number): Promise<void> {
  await until(async () => (await capacityOf(resource)).consumed === count);
}

const numbers = 'range a from 1 to 100000000000 step 1';
const endless = `set notruncation; ${numbers}`;
const group = 'RequestRateLimitPolicy/WorkloadGroup/default';

const throttled = (type: string, message: string) => ({
  status: 429,
  headers: { 'retry-after': '1' },
  body: {
    error: {
      ...{ code: 'TooManyRequests', message: 'Request is denied due to throttling.', '@permanent': false },
      ...{ '@type': `Kusto.DataNode.Exceptions.${type}`, '@message': message },
    },
  },
});

describe('requests at the same time', () => {
  it('are eighty queries, and commands besides; one more is refused at once', async () => {
    const free = occupy(80, '/v2/rest/query', endless);
    await untilConsumed('queries', 80);
    expect(await query('print 1')).toMatchObject(
      throttled(
        'QueryThrottledException',
        `The query was aborted due to throttling. Retrying after some backoff might succeed. Capacity: 80, Origin: '${group}'.`,
      ),
    );
    expect((await command('.create-merge table Beside (a: long)')).status).toBe(200);
    const { body } = await command('.show queries');
    expect(JSON.stringify(body)).toContain('"Throttled"');
    free();
    await untilConsumed('queries', 0);
    expect((await query('print 1')).status).toBe(200);
  });

  it('are eighty management commands, and queries besides', async () => {
    const free = occupy(80, '/v1/rest/mgmt', `.show version | extend x = toscalar(${numbers} | summarize sum(a % 7))`);
    let refused = await command('.create-merge table T (a: long)');
    while (refused.status === 200) refused = await command('.create-merge table T (a: long)');
    expect(refused).toMatchObject(
      throttled(
        'ControlCommandThrottledException',
        `The management command was aborted due to throttling. Retrying after some backoff might succeed. CommandType: 'TableCreate', Capacity: 80, Origin: '${group}'.`,
      ),
    );
    free();
    await until(async () => (await command('.show version')).status === 200);
    await untilConsumed('management-commands', 1);
  });

  it('come as a burst of eighty commands, and all of them work', async () => {
    const made = await Promise.all(
      Array.from({ length: 80 }, (_value, number) => command(`.create-merge table Burst${number} (a: long)`)),
    );
    expect(new Set(made.map(({ status }) => status))).toEqual(new Set([200]));
    const { body } = await command(".show tables | where TableName startswith 'Burst' | count");
    expect(body).toHaveProperty('Tables.0.Rows', [[80]]);
  });

  it('of another machine are others, from the moment on', async () => {
    await kusto.arm('PATCH', kusto.clusterPath, { sku: { name: 'Standard_E2a_v4', tier: 'Standard', capacity: 2 } });
    const free = occupy(20, '/v2/rest/query', endless);
    await untilConsumed('queries', 20);
    expect(await capacityOf('queries')).toEqual({ total: 20, consumed: 20, origin: group });
    expect(await capacityOf('ingestions')).toEqual({ total: 3, consumed: 0, origin: 'CapacityPolicy/Ingestion' });
    expect((await query('print 1')).text).toContain('Capacity: 20,');
    free();
    await untilConsumed('queries', 0);
  });
});

describe('the workload group', () => {
  const limit = (most: number, queues: boolean): string => {
    const group = {
      RequestRateLimitPolicies: [
        {
          ...{ IsEnabled: true, Scope: 'WorkloadGroup', LimitKind: 'ConcurrentRequests' },
          Properties: { MaxConcurrentRequests: most },
        },
      ],
      RequestQueuingPolicy: { IsEnabled: queues },
    };
    return `.create-or-alter workload_group default \`\`\`${JSON.stringify(group)}\`\`\``;
  };

  it('has another limit from the next request on, and lets requests wait where a policy asks for it', async () => {
    expect((await command(limit(2, false))).status).toBe(200);
    expect(await capacityOf('queries')).toEqual({ total: 2, consumed: 0, origin: group });
    let free = occupy(2, '/v2/rest/query', endless);
    await untilConsumed('queries', 2);
    expect((await query('print 1')).text).toContain(`Capacity: 2, Origin: '${group}'`);
    expect((await command(limit(2, true))).status).toBe(200);
    const waiting = query('print Waited = 1');
    const shown = async (text: string, state: string): Promise<boolean> => {
      const { body } = await command('.show queries');
      const rows = (body as { Tables: { Rows: unknown[][] }[] }).Tables[0]?.Rows ?? [];
      return rows.some((row) => row.includes(text) && row.includes(state));
    };
    await until(() => shown('print Waited = 1', 'InProgress'));
    free();
    expect(await waiting).toMatchObject({ status: 200 });
    await untilConsumed('queries', 0);

    // Whoever goes while waiting leaves its place to those behind.
    free = occupy(2, '/v2/rest/query', endless);
    await untilConsumed('queries', 2);
    const leave = occupy(1, '/v2/rest/query', 'print Left = 1');
    await until(() => shown('print Left = 1', 'InProgress'));
    leave();
    await until(() => shown('print Left = 1', 'Cancelled'));
    free();
    await untilConsumed('queries', 0);
  });
});

describe("a workload group of one's own", () => {
  it('takes the requests that are classified into it, and holds them to its limits', async () => {
    const small = {
      RequestLimitsPolicy: { MaxResultRecords: { IsRelaxable: false, Value: 3 } },
      RequestRateLimitPolicies: [
        {
          ...{ IsEnabled: true, Scope: 'WorkloadGroup', LimitKind: 'ResourceUtilization' },
          Properties: { ResourceKind: 'RequestCount', MaxUtilization: 3, TimeWindow: '01:00:00' },
        },
      ],
    };
    const made = `.create-or-alter workload_group ['Small ones'] \`\`\`${JSON.stringify(small)}\`\`\``;
    expect((await command(made)).status).toBe(200);
    const by = `iff(request_properties.request_description == "small", "Small ones", "default")`;
    const classify = `.alter cluster policy request_classification '{"IsEnabled":true}' <| ${by}`;
    expect((await command(classify)).status).toBe(200);
    const described = (csl: string): Promise<HostAnswer> => {
      const properties = { Options: { request_description: 'small', notruncation: true } };
      return kusto.post('/v2/rest/query', { db: databaseName, csl, properties });
    };
    expect((await query('range a from 1 to 4 step 1')).text).toContain('{\\"Count\\":1,\\"Text\\":\\"default\\"}');
    const whole = await described('range a from 1 to 3 step 1');
    expect(whole.text).toContain('{\\"Count\\":1,\\"Text\\":\\"Small ones\\"}');
    expect(whole.text).not.toContain('E_QUERY_RESULT_SET_TOO_LARGE');
    expect((await described('range a from 1 to 4 step 1')).text).toContain('the set limit of 3 records');
    expect((await described('print Third = 1')).status).toBe(200);
    const quota =
      "The request was denied due to exceeding quota limitations. Resource: 'RequestCount', Quota: '3', TimeWindow: '01:00:00', Origin: 'RequestRateLimitPolicy/WorkloadGroup/Small ones'.";
    expect(await described('print Fourth = 1')).toMatchObject(throttled('QuotaExceededException', quota));
    expect((await query('print 1')).status).toBe(200);
    const shown = '.show queries | where Text has "Third" | project WorkloadGroup, isnotnull(TotalCpu), State';
    expect((await command(shown)).body).toHaveProperty('Tables.0.Rows', [['Small ones', true, 'Completed']]);
    await command('.delete cluster policy request_classification');
    expect((await described('print Fifth = 1')).status).toBe(200);
  });
});

describe('the memory of a query', () => {
  const groups = 'range a from 1 to 400000 step 1 | summarize n = count() by a | summarize max(n)';
  const words = (bytes: number): string =>
    `Query execution has exceeded the allowed limits (80DA0001): 'summarize' operator has exceeded the memory budget (${bytes}) during evaluation. Results may be incorrect or incomplete (E_RUNAWAY_QUERY; see https://aka.ms/kustoquerylimits).`;
  const runaway = (bytes: number) => ({
    status: 400,
    body: {
      error: {
        ...{ code: 'LimitsExceeded', message: 'Request is invalid and cannot be executed.', '@permanent': false },
        '@type': 'Kusto.Data.Exceptions.KustoServicePartialQueryFailureLimitsExceededException',
        '@message': words(bytes),
      },
    },
  });
  const asking = (path: string, csl: string, options: object): Promise<HostAnswer> =>
    kusto.post(path, { db: databaseName, csl, properties: { Options: options } });
  const bytes = 4_000_000;

  it.each(['/v1/rest/query', '/v2/rest/query'])('is what the client allows, by %s', async (path) => {
    const asked = asking(path, groups, { max_memory_consumption_per_query_per_node: bytes });
    expect(await asked).toMatchObject(runaway(bytes));
    const set = `set maxmemoryconsumptionperiterator = ${bytes}; ${groups}`;
    expect(await asking(path, set, { maxmemoryconsumptionperiterator: 9_000_000 })).toMatchObject(runaway(bytes));
    expect((await asking(path, groups, { maxmemoryconsumptionperiterator: 68_719_476_736 })).status).toBe(200);
  });

  it('is what the workload group allows, of commands, too', async () => {
    const limits = { MaxMemoryPerQueryPerNode: { IsRelaxable: false, Value: bytes } };
    const policy = JSON.stringify({ RequestLimitsPolicy: limits });
    expect((await command(`.create-or-alter workload_group Lean \`\`\`${policy}\`\`\``)).status).toBe(200);
    const by = `iff(request_properties.request_description == "lean", "Lean", "default")`;
    await command(`.alter cluster policy request_classification '{"IsEnabled":true}' <| ${by}`);
    const lean = { request_description: 'lean' };
    const more = { ...lean, max_memory_consumption_per_query_per_node: 1_000_000_000 };
    expect(await asking('/v2/rest/query', groups, more)).toMatchObject(runaway(bytes));
    expect((await asking('/v2/rest/query', 'print 1', lean)).status).toBe(200);
    expect(await asking('/v1/rest/mgmt', `.set-or-append Lean <| ${groups}`, lean)).toMatchObject(runaway(bytes));
    expect((await asking('/v1/rest/mgmt', '.set-or-append Lean <| print a = 1', lean)).status).toBe(200);
    await command('.delete cluster policy request_classification');
    expect((await query(groups)).status).toBe(200);
  });
});

describe('commands in a workload group', () => {
  const described = (csl: string, more = {}): Promise<HostAnswer> => {
    const properties = { Options: { request_description: 'short', ...more } };
    return kusto.post('/v1/rest/mgmt', { db: databaseName, csl, properties });
  };
  const cut = (limit: string) => expect.stringContaining(`the set limit of ${limit}`) as string;
  const rowsOf = ({ body }: HostAnswer): readonly unknown[] =>
    (body as { Tables: { Rows: unknown[] }[] }).Tables[0]?.Rows ?? [];
  const group = (limits: Readonly<Record<string, number>>): Promise<HostAnswer> => {
    const policy = Object.entries(limits).map(([name, Value]) => [name, { IsRelaxable: false, Value }]);
    const text = JSON.stringify({ RequestLimitsPolicy: Object.fromEntries(policy) as object });
    return command(`.create-or-alter workload_group Short \`\`\`${text}\`\`\``);
  };

  it('are done, and tell no more of it than its limits allow', async () => {
    await group({ MaxResultRecords: 3 });
    const by = `iff(request_properties.request_description == "short", "Short", "default")`;
    await command(`.alter cluster policy request_classification '{"IsEnabled":true}' <| ${by}`);
    const made = await described('.create tables Cut1 (a: long), Cut2 (a: long), Cut3 (a: long), Cut4 (a: long)');
    expect(made).toMatchObject({ status: 200, body: { Exceptions: [cut('3 records')] } });
    expect(rowsOf(made)).toEqual([
      ...Array.from({ length: 3 }, () => expect.any(Array) as unknown),
      { Exceptions: [cut('3 records')] },
    ]);
    const cuts = '.show tables | where TableName startswith "Cut" | project TableName | order by TableName asc';
    expect(rowsOf(await command(cuts))).toHaveLength(4);
    expect(rowsOf(await described(cuts, { notruncation: true }))).toEqual([
      ['Cut1'],
      ['Cut2'],
      ['Cut3'],
      { Exceptions: [cut('3 records')] },
    ]);
    expect((await described(`${cuts} | count`)).body).toHaveProperty('Tables.0.Rows', [[4]]);
    expect(rowsOf(await described(cuts, { truncationmaxrecords: 1 }))).toEqual([
      ['Cut1'],
      { Exceptions: [cut('1 records')] },
    ]);
    const deferred = await described(cuts, { deferpartialqueryfailures: true });
    expect(rowsOf(deferred)).toHaveLength(3);
    expect(deferred.body).toHaveProperty('Tables.2.Rows.0.2', 'Error');
    await group({ MaxResultBytes: 10 });
    expect(rowsOf(await described(cuts))).toEqual([['Cut1'], { Exceptions: [cut('10 bytes')] }]);
    // What brings rows in tells of its extent; in the group default nothing holds it to less.
    expect(rowsOf(await described('.set-or-append Cut1 <| print a = 1'))).toEqual([{ Exceptions: [cut('10 bytes')] }]);
    expect(rowsOf(await command('.set-or-append Cut1 <| print a = 2'))).toEqual([expect.any(Array)]);
    expect(rowsOf(await command('.show table Cut1 details | project TotalRowCount'))).toEqual([[2]]);
    await command('.delete cluster policy request_classification');
  });
});

describe('what a workload group lets queries read', () => {
  it('is what is hot, with a share of the threads, and results that are not too old', async () => {
    await command('.create table Scoped (n: long)');
    await command(`.append Scoped with (creationTime='2020-01-01T00:00:00Z') <| print n = 1`);
    await command('.append Scoped <| print n = 2');
    await command('.alter table Scoped policy caching hot = 7d');
    const policy = {
      RequestLimitsPolicy: {
        DataScope: { IsRelaxable: true, Value: 'HotCache' },
        MaxFanoutThreadsPercentage: { IsRelaxable: false, Value: 50 },
        MaxFanoutNodesPercentage: { IsRelaxable: false, Value: 50 },
      },
      QueryConsistencyPolicy: { CachedResultsMaxAge: { IsRelaxable: true, Value: '01:00:00' } },
    };
    expect((await command(`.create-or-alter workload_group Hot \`\`\`${JSON.stringify(policy)}\`\`\``)).status).toBe(
      200,
    );
    const by = `iff(request_properties.request_description == "hot", "Hot", "default")`;
    await command(`.alter cluster policy request_classification '{"IsEnabled":true}' <| ${by}`);
    const asked = async (path: string, csl: string, options: object = {}): Promise<unknown> => {
      const properties = { Options: { request_description: 'hot', ...options } };
      const { body } = await kusto.post(path, { db: databaseName, csl, properties });
      return (body as { Tables: { Rows: unknown[] }[] }).Tables[0]?.Rows;
    };
    const [queries, commands] = ['/v1/rest/query', '/v1/rest/mgmt'];
    expect(await asked(queries, 'Scoped')).toEqual([[2]]);
    expect(await asked(queries, 'Scoped | count', { query_datascope: 'all' })).toEqual([[2]]);
    expect(await asked(queries, 'set query_datascope = "all"; Scoped | count')).toEqual([[2]]);
    expect(await asked(commands, '.set ScopedCopy <| Scoped | project n')).toHaveLength(1);
    expect(await asked(commands, '.show table ScopedCopy details | project TotalRowCount')).toEqual([[1]]);
    // An hour old at most, unless the client says less.
    const drawn = 'Scoped | project r = rand()';
    const first = await asked(queries, drawn);
    expect(await asked(queries, drawn)).toEqual(first);
    expect(await asked(queries, drawn, { query_results_cache_max_age: 0 })).not.toEqual(first);
    await command('.delete cluster policy request_classification');
    expect((await query('Scoped | count')).status).toBe(200);
    expect((await query('set query_datascope = "warm"; Scoped')).status).toBe(400);
  });
});

describe('a request that bars itself from something', () => {
  it('does not read external data, by a query or a command', async () => {
    const csl = 'externaldata(a: long) ["https://contoso.example/a.csv"]';
    const properties = { Options: { request_external_data_disabled: true } };
    const refused = { status: 403, text: expect.stringContaining('request_external_data_disabled') as string };
    expect(await kusto.post('/v2/rest/query', { db: databaseName, csl, properties })).toMatchObject(refused);
    const set = { db: databaseName, csl: `.set Barred <| ${csl}`, properties };
    expect(await kusto.post('/v1/rest/mgmt', set)).toMatchObject(refused);
    expect((await query(csl)).text).not.toContain('request_external_data_disabled');
  });
});

describe('the managed identity policy', () => {
  it('names the identities that the resource manager has given the cluster', async () => {
    const policy = `'[{"ObjectId": "system", "AllowedUsages": "NativeIngestion"}]'`;
    const set = `.alter-merge cluster policy managed_identity ${policy} | extend P = parse_json(Policy)[0]`;
    const named = `${set} | project tostring(P.ObjectId), tostring(P.DisplayName), tobool(P.IsSystem), isnotempty(P.ClientId)`;
    await kusto.arm('PATCH', kusto.clusterPath, { identity: { type: 'None' } });
    expect((await command(named)).text).toContain("The managed identity 'system' is not assigned to the cluster.");
    const { body } = await kusto.arm('PATCH', kusto.clusterPath, { identity: { type: 'SystemAssigned' } });
    const { principalId } = (body as { identity: { principalId: string } }).identity;
    const answer = await command(named);
    expect(answer.body).toHaveProperty('Tables.0.Rows', [[principalId, clusterHost.split('.')[0], true, true]]);
  });
});
