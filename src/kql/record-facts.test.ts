import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { started } from '../../tests/support/cluster-data-fixture.ts';
import type { CommandFixture } from '../../tests/support/command-fixture.ts';
import { openCommandFixture } from '../../tests/support/command-fixture.ts';
import { readResult } from '../database/commands/command-pipe.ts';
import { queryRequest } from '../database/commands/query-request.ts';

const hour = 3_600_000;
let cluster: CommandFixture;
beforeAll(async () => {
  cluster = await openCommandFixture();
});
afterAll(() => cluster.close());

async function answer(text: string) {
  const execution = await cluster.engine.execute(
    queryRequest({ ...cluster.context, data: await cluster.data.data() }, text),
  );
  const { scanned } = execution;
  return { scanned, rows: (await readResult(execution)).rows.map((row) => row.map(String).join()) };
}
const rowsOf = async (text: string): Promise<readonly string[]> => (await answer(text)).rows;

const run = async (text: string) => cluster.run(text, { data: await cluster.data.data() });

/** What hour after the start each row was ingested in. */
const hours = (table: string): Promise<readonly string[]> =>
  rowsOf(`${table} | project n, h = (ingestion_time() - datetime(2026-01-01)) / 1h | sort by n asc`);

describe('ingestion_time()', () => {
  it('is the time of each record, in the log, in extents, and after they are merged', async () => {
    expect(started).toBe(Date.UTC(2026, 0, 1));
    await cluster.data.table('T', { n: 'long' });
    const expected: string[] = [];
    for (let n = 0; n < 20; n += 1) {
      await cluster.data.ingest('T', 'csv', `${n}`, { kind: n % 2 === 0 ? 'streaming' : 'inline' });
      expected.push(`${n},${n}`);
      cluster.data.advance(hour);
    }
    expect(await hours('T')).toEqual(expected);
    await (await cluster.data.data()).maintain();
    await (await cluster.data.data()).maintain();
    const extents = (await cluster.data.data()).extents('db', 'T');
    expect(extents).toHaveLength(1);
    expect(await hours('T')).toEqual(expected);
    await cluster.data.crash();
    expect(await hours('T')).toEqual(expected);
  });

  it('leaves out extents that are too old without opening them', async () => {
    await cluster.data.table('P', { n: 'long' });
    for (const n of [1, 2, 3]) {
      await cluster.data.ingest('P', 'csv', `${n}`, { kind: 'inline' });
      cluster.data.advance(hour);
    }
    const since = new Date(started + 22 * hour).toISOString();
    const direct = await answer(`P | where ingestion_time() >= datetime(${since})`);
    expect(direct).toEqual({ rows: ['3'], scanned: { extents: 3, extentsScanned: 1, rows: 3, rowsScanned: 1 } });
  });

  it('stays with records through conditions, columns, order, union and views, and into another table it is that of the copy', async () => {
    await cluster.data.table('A', { n: 'long', s: 'string' });
    await cluster.data.table('B', { n: 'long', s: 'string' });
    await cluster.data.ingest('A', 'csv', '1,a\n2,b', { kind: 'inline' });
    cluster.data.advance(hour);
    await cluster.data.ingest('B', 'csv', '3,c', { kind: 'inline' });
    const gap = '| summarize (max(ingestion_time()) - min(ingestion_time())) / 1h';
    expect(await rowsOf(`union A, B | extend x = n * 2 | where x > 1 | sort by n asc ${gap}`)).toEqual(['1']);
    expect(await rowsOf(`let R = union A, (B | where n > 0); R ${gap}`)).toEqual(['1']);
    expect(
      await rowsOf('A | extend x = 1 | where isnotnull(ingestion_time()) | getschema | project ColumnName'),
    ).toEqual(['n', 's', 'x']);
    expect(await rowsOf('B | where n in (toscalar(B | where isnotnull(ingestion_time()) | summarize max(n)))')).toEqual(
      ['3,c'],
    );
    cluster.data.advance(hour);
    await run('.set-or-append B <| A | where isnotnull(ingestion_time())');
    expect(await rowsOf(`B ${gap}`)).toEqual(['1']);
    await run('.purge table B records in database db with (noregrets=true) <| where n == 1');
    expect(await rowsOf(`B ${gap}`)).toEqual(['1']);
    expect(await rowsOf('B | count')).toEqual(['2']);
  });

  it('is null where there is no record, and refused where nobody can tell', async () => {
    expect(await rowsOf('print isnull(ingestion_time())')).toEqual(['true']);
    expect(await rowsOf('range x from 1 to 2 step 1 | where isnull(ingestion_time()) | count')).toEqual(['2']);
    const refused = { code: 'notSupported', message: expect.stringContaining('ingestion_time()') as string };
    for (const text of [
      'A | project n | where ingestion_time() > ago(1h)',
      'A | join B on n | where ingestion_time() > ago(1h)',
      'A | summarize count() by n | extend ingestion_time()',
      // Somebody's own column is not taken for it.
      String.raw`A | extend ['\u0000ingestion_time'] = datetime(2001-01-01) | extend x = ingestion_time()`,
      String.raw`union A, (print n = 1, ['\u0000ingestion_time'] = datetime(2001-01-01)) | where isnotnull(ingestion_time())`,
    ])
      await expect(rowsOf(text)).rejects.toMatchObject(refused);
  });

  it('stands beside the others', async () => {
    await cluster.data.table('E', { n: 'long' });
    await cluster.data.ingest('E', 'csv', '1', { kind: 'inline', tags: ['a', `x'"; $1::drop`] });
    await cluster.data.ingest('E', 'csv', '2', { kind: 'inline' });
    await cluster.data.ingest('E', 'csv', '3');
    const ids = (await cluster.data.data()).extents('db', 'E').map(({ extentId }) => extentId);
    const none = '00000000-0000-0000-0000-000000000000';
    expect(
      await rowsOf('E | sort by n asc | project n, extent_id(), tostring(extent_tags()), isnotnull(ingestion_time())'),
    ).toEqual([`1,${ids[0] ?? ''},["a","x'\\"; $1::drop"],true`, `2,${ids[1] ?? ''},[],true`, `3,${none},,true`]);
    expect(await rowsOf('E | where extent_tags() has "drop" and n > 0 | project n')).toEqual(['1']);
    expect(
      await rowsOf(
        'E | summarize c = count() by e = extent_id() | where e != guid(00000000-0000-0000-0000-000000000000) | count',
      ),
    ).toEqual(['2']);
    expect(await rowsOf('union E, A | where extent_id() == toguid("' + (ids[1] ?? '') + '") | project n')).toEqual([
      '2',
    ]);
    await cluster.data.table('Empty', { n: 'long' });
    expect(await rowsOf('Empty | where isnotempty(extent_tags()) | count')).toEqual(['0']);
    expect(await rowsOf('print extent_id(), isnull(extent_tags())')).toEqual([`${none},true`]);
    expect(
      await rowsOf(
        'union E, (print n = 4) | where ingestion_time() > datetime(2026-01-01) | summarize dcount(extent_id())',
      ),
    ).toEqual(['3']);
  });

  it('is null for extents of an earlier version', async () => {
    await cluster.data.manyExtents(1, (copy) => ({
      ...copy,
      columnIds: copy.columnIds.filter((id) => id !== 0),
      ranges: Object.fromEntries(Object.entries(copy.ranges).filter(([id]) => id !== '0')),
    }));
    const counts = await rowsOf(
      'union A, B, E, T, P | summarize countif(isnull(ingestion_time())) > 0, countif(isnotnull(ingestion_time())) > 0',
    );
    expect(counts).toEqual(['true,true']);
  });

  it('is kept for every new table, unless it is made otherwise', async () => {
    expect(await run('.show table A policy ingestiontime')).toMatchObject([
      { PolicyName: 'IngestionTimePolicy', Policy: expect.stringMatching(/"IsEnabled": true/) as string },
    ]);
    expect(await run('.alter table A policy ingestiontime true')).toMatchObject([{ EntityName: '[db].[A]' }]);
    await expect(run('.alter table A policy ingestiontime perhaps')).rejects.toThrow();
    await run('.set New with (policy_ingestiontime=false) <| A | take 1');
    expect(await rowsOf('New | project isnull(ingestion_time())')).toEqual(['true']);
  });

  it('is null for rows that come while the policy is not enabled, and stays for all others, merged with them too', async () => {
    const policy = async (): Promise<string> =>
      String((await run('.show table U policy ingestiontime'))[0]?.['Policy']).replace(/\s/g, '');
    const nulls = (): Promise<readonly string[]> => rowsOf('U | project n, isnull(ingestion_time()) | sort by n asc');
    const rowsFrom = async (n: number): Promise<void> => {
      await run(`.ingest inline into table U <| ${n}`);
      await cluster.data.ingest('U', 'csv', `${n + 1}\n`, { kind: 'streaming' });
    };
    await run('.create tables U (n: long), V (n: long)');
    await run('.alter table U policy streamingingestion enable');
    await rowsFrom(1);
    await run('.alter tables (U, V) policy ingestiontime false');
    expect(await policy()).toBe('{"IsEnabled":false}');
    await rowsFrom(3);
    await run('.alter table U policy ingestiontime true');
    await rowsFrom(5);
    expect(await run('.delete table U policy ingestiontime')).toMatchObject([
      { EntityName: '[db].[U]', Policy: 'null' },
    ]);
    expect(await policy()).toBe('null');
    await rowsFrom(7);
    await run('.alter table U policy ingestiontime true');
    const expected = [1, 2, 3, 4, 5, 6, 7, 8].map((n) => `${n},${[3, 4, 7, 8].includes(n)}`);
    const times = await rowsOf('U | project n, ingestion_time() | sort by n asc');
    expect(await nulls()).toEqual(expected);
    await cluster.data.crash();
    expect(await nulls()).toEqual(expected);
    expect(await rowsOf('U | where isnull(ingestion_time()) | count')).toEqual(['4']);
    expect(await rowsOf('U | where ingestion_time() > datetime(2020-01-01) | count')).toEqual(['4']);
    expect(
      await rowsOf('U | summarize countif(isnotnull(ingestion_time())), isnotnull(min(ingestion_time()))'),
    ).toEqual(['4,true']);
    expect(await rowsOf(`U | where cursor_after('') | count`)).toEqual(['8']);
    await (await cluster.data.data()).maintain();
    const extents = (await cluster.data.data()).extents('db', 'U').map(({ extentId }) => extentId);
    if (extents.length > 1) await run(`.merge U (${extents.join()})`);
    expect((await cluster.data.data()).extents('db', 'U')).toHaveLength(1);
    expect(await rowsOf('U | project n, ingestion_time() | sort by n asc')).toEqual(times);
    await run('.delete table U records <| U | where n == 1');
    await run('.move extents all from table U to table V');
    expect(await rowsOf('V | project n, ingestion_time() | sort by n asc')).toEqual(times.slice(1));
  });

  it('is what materialized views and cursors need', async () => {
    await run('.create table W (n: long)');
    await run('.ingest inline into table W <| 1');
    await run('.create materialized-view M on table W { W | summarize count() by n }');
    await expect(run('.alter table W policy ingestiontime false')).rejects.toMatchObject({ code: 'InvalidPolicy' });
    await expect(run('.delete table W policy ingestiontime')).rejects.toMatchObject({ code: 'InvalidPolicy' });
    await run('.drop materialized-view M');
    await run('.alter table W policy ingestiontime false');
    await expect(run('.create materialized-view M on table W { W | summarize count() by n }')).rejects.toMatchObject({
      code: 'InvalidView',
    });
    const refused = {
      code: 'semantic',
      message: expect.stringContaining("IngestionTime policy is enabled; that of 'W'") as string,
    };
    for (const text of [
      `W | where cursor_after('')`,
      `union W, A | where cursor_before_or_at('') | count`,
      `let X = W | extend m = n; X | where n > 0 and cursor_after('')`,
    ])
      await expect(answer(text)).rejects.toMatchObject(refused);
    expect(await rowsOf(`A | where cursor_after('') and n in (W | project n) | count`)).toHaveLength(1);
    // Views over all that there was take in what has no time, and what comes later.
    await run('.ingest inline into table W <| 2');
    await run('.alter table W policy ingestiontime true');
    await run('.create async materialized-view with (backfill=true) M on table W { W | summarize c = count() by n }');
    await cluster.settle();
    await run('.ingest inline into table W <| 2');
    expect(await rowsOf('M | project n, c | sort by n asc')).toEqual(['1,1', '2,2']);
    await (await cluster.data.data()).maintain();
    expect(await rowsOf('M | project n, c | sort by n asc')).toEqual(['1,1', '2,2']);
  });
});
