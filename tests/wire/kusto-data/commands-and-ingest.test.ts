import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gzipSync } from 'node:zlib';
import type { KustoData } from './kusto-fixture.ts';
import { clusterHost, databaseName, startKustoData } from './kusto-fixture.ts';

let kusto: KustoData;
beforeAll(async () => {
  kusto = await startKustoData();
  for (const text of [
    '.create table T (n:long, s:string)',
    '.alter table T policy streamingingestion enable',
    `.create table T ingestion json mapping 'm' '[{"column":"n","Properties":{"path":"$.number"}},{"column":"s","Properties":{"path":"$.text"}}]'`,
  ]) {
    const { failed } = await kusto.call({ call: 'mgmt', database: databaseName, text });
    if (failed !== undefined) throw new Error(JSON.stringify(failed));
  }
});
afterAll(() => kusto[Symbol.asyncDispose]());

const count = async (where: string): Promise<unknown> => {
  const { tables } = await kusto.call({ call: 'queryV1', database: databaseName, text: `T | where ${where} | count` });
  return tables?.[0]?.rows[0]?.[0];
};

describe('management commands', () => {
  it('answer with exactly one table', async () => {
    const { tables } = await kusto.call({ call: 'mgmt', database: databaseName, text: '.show tables' });
    expect(tables).toHaveLength(1);
    expect(tables?.[0]?.rows[0]?.[0]).toBe('T');
  });

  it.each([
    ['operators', '.show tables | project TableName', [[['T']]]],
    ['statements', 'let keep = "T"; $command_results | where TableName == keep | count', [[[1]]]],
    ['both', '.show tables | project A = "1" | take 1; datatable(b: int) [3] | project A = "2"', [[['1']], [['2']]]],
    ['operators, and the rows again', '.show tables | count; $command_results | project TableName', [[[1]], [['T']]]],
    [
      'a command that the parser does not read',
      `.show database ${databaseName} details; $command_results | count`,
      [[[1]]],
    ],
    [
      'its operators',
      `.show database ${databaseName} details | count; $command_results | project Stopped = 1`,
      [[[1]], [[1]]],
    ],
  ])('of a query after them, by %s, answer as queries do', async (_by, after, expected) => {
    const text = after.startsWith('.') ? after : `.show tables; ${after}`;
    const { tables = [] } = await kusto.call({ call: 'mgmt', database: databaseName, text });
    const contents = tables.at(-1)?.rows.map((row) => row[1]);
    expect(contents).toEqual([...expected.map(() => 'QueryResult'), 'QueryProperties', 'QueryStatus']);
    expect(tables.slice(0, expected.length).map(({ rows }) => rows)).toEqual(expected);
  });

  it('of a query after them say what it read of the tables', async () => {
    await kusto.call({ call: 'mgmt', database: databaseName, text: '.create table Counted (n: long)' });
    await kusto.call({
      call: 'mgmt',
      database: databaseName,
      text: '.set-or-append Counted <| range n from 1 to 3 step 1',
    });
    const text = '.show version; Counted | summarize sum(n)';
    const { tables = [] } = await kusto.call({ call: 'mgmt', database: databaseName, text });
    await kusto.call({ call: 'mgmt', database: databaseName, text: '.drop table Counted' });
    expect(tables[0]?.rows).toEqual([[6]]);
    expect(JSON.stringify(tables.at(-2)?.rows)).toContain(String.raw`\"rows\":{\"total\":3,\"scanned\":3}`);
  });

  it.each(['.show tables; // all', `.show database ${databaseName} details; // all`, '.show tables;'])(
    '%s has no query after it',
    async (text) => {
      const { tables, failed } = await kusto.call({ call: 'mgmt', database: databaseName, text });
      expect([failed, tables?.length]).toEqual([undefined, 1]);
    },
  );

  it('refuse what follows them and is no query', async () => {
    for (const after of ['let x = 1;', 'print nothing_known', '.show databases']) {
      const { failed } = await kusto.call({ call: 'mgmt', database: databaseName, text: `.show tables; ${after}` });
      expect(JSON.stringify(failed)).toMatch(/SyntaxError|SemanticError|BadRequest/);
    }
  });

  it('store the rows of a query, for later queries of the same client', async () => {
    const mgmt = (text: string) => kusto.call({ call: 'mgmt', database: databaseName, text });
    const stored = await mgmt(
      '.set stored_query_result Numbers with (previewCount = 2) <| range X from 1 to 100 step 1',
    );
    expect(stored.tables?.[0]?.rows).toEqual([[1], [2]]);
    const text = 'stored_query_result("Numbers") | summarize count(), sum(X)';
    for (const call of ['queryV1', 'query'] as const) {
      const { tables, failed } = await kusto.call({ call, database: databaseName, text });
      expect(failed).toBeUndefined();
      expect(tables?.map(({ rows }) => rows)).toContainEqual([[100, 5050]]);
    }
    const shown = await mgmt('.show stored_query_results | project Name, RowCount');
    expect(shown.tables?.[0]?.rows).toEqual([['Numbers', 100]]);
    await mgmt('.drop stored_query_result Numbers');
    const gone = await kusto.call({ call: 'query', database: databaseName, text });
    expect(JSON.stringify(gone.failed)).toContain('Numbers');
  });

  it('keep a graph, for queries over its newest snapshot', async () => {
    const steps = [
      { Kind: 'AddNodes', Query: 'range id from 1 to 3 step 1', NodeIdColumn: 'id', Labels: ['N'] },
      {
        Kind: 'AddEdges',
        Query: 'range a from 1 to 2 step 1 | extend b = a + 1',
        SourceColumn: 'a',
        TargetColumn: 'b',
      },
    ];
    const model = JSON.stringify({ Schema: { Nodes: { N: {} } }, Definition: { Steps: steps } });
    const mgmt = (text: string) => kusto.call({ call: 'mgmt', database: databaseName, text });
    expect((await mgmt(`.create-or-alter graph_model G \`\`\`${model}\`\`\``)).failed).toBeUndefined();
    const made = await mgmt('.make graph_snapshot S from G');
    expect(made.tables?.[0]?.rows[0]?.slice(5, 7)).toEqual([3, 2]);
    const text = 'graph("G") | graph-match (x)-[e*2..2]->(y) project x.id, y.id, labels(y)';
    const { tables, failed } = await kusto.call({ call: 'query', database: databaseName, text });
    expect(failed).toBeUndefined();
    expect(tables?.map(({ rows }) => rows)).toContainEqual([[1, 3, ['N']]]);
    expect((await mgmt('.drop graph_model G')).failed).toBeUndefined();
  });

  it('are taken on the query endpoint of version 1 as well, with types by two names', async () => {
    const answer = await kusto.post('/v1/rest/query', { db: databaseName, csl: '\n// which one?\n.show version' });
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({
      Tables: [
        {
          TableName: 'Table_0',
          Columns: [{ ColumnName: 'BuildVersion', DataType: 'String', ColumnType: 'string' }, {}, {}, {}],
        },
      ],
    });
  });

  it('are refused by version 2', async () => {
    const answer = await kusto.post('/v2/rest/query', { db: databaseName, csl: '.show tables' });
    expect(answer.status).toBe(400);
    expect(answer.text).toContain("Control commands (starting with a dot '.') do not support api_version=v2");
  });

  it('that may change something are refused in a read-only request', async () => {
    const answer = await kusto.post('/v1/rest/mgmt', {
      db: databaseName,
      csl: '.drop table T',
      properties: { Options: { request_readonly: true } },
    });
    expect(answer.status).toBe(403);
  });

  it('of queued ingestion are refused with the endpoint that answers them', async () => {
    const answer = await kusto.post('/v1/rest/mgmt', { db: 'NetDefaultDB', csl: '.get ingestion resources' });
    expect(answer.status).toBe(400);
    expect(answer.text).toContain(`https://ingest-${clusterHost}`);
  });
});

describe('streaming ingestion', () => {
  it('takes rows of the official client, whose answer counts them', async () => {
    const { value, failed } = await kusto.call({
      call: 'ingest',
      database: databaseName,
      table: 'T',
      format: 'csv',
      data: '1,a\n2,b\n',
    });
    expect(failed).toBeUndefined();
    expect(value).toEqual([[[2, 'Inactive', 'Unknown', null]]]);
    expect(await count('n <= 2')).toBe(2);
  });

  it('maps JSON by a mapping', async () => {
    const data = '{"number":10,"text":"ten"}\n{"number":11}\n';
    const { failed } = await kusto.call({
      call: 'ingest',
      database: databaseName,
      table: 'T',
      format: 'json',
      mapping: 'm',
      data,
    });
    expect(failed).toBeUndefined();
    expect(await count(`n == 10 and s == 'ten'`)).toBe(1);
    expect(await count(`n == 11 and s == ''`)).toBe(1);
  });

  it('takes a request once', async () => {
    const again = {
      call: 'ingest',
      database: databaseName,
      table: 'T',
      format: 'csv',
      data: '20,x\n',
      clientRequestId: 'once;1',
    } as const;
    await kusto.call(again);
    const { failed } = await kusto.call(again);
    expect(failed).toBeUndefined();
    expect(await count('n == 20')).toBe(1);
  });

  const post = (path: string, body: Buffer, headers: Record<string, string> = {}) =>
    kusto.send({
      host: clusterHost,
      method: 'POST',
      path,
      token: kusto.token,
      body,
      headers: { accept: 'application/json', ...headers },
    });
  const path = (table: string, query: string): string => `/v1/rest/ingest/${databaseName}/${table}?${query}`;

  it('takes rows without a content type, not compressed', async () => {
    const answer = await post(path('T', 'streamFormat=CSV'), Buffer.from('30,y\n'));
    expect(answer.status).toBe(200);
    expect(await count('n == 30')).toBe(1);
  });

  it.each([
    [
      'more than 4 MB',
      path('T', 'streamFormat=csv'),
      Buffer.alloc(4 * 1024 * 1024 + 1, '1\n'),
      {},
      413,
      'PayloadTooLarge',
    ],
    [
      'a bomb',
      path('T', 'streamFormat=csv'),
      gzipSync(Buffer.alloc(64 * 1024 * 1024)),
      { 'content-encoding': 'gzip' },
      413,
      'PayloadTooLarge',
    ],
    [
      'what is not gzip',
      path('T', 'streamFormat=csv'),
      Buffer.from('1,a'),
      { 'content-encoding': 'gzip' },
      400,
      'General_BadRequest',
    ],
    [
      'another encoding',
      path('T', 'streamFormat=csv'),
      Buffer.from('1,a'),
      { 'content-encoding': 'br' },
      400,
      'General_BadRequest',
    ],
    ['no format', path('T', 'mappingName=m'), Buffer.from('1,a'), {}, 400, 'BadRequest_MalformedIngestionProperty'],
    ['an unknown format', path('T', 'streamFormat=xml'), Buffer.from('1,a'), {}, 400, 'BadRequest_FormatNotSupported'],
    ['an unknown table', path('Nowhere', 'streamFormat=csv'), Buffer.from('1,a'), {}, 400, 'BadRequest_EntityNotFound'],
    [
      'an unknown mapping',
      path('T', 'streamFormat=json&mappingName=no'),
      Buffer.from('{}'),
      {},
      400,
      'BadRequest_MappingReferenceWasNotFound',
    ],
  ])('refuses %s', async (_what, where, body, headers, status, code) => {
    const answer = await post(where, body, headers);
    expect({ status: answer.status, body: answer.body }).toMatchObject({ status, body: { error: { code } } });
  });

  it('is counted by what is alike, and so is what was refused', async () => {
    const ask = async (text: string): Promise<readonly (readonly unknown[])[]> => {
      const { tables } = await kusto.call({ call: 'mgmt', database: databaseName, text });
      return tables?.[0]?.rows ?? [];
    };
    await ask('.create table Counted (n:long)');
    await post(path('Counted', 'streamFormat=csv'), Buffer.from('1'));
    await ask('.alter table Counted policy streamingingestion enable');
    await post(path('Counted', 'streamFormat=csv'), Buffer.from('1\n2\n'));
    await post(path('Counted', 'streamFormat=csv'), Buffer.from('3\n'));
    await post(path('Counted', 'streamFormat=json&mappingName=nope'), Buffer.from('{}'));
    const text = (pattern: RegExp): unknown => expect.stringMatching(pattern);
    const format = 'tostring(IngestionProperties.format)';
    const ours = `| where Database == "${databaseName}" and Table == "Counted"`;
    expect(
      await ask(
        `.show streamingingestion statistics ${ours} | summarize sum(Count), sum(TotalDataSize), min(MinDataSize), max(MaxDataSize), sum(TotalRowCount), min(MinRowCount), max(MaxRowCount), countif(StartTime > EndTime or MinDuration > AvgDuration or AvgDuration > MaxDuration or MaxDuration == 0s or isempty(Principal) or isempty(NodeId)) by IngestionStatus, format = ${format} | sort by IngestionStatus asc, format asc`,
      ),
    ).toEqual([
      ['Failed', 'csv', 1, 0, 0, 0, 0, 0, 0, 0],
      ['Failed', 'json', 1, 0, 0, 0, 0, 0, 0, 0],
      ['Succeeded', 'csv', 2, 6, 2, 4, 3, 1, 2, 0],
    ]);
    expect(
      await ask(
        `.show streamingingestion failures ${ours} | project Count, FailureKind, ErrorCode, Details, same = FirstFailureOn == LastFailureOn, mapping = tostring(IngestionProperties.ingestionMappingReference), known = isnotempty(RootActivityId) and isnotempty(Principal) | sort by mapping asc`,
      ),
    ).toEqual([
      [1, 'Permanent', 'BadRequest_StreamingIngestionPolicyNotEnabled', text(/policy is not enabled/), true, '', true],
      [1, 'Permanent', 'BadRequest_MappingReferenceWasNotFound', text(/'nope'/), true, 'nope', true],
    ]);
  });
});
