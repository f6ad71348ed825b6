import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CommandFixture } from '../../../tests/support/command-fixture.ts';
import { openCommandFixture } from '../../../tests/support/command-fixture.ts';

let cluster: CommandFixture;
beforeAll(async () => {
  cluster = await openCommandFixture();
  await cluster.run('.create table Source (n:long, s:string)');
  await cluster.run('.ingest inline into table Source <| 1,one\n2,"two, with comma"\n3,three');
});
afterAll(() => cluster.close());

const none = '00000000-0000-0000-0000-000000000000';
const rows = (table: string): Promise<unknown> => cluster.data.rows(table);

describe('.ingest inline', () => {
  it('takes the text after the mark as it is', async () => {
    await cluster.run('.create table Raw (a:string, b:string)');
    await cluster.run('.ingest inline into table Raw <|\n// no comment,"x | y"\n[\'q\'],<| z');
    expect(await rows('Raw')).toEqual([
      ['// no comment', 'x | y'],
      ["['q']", '<| z'],
    ]);
  });

  it('reads json by a mapping, tags and a creation time', async () => {
    await cluster.run('.create table J (a:long, s:string)');
    const mapping = `'[{"column":"a","Properties":{"Path":"$.x"}},{"column":"s","Properties":{"Path":"$.y"}}]'`;
    expect(await cluster.run(`.create table J ingestion json mapping "m" ${mapping}`)).toMatchObject([
      { Name: 'm', Kind: 'Json', Database: 'db', Table: 'J' },
    ]);
    await cluster.run(
      `.ingest inline into table J with (format='json', ingestionMappingReference='m', tags='["t"]', creationTime=datetime(2025-06-01)) <| {"x":7,"y":"seven"}`,
    );
    expect(await rows('J')).toEqual([[7n, 'seven']]);
    await cluster.context.data.flush('db', 'J');
    expect(await cluster.run('.show table J extents | project RowCount, Tags, MinCreatedOn')).toEqual([
      { RowCount: 1n, Tags: 't', MinCreatedOn: 638843328000000000n },
    ]);
  });

  it('takes records in brackets, the older form', async () => {
    await cluster.run('.create table Bracketed (a:datetime, b:dynamic)');
    await cluster.run(
      `.ingest inline into table ['Bracketed'] with (tags='["x"]')\n  [2015-01-01,"{""Type"":""Read]"", ""n"":[1]}"]\n [2015-01-02,[2]]\n`,
    );
    expect(await cluster.run('.show table Bracketed extents | project RowCount, Tags')).toEqual([
      { RowCount: 2n, Tags: 'x' },
    ]);
    expect((await cluster.data.rows('Bracketed')).map(([, b]) => b)).toEqual(['{"Type":"Read]","n":[1]}', '[2]']);
    await expect(cluster.run(`.ingest inline into table B with (${'()'.repeat(2_000_000)}`)).rejects.toMatchObject({
      name: 'KqlError',
    });
    for (const text of ['[1,2', '[1,2] x', '[1,"]'])
      await expect(cluster.run(`.ingest inline into table Bracketed ${text}`)).rejects.toMatchObject({
        code: 'syntax',
      });
  });

  it('skips what was ingested under the same tag', async () => {
    await cluster.run('.create table Once (a:long)');
    const text = `.ingest inline into table Once with (tags='["ingest-by:d1"]', ingestIfNotExists='["d1"]') <| 1`;
    await cluster.run(text.replace(/tags=[^,]*, /, '')); // asks for the tag and does not add it
    await cluster.run(text);
    await cluster.context.data.flush('db', 'Once');
    expect(await cluster.run(text)).toEqual([{ ExtentId: none }]);
    expect(await rows('Once')).toEqual([[1n], [1n]]);
  });

  it('refuses a property it does not know, and bad tags', async () => {
    await expect(cluster.run(`.ingest inline into table Source with (zipPattern='*') <| 1`)).rejects.toMatchObject({
      code: 'notSupported',
    });
    await expect(cluster.run(`.ingest inline into table Source with (tags='x') <| 1`)).rejects.toMatchObject({
      code: 'MalformedIngestionProperty',
    });
    await expect(
      cluster.run(`.ingest inline into table Source with (ingestionMapping='[]', ingestionMappingReference='m') <| 1`),
    ).rejects.toMatchObject({ code: 'DuplicateMapping' });
    await expect(cluster.run('.ingest inline into table Nowhere <| 1')).rejects.toMatchObject({
      code: 'TableNotFound',
    });
  });
});

describe('.show ingestion failures', () => {
  it('tells why data was refused', async () => {
    await cluster.run('.create table Strict (a:long)');
    await expect(cluster.run(`.ingest inline into table Strict with (format='json') <| {"a":`)).rejects.toMatchObject({
      name: 'DataError',
    });
    expect(await cluster.run('.show ingestion failures | where Table == "Strict"')).toMatchObject([
      {
        Database: 'db',
        FailureKind: 'Permanent',
        ShouldRetry: false,
        Principal: 'aadapp=tester;tenant',
        User: 'tester',
        Details: 'JSON ends too early (line 1, column 6).',
      },
    ]);
    expect(await rows('Strict')).toEqual([]);
  });

  it.each([
    ['<| 1\n"2', 'Stream_ClosingQuoteMissing'],
    ['<| "1"2', 'BadRequest_UnexpectedCharacterInInputStream'],
    [`with (format='sstream') <| 1`, 'BadRequest_FormatNotSupported'],
    [`with (format='json', ingestionMappingReference='none') <| {}`, 'BadRequest_MappingReferenceWasNotFound'],
    [`with (ingestionMapping='[{"Column":"zz","Ordinal":0}]') <| 1`, 'BadRequest_InconsistentMapping'],
    [`with (ingestionMapping='nothing') <| 1`, 'BadRequest_InvalidMapping'],
  ])('names them as the service does: %#', async (text, code) => {
    await cluster.run('.create-merge table Named (a:long)');
    await expect(cluster.run(`.ingest inline into table Named ${text}`)).rejects.toMatchObject({ name: 'DataError' });
    expect(
      (await cluster.run('.show ingestion failures | where Table == "Named"')).map((row) => row['ErrorCode']),
    ).toContain(code);
    expect(await rows('Named')).toEqual([]);
  });
});

describe('ingestion from a query', () => {
  it('makes the table, appends, and replaces', async () => {
    expect(await cluster.run('.set-or-append T1 with (folder="made") <| Source | where n < 3')).toMatchObject([
      { RowCount: 2n },
    ]);
    expect(await cluster.run('.show table T1 cslschema')).toMatchObject([
      { Schema: 'n:long,s:string', Folder: 'made' },
    ]);
    await cluster.run('.append T1 <| print m = 9, t = "nine"');
    expect(await rows('T1')).toHaveLength(3);
    await cluster.run('.set-or-replace T1 <| let least = 3; Source | where n >= least');
    expect(await rows('T1')).toEqual([[3n, 'three']]);
    await cluster.run(
      '.set T2 <| print d = dynamic({"a":1}), t = datetime(2020-01-01), g = guid(74be27de-1e4e-49d9-b579-fe0b331d3642)',
    );
    expect(await rows('T2')).toEqual([['{"a":1}', 637134336000000000n, '74be27de-1e4e-49d9-b579-fe0b331d3642']]);
  });

  it('takes columns that depend on the data', async () => {
    const bags = `datatable(a:string) ['{"x":1,"y":"z"}', '{"x":2}'] | project b = parse_json(a), n = 7`;
    await cluster.run(`.create function Unpacked (T:(b:dynamic)) { T | evaluate bag_unpack(b) }`);
    await cluster.run(`.set Unpacks with (docstring="a <| b") <| ${bags} | invoke Unpacked()`);
    expect(await cluster.run('.show table Unpacks cslschema | project Schema')).toEqual(
      await cluster
        .run(`.set Directly <| ${bags} | evaluate bag_unpack(b)`)
        .then(() => cluster.run('.show table Directly cslschema | project Schema')),
    );
    await cluster.run(`.set-or-append Bags <| ${bags} | evaluate bag_unpack(b)`);
    expect(await cluster.run('.show table Bags cslschema')).toMatchObject([{ Schema: 'n:long,x:long,y:string' }]);
    expect(await rows('Bags')).toEqual([
      [7n, 1n, 'z'],
      [7n, 2n, ''],
    ]);
    const piped = await cluster.run(
      '.show tables | where TableName == "Bags" | project t = TableName, n = 1 | evaluate pivot(t, sum(n))',
    );
    expect(piped).toEqual([{ Bags: 1n }]);
  });

  it('keeps integers that overflow, decimals, guids and bags as a query shows them', async () => {
    await cluster.run(
      '.set Kinds <| range x from 1 to 2 step 1 | extend y = 9223372036854775807 + x, z = decimal(1.50), g = guid(74be27de-1e4e-49d9-b579-fe0b331d3642), j = pack("a", x), r = real(nan)',
    );
    const g = '74be27de-1e4e-49d9-b579-fe0b331d3642';
    expect(await rows('Kinds')).toEqual([
      [1n, -9223372036854775808n, '1.500000000000000000', g, '{"a":1}', NaN],
      [2n, -9223372036854775807n, '1.500000000000000000', g, '{"a":2}', NaN],
    ]);
  });

  it('matches columns by position and type', async () => {
    await cluster.run('.create table T3 (n:long, s:string)');
    const mismatch = {
      code: 'semantic',
      message: expect.stringContaining("QuerySchema=('string','long'), TableSchema=('long','string')") as string,
    };
    await expect(cluster.run('.append T3 <| Source | project s, n')).rejects.toMatchObject(mismatch);
    await expect(cluster.run('.append T3 <| Source | project n')).rejects.toMatchObject({ code: 'semantic' });
    await cluster.run('.append T3 with (extend_schema=true) <| Source | project n, s, r = 1.5 | take 1');
    expect(await cluster.run('.show table T3 cslschema')).toMatchObject([{ Schema: 'n:long,s:string,r:real' }]);
  });

  it('refuses an existing table of .set and a missing one of .append', async () => {
    await expect(cluster.run('.set Source <| print 1')).rejects.toMatchObject({ code: 'EntityExists' });
    await expect(cluster.run('.append Missing <| print 1')).rejects.toMatchObject({ code: 'TableNotFound' });
    await expect(cluster.run('.set-or-append T9 <| NoSuchTable')).rejects.toMatchObject({ code: 'semantic' });
    expect(await cluster.run('.show tables | where TableName == "T9"')).toEqual([]);
  });

  it('keeps the schema of a table it replaces, unless told to take that of the query', async () => {
    await cluster.run('.set-or-replace R <| print a = 1, b = "x"');
    const other = 'print b = 2, c = datetime(2020-01-01)';
    await expect(cluster.run(`.set-or-replace R <| ${other}`)).rejects.toMatchObject({ code: 'semantic' });
    await expect(cluster.run(`.set-or-append R with (recreate_schema=true) <| ${other}`)).rejects.toMatchObject({
      code: 'notSupported',
    });
    await cluster.run(`.set-or-replace R with (recreate_schema=true) <| ${other}`);
    expect(await cluster.run('.show table R cslschema')).toMatchObject([{ Schema: 'b:long,c:datetime' }]);
    expect(await rows('R')).toEqual([[2n, 637134336000000000n]]);
    await cluster.run('.set-or-replace R with (recreate_schema=true) <| print b = "all", c = "new"');
    expect(await rows('R')).toEqual([['all', 'new']]);
  });

  it('leaves columns and rows as they were when the query fails on its way', async () => {
    await cluster.run('.set-or-replace F <| print a = 1, b = "x"');
    // It fails when there are rows already.
    const failing = 'range a from 1 to 99999 step 1 | extend b = iff(assert(a < 90000, "too far"), 1.5, 2.5), c = true';
    await expect(cluster.run(`.set-or-replace F with (recreate_schema=true) <| ${failing}`)).rejects.toThrow();
    const longer = failing.replace('b = iff', 'b = "y", r = iff');
    await expect(cluster.run(`.append F with (extend_schema=true) <| ${longer}`)).rejects.toThrow();
    expect(await cluster.run('.show table F cslschema')).toMatchObject([{ Schema: 'a:long,b:string' }]);
    expect(await rows('F')).toEqual([[1n, 'x']]);
  });

  it('keeps details of its result when told so', async () => {
    const [started] = await cluster.run('.set-or-append async D with (persistDetails=true) <| Source');
    const [silent] = await cluster.run('.set-or-append async D <| Source');
    await cluster.settle();
    const details = await cluster.run(`.show operation ${String(started?.['OperationId'])} details`);
    expect(details).toMatchObject([{ RowCount: 3n }]);
    const ids = (await cluster.run('.show table D extents')).map((extent) => extent['ExtentId']);
    expect(ids).toContain(details[0]?.['ExtentId']);
    await expect(cluster.run(`.show operation ${String(silent?.['OperationId'])} details`)).rejects.toMatchObject({
      code: 'semantic',
    });
    await expect(cluster.run(`.show operation ${none} details`)).rejects.toMatchObject({ code: 'OperationNotFound' });
  });

  it('takes no creation time that retention would remove at once', async () => {
    await cluster.run('.set-or-append Kept <| print n = 1');
    await cluster.run(`.alter-merge table Kept policy retention softdelete = 10d`);
    const old = 'creationTime=datetime(2025-12-01)';
    await expect(cluster.run(`.append Kept with (${old}) <| print n = 2`)).rejects.toMatchObject({
      code: 'CreationTimeTooOld',
    });
    await expect(cluster.run(`.ingest inline into table Kept with (${old}) <| 2`)).rejects.toMatchObject({
      code: 'CreationTimeTooOld',
    });
    await cluster.run('.append Kept with (creationTime=datetime(2025-12-30)) <| print n = 3');
    expect(await rows('Kept')).toEqual([[1n], [3n]]);
  });

  it('goes on after the answer when asked to, and tells how it ended', async () => {
    const [started] = await cluster.run('.set-or-append async T4 <| Source');
    // It begins while the table is not there yet: whichever is there first makes it.
    const [other] = await cluster.run('.set-or-append async T4 <| Source | extend x = 1');
    await cluster.settle();
    const ended = [started, other].map(async (one) => {
      const [shown] = await cluster.run(`.show operations ${String(one?.['OperationId'])}`);
      return shown;
    });
    const byState = (await Promise.all(ended)).toSorted((left, right) =>
      String(left?.['State']).localeCompare(String(right?.['State'])),
    );
    expect(byState).toMatchObject([
      { Operation: 'TableSetOrAppend', State: 'Completed', Database: 'db' },
      { State: 'Failed', Status: expect.stringContaining('does not match') as string },
    ]);
    expect(await rows('T4')).toHaveLength(3);
  });
});

describe('extents', () => {
  it('are shown and dropped by id, by query and all', async () => {
    for (const n of [1, 2, 3]) await cluster.run(`.set-or-append X with (tags='["k${n}"]') <| print n = ${n}`);
    const extents = await cluster.run('.show table X extents');
    expect(extents).toHaveLength(3);
    expect(await cluster.run(`.show table X extents where tags has 'k2'`)).toHaveLength(1);
    const [first] = extents;
    expect(await cluster.run(`.drop extents (${String(first?.['ExtentId'])}) from X`)).toMatchObject([
      { TableName: 'X' },
    ]);
    await cluster.run(`.drop extents whatif <| .show table X extents`);
    expect(await rows('X')).toHaveLength(2);
    await cluster.run(`.drop extents <| .show table X extents | where Tags has "k3"`);
    expect(await rows('X')).toHaveLength(1);
    await cluster.run('.ingest inline into table X <| 8');
    await cluster.run('.drop extents from X');
    expect(await rows('X')).toEqual([]);
    await expect(cluster.run(`.drop extents (${String(first?.['ExtentId'])}) from X`)).rejects.toMatchObject({
      code: 'ExtentNotFound',
    });
  });

  it('go with .clear table data', async () => {
    await cluster.run('.set-or-append Y <| range n from 1 to 10 step 1');
    await cluster.run('.clear table Y data');
    expect(await rows('Y')).toEqual([]);
  });
});

describe('.purge', () => {
  it('tells first, then removes for good', async () => {
    await cluster.run('.set-or-append P <| range n from 1 to 10 step 1 | extend s = tostring(n)');
    const predicate = 'where n > 7 or s == "1"';
    const [first] = await cluster.run(`.purge table P records in database db <| ${predicate}`);
    expect(first).toMatchObject({ NumRecordsToPurge: 4n });
    expect(await rows('P')).toHaveLength(10);
    await expect(
      cluster.run(`.purge table P records in database db with (verificationtoken='00') <| ${predicate}`),
    ).rejects.toMatchObject({
      code: 'semantic',
    });
    const token = String(first?.['VerificationToken']);
    expect(
      await cluster.run(`.purge table P records in database db with (verificationtoken='${token}') <| ${predicate}`),
    ).toMatchObject([{ DatabaseName: 'db', TableName: 'P', State: 'Completed' }]);
    expect(await cluster.data.rows('P', 'n')).toHaveLength(6);
    expect(await cluster.run('.show purges')).toMatchObject([{ TableName: 'P', State: 'Completed' }]);
    for (const [filter, count] of [
      ["from '2026-01-01' to '2026-01-02' in database db", 1],
      ['in database db', 1],
      ["from '2026-01-02'", 0],
    ] as const)
      expect(await cluster.run(`.show purges ${filter}`)).toHaveLength(count);
    await expect(cluster.run(`.show purges from 'soon'`)).rejects.toMatchObject({ code: 'syntax' });
  });

  it('takes one filter over the table alone, and only where it is enabled', async () => {
    const run = (predicate: string): Promise<unknown> =>
      cluster.run(`.purge table P records with (noregrets='true') <| ${predicate}`);
    await expect(run('take 1')).rejects.toMatchObject({ code: 'semantic' });
    await expect(run('where n in (Source | project n)')).rejects.toMatchObject({ code: 'semantic' });
    await expect(cluster.run('.purge table P records <| where n == 2', { purgeEnabled: false })).rejects.toMatchObject({
      code: 'notSupported',
    });
    await run('where n == 2');
    expect(await rows('P')).toHaveLength(5);
    await cluster.run(`.purge table P in database db allrecords with (noregrets='true')`);
    expect(await rows('P')).toEqual([]);
  });
});
