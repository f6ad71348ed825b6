import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KustoData } from './kusto-fixture.ts';
import { clusterHost, databaseName, startKustoData } from './kusto-fixture.ts';

let kusto: KustoData;
beforeAll(async () => {
  kusto = await startKustoData();
});
afterAll(() => kusto[Symbol.asyncDispose]());

const everyType = [
  'print b=true, i=int(-5), l=9223372036854775807, r=1.5, s="é\\"\\n", t=datetime(2020-01-02T03:04:05.1234567Z), ts=time(-1.02:03:04.5)',
  'g=guid(74BE27DE-1E4E-49D9-B579-FE0B331D3642), d=decimal(2.00000000000001), y=dynamic({"a":[1,null,"x"]}), e="", n=int(null)',
].join(', ');

describe('a query through azure-kusto-data', () => {
  it('gives frames of version 2 with every type', async () => {
    const { raw } = await kusto.call({ call: 'rawQuery', database: databaseName, text: everyType });
    expect(JSON.parse(raw ?? '')).toMatchObject([
      { FrameType: 'DataSetHeader', IsProgressive: false, Version: 'v2.0', IsFragmented: false },
      { FrameType: 'DataTable', TableId: 0, TableKind: 'QueryProperties', TableName: '@ExtendedProperties' },
      {
        FrameType: 'DataTable',
        TableId: 1,
        TableKind: 'PrimaryResult',
        Columns: [
          ['b', 'bool'],
          ['i', 'int'],
          ['l', 'long'],
          ['r', 'real'],
          ['s', 'string'],
          ['t', 'datetime'],
          ['ts', 'timespan'],
          ['g', 'guid'],
          ['d', 'decimal'],
          ['y', 'dynamic'],
          ['e', 'string'],
          ['n', 'int'],
        ].map(([ColumnName, ColumnType]) => ({ ColumnName, ColumnType })),
        Rows: [
          [
            true,
            -5,
            Number('9223372036854775807'),
            1.5,
            'é"\n',
            '2020-01-02T03:04:05.1234567Z',
            '-1.02:03:04.5000000',
            '74be27de-1e4e-49d9-b579-fe0b331d3642',
            '2.00000000000001',
            { a: [1, null, 'x'] },
            '',
            null,
          ],
        ],
      },
      { FrameType: 'DataTable', TableId: 2, TableKind: 'QueryCompletionInformation' },
      { FrameType: 'DataSetCompletion', HasErrors: false, Cancelled: false },
    ]);
  });

  it('keeps all 64 bits of a long', async () => {
    const answer = await kusto.post('/v2/rest/query', {
      db: databaseName,
      csl: 'print 9223372036854775807, -9223372036854775807',
    });
    expect(answer.text).toContain('"Rows":[[9223372036854775807,-9223372036854775807]]');
  });

  it('gives four tables of version 1, the contents last', async () => {
    const { tables } = await kusto.call({
      call: 'queryV1',
      database: databaseName,
      text: 'print x = 1 | render table',
    });
    expect(tables?.map(({ rows }) => rows.length)).toEqual([1, 1, 2, 3]);
    expect(tables?.[3]?.columns.map(({ name }) => name)).toEqual(['Ordinal', 'Kind', 'Name', 'Id', 'PrettyName']);
    expect(tables?.[3]?.rows.map((row) => row.slice(0, 3))).toEqual([
      [0, 'QueryResult', 'PrimaryResult'],
      [1, 'QueryProperties', '@ExtendedProperties'],
      [2, 'QueryStatus', 'QueryStatus'],
    ]);
  });

  it('binds parameters by their declared types', async () => {
    const text = 'declare query_parameters(n:long, s:string, t:timespan, d:dynamic); print n, s, t, d.a';
    const { raw, failed } = await kusto.call({
      ...{ call: 'rawQuery', database: databaseName, text },
      parameters: { n: 7, s: `x'"; drop`, t: 'time(1h)', d: 'dynamic({"a":3})' },
    });
    expect(failed).toBeUndefined();
    expect(raw).toContain(`[7,"x'\\"; drop","01:00:00",3]`);
  });

  it('knows whose query it is', async () => {
    const first = async (csl: string): Promise<unknown> => {
      const { body } = await kusto.post('/v1/rest/query', { db: databaseName, csl });
      return (body as { Tables: { Rows: unknown[][] }[] }).Tables[0]?.Rows[0]?.[0];
    };
    const own = String(await first('print current_principal()'));
    expect(own).toMatch(/^aadapp=[\da-f-]{36};[\da-f-]{36}$/);
    const isMember = (list: string) => first(`print current_principal_is_member_of(${list})`);
    expect(await isMember(`'aaduser=a@example.com', '${own.toUpperCase()}'`)).toBe(true);
    expect(await isMember(`dynamic(['${own.split(';')[0] ?? ''}'])`)).toBe(true);
    expect(await isMember(`'${own.replace('aadapp', 'aadgroup')}'`)).toBe(false);
    const { body } = await kusto.post('/v1/rest/query', {
      db: databaseName,
      csl: 'print p = current_principal() | extend m = current_principal_is_member_of(p)',
    });
    expect(JSON.stringify(body)).toContain('takes string literals');
  });

  it('gives several results in their order', async () => {
    const { tables } = await kusto.call({
      call: 'query',
      database: databaseName,
      text: 'print a = 1; print b = "x", c = 2',
    });
    const primary = tables?.filter(({ kind }) => kind === 'PrimaryResult');
    expect(primary?.map(({ columns }) => columns.map(({ name }) => name))).toEqual([['a'], ['b', 'c']]);
  });

  it('tells the whole answer in fragments to those who ask, one frame a line', async () => {
    const answer = await kusto.post('/v2/rest/query', {
      db: databaseName,
      csl: 'range x from 1 to 3 step 1',
      properties: JSON.stringify({
        Options: {
          results_v2_newlines_between_frames: true,
          results_v2_fragment_primary_tables: true,
          results_error_reporting_placement: 'end_of_table',
        },
      }),
    });
    const lines = answer.text.split('\n');
    expect(lines[0]).toBe(
      '[{"FrameType":"DataSetHeader","IsProgressive":false,"Version":"v2.0","IsFragmented":true,"ErrorReportingPlacement":"EndOfTable"}',
    );
    expect(lines.slice(1, -1).every((line) => line.startsWith(',{"FrameType":'))).toBe(true);
    expect(lines.at(-1)).toBe(']');
    expect(lines[2]).toMatch(
      /^,\{"FrameType":"TableHeader","TableId":1,"TableKind":"PrimaryResult","TableName":"PrimaryResult","Columns":/,
    );
    expect(lines[3]).toBe(
      ',{"FrameType":"TableFragment","TableFragmentType":"DataAppend","TableId":1,"Rows":[[1],[2],[3]]}',
    );
    expect(lines[4]).toBe(',{"FrameType":"TableCompletion","TableId":1,"RowCount":3}');
    expect(JSON.parse(answer.text)).toHaveLength(7);
  });

  it.each([
    ['gzip', 'gzip'],
    ['deflate', 'deflate'],
    ['identity', undefined],
  ])('answers more than 64 KiB in %s when that is accepted', async (accepted, encoding) => {
    const answer = await kusto.post(
      '/v2/rest/query',
      { db: databaseName, csl: 'range x from 1 to 50000 step 1' },
      { 'accept-encoding': accepted },
    );
    expect(answer.status).toBe(200);
    expect(answer.headers['content-encoding']).toBe(encoding);
  });

  it('answers a GET', async () => {
    const csl = encodeURIComponent('print 5');
    const { host, token } = { host: clusterHost, token: kusto.token };
    const answer = await kusto.send({
      host,
      token,
      method: 'GET',
      path: `/v1/rest/query?db=${databaseName}&csl=${csl}`,
    });
    expect(answer.body).toMatchObject({ Tables: [{ Rows: [[5]] }, {}, {}, {}] });
  });

  it('echoes the client request id and tells an activity id', async () => {
    const answer = await kusto.post(
      '/v2/rest/query',
      { db: databaseName, csl: 'print 1' },
      { 'x-ms-client-request-id': 'mine;1' },
    );
    expect(answer.headers['x-ms-client-request-id']).toBe('mine;1');
    expect(answer.headers['x-ms-activity-id']).toMatch(/^[0-9a-f-]{36}$/);
  });
});

describe('a fuzzy union that does without a leg', () => {
  const text = 'union isfuzzy=true (print a = 1), Gone, (print a = 2 | extend b = nowhere)';
  const gone = "'union' operator: Failed to resolve table expression named 'Gone'";
  const nowhere = "'extend' operator: Failed to resolve scalar expression named 'nowhere'";

  const answered = { tables: expect.arrayContaining([expect.objectContaining({ rows: [[1]] })]) as unknown };

  it('answers the others and warns, and the client sees no error', async () => {
    const outcome = await kusto.call({ call: 'query', database: databaseName, text });
    expect(outcome).toMatchObject({ ...answered, value: { errors: 0 } });
    const told = outcome.warnings?.map((warning) => warning.replace(/^Please .* Description: /, ''));
    expect(told).toEqual([gone, nowhere].map((words) => JSON.stringify({ Count: 1, Text: words })));
  });

  // In version 1 the client looks for warnings before it knows which table has them, and finds none.
  it('warns in the status of version 1, too', async () => {
    const outcome = await kusto.call({ call: 'queryV1', database: databaseName, text });
    expect(outcome).toMatchObject({ ...answered, value: { errors: 0 } });
    const status = outcome.tables?.find(({ kind }) => kind === 'QueryCompletionInformation');
    const at = (name: string): number => status?.columns.findIndex((column) => column.name === name) ?? -1;
    const told = status?.rows.map((row) => [row[at('Severity')], row[at('StatusDescription')]]);
    expect(told?.slice(0, 3)).toEqual([
      [3, gone],
      [3, nowhere],
      [4, 'Query completed successfully'],
    ]);
  });
});

describe('limits of results', () => {
  const text = 'range x from 1 to 1000 step 1';

  it('ends the rows at the limit and says so in the data and at the end', async () => {
    const { raw } = await kusto.call({
      call: 'rawQuery',
      database: databaseName,
      text,
      options: { truncationmaxrecords: 10 },
    });
    const frames = JSON.parse(raw ?? '') as { Rows?: unknown[]; HasErrors?: boolean; OneApiErrors?: unknown[] }[];
    const rows = frames[2]?.Rows ?? [];
    expect(rows).toHaveLength(11);
    expect(rows[9]).toEqual([10]);
    expect(rows[10]).toMatchObject({
      OneApiErrors: [
        {
          error: {
            code: 'LimitsExceeded',
            '@type': 'Kusto.Data.Exceptions.KustoServicePartialQueryFailureLimitsExceededException',
            '@permanent': false,
            '@message':
              'Query execution has exceeded the allowed limits (80DA0003): The results of this query exceed the set limit of 10 records, so not all records were returned (E_QUERY_RESULT_SET_TOO_LARGE, 0x80DA0003). See https://aka.ms/kustoquerylimits for more information and possible solutions..',
          },
        },
      ],
    });
    expect(frames.at(-1)).toMatchObject({ FrameType: 'DataSetCompletion', HasErrors: true, OneApiErrors: [{}] });
  });

  it('makes the client throw', async () => {
    const { failed } = await kusto.call({
      call: 'query',
      database: databaseName,
      text,
      options: { truncationmaxrecords: 10 },
    });
    expect(failed?.message).toContain('Query execution has exceeded the allowed limits (80DA0003)');
  });

  it('keeps the rows clean when failures are deferred', async () => {
    const options = { truncationmaxrecords: 10, deferpartialqueryfailures: true };
    const { raw } = await kusto.call({ call: 'rawQuery', database: databaseName, text, options });
    const frames = JSON.parse(raw ?? '') as { Rows?: unknown[][] }[];
    expect(frames[2]?.Rows).toHaveLength(10);
    expect(frames[3]?.Rows?.[0]?.slice(5, 11)).toEqual([
      2,
      'Error',
      -2133196797,
      'Query result set too large (E_QUERY_RESULT_SET_TOO_LARGE). (-2133196797)',
      1,
      'QueryLimitsExceeded',
    ]);
    expect(frames.at(-1)).toMatchObject({ HasErrors: false });
  });

  it('cuts version 1 with an exception as last row', async () => {
    const { raw } = await kusto.call({
      call: 'rawQueryV1',
      database: databaseName,
      text,
      options: { truncationmaxrecords: 2 },
    });
    const answer = JSON.parse(raw ?? '') as { Tables: { Rows: unknown[] }[]; Exceptions: string[] };
    expect(answer.Tables).toHaveLength(1);
    expect(answer.Tables[0]?.Rows).toEqual([[1], [2], { Exceptions: answer.Exceptions }]);
  });

  it.each([
    [{}, undefined, 1000],
    [{ notruncation: true, truncationmaxrecords: 5 }, 'limit of 5 records', 5],
    [{ truncationmaxsize: 100 }, 'limit of 100 bytes', 27],
    [{ query_take_max_records: 7 }, undefined, 7],
  ])('with %j gives %s', async (options, message, count) => {
    const { raw } = await kusto.call({ call: 'rawQuery', database: databaseName, text, options });
    const rows = ((JSON.parse(raw ?? '') as { Rows?: unknown[] }[])[2]?.Rows ?? []).filter((row) => Array.isArray(row));
    expect(rows).toHaveLength(count);
    if (message !== undefined) expect(raw).toContain(message);
  });

  it.each([
    [{ best_effort: true }, '', true],
    [{ best_effort: true }, 'set best_effort = false; ', false],
    [{}, '', false],
  ])('with %j and %s a union does without a table that is not there: %s', async (options, set, does) => {
    const answer = await kusto.call({
      ...{ call: 'rawQuery', database: databaseName, options },
      text: `${set}union (print x = 4021), NotThere`,
    });
    if (does) expect(answer.raw).toContain('4021');
    else expect(JSON.stringify(answer)).toContain("'NotThere'");
  });

  it('takes the lower of two limits, one of them in the text', async () => {
    const { raw } = await kusto.call({
      ...{ call: 'rawQuery', database: databaseName, options: { truncationmaxrecords: 9 } },
      text: `set truncationmaxrecords = 4; ${text}`,
    });
    expect(raw).toContain('limit of 4 records');
  });
});

describe('the cluster in its own queries', () => {
  const short = clusterHost.replace('.kusto.windows.net', '');
  const rowsOf = async (text: string): Promise<unknown> => {
    const { raw = '' } = await kusto.call({ call: 'rawQuery', database: databaseName, text });
    return (JSON.parse(raw) as { Rows?: unknown[] }[])[2]?.Rows;
  };

  it('is told by the name of its endpoint, which row level security asks for', async () => {
    expect(await rowsOf('print current_cluster_endpoint()')).toEqual([[clusterHost]]);
  });

  // Kusto "cluster()": the fully qualified domain name, or what is before `.kusto.windows.net`.
  it.each([clusterHost, short, short.toUpperCase(), `https://${clusterHost}`, `https://${clusterHost}/`])(
    'is found as %s',
    async (name) => {
      const table = `cluster("${name}").database("${databaseName}").Named`;
      await kusto.call({ call: 'mgmt', database: databaseName, text: '.create-merge table Named (A: long)' });
      expect(await rowsOf(`${table} | count`)).toEqual([[0]]);
    },
  );
});
