import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CommandFixture } from '../../../tests/support/command-fixture.ts';
import { openCommandFixture } from '../../../tests/support/command-fixture.ts';

let cluster: CommandFixture;
beforeAll(async () => {
  cluster = await openCommandFixture();
  await cluster.run('.create table T (Id: long, Name: string, More: dynamic)');
  await cluster.run(
    '.set-or-append T <| range Id from 1 to 900 step 1 | project Id, Name = "ß-name", More = dynamic([1])',
  );
  await cluster.run('.alter-merge table T (Late: int)');
  await cluster.run(
    '.set-or-append T <| range Id from 1 to 100 step 1 | project Id, Name = "x", More = dynamic(null), Late = toint(Id)',
  );
});
afterAll(() => cluster.close());

const shown = (properties: string): ReturnType<CommandFixture['run']> =>
  cluster.run(`.show table T data statistics ${properties}`);

describe('.show table data statistics', () => {
  it('tells what each column takes, of all extents', async () => {
    const rows = await shown('with (scope="all", samplepercent=100)');
    expect(rows.map((row) => [row['ColumnName'], row['ColumnType'], row['OriginalSize']])).toEqual([
      ...[
        ['Id', 'long', 8_000n],
        ['Name', 'string', 900n * 7n + 100n],
      ],
      ...[
        ['More', 'dynamic', 900n * 3n],
        ['Late', 'int', 400n],
      ],
    ]);
    const [id] = rows;
    expect(id).toMatchObject({
      ...{ IndexSize: 0n, PresentRowCount: 1_000n, DeletedRowCount: 0n, SamplePercent: 100, IncludeColdData: true },
      ...{ StorageEngineVersion: 'V3', ExtentSize: id?.['DataCompressionSize'] },
    });
    const total = rows.reduce((sum, { ExtentSize }) => sum + Number(ExtentSize), 0);
    const [details] = await cluster.run('.show table T details');
    expect(total).toBeGreaterThan(0);
    expect(total).toBeLessThan(Number(details?.['TotalExtentSize']));
    expect(new Set(rows.map(({ ColumnId }) => ColumnId)).size).toBe(4);
    expect((await shown('with (scope="all", samplepercent=100)')).map(({ ColumnId }) => ColumnId)).toEqual(
      rows.map(({ ColumnId }) => ColumnId),
    );
  });

  it('estimates it from extents with so many of the rows, and says how many that are', async () => {
    const [id, name] = await shown('');
    expect([90, 10]).toContain(id?.['SamplePercent']); // one extent, whichever is first
    expect(id).toMatchObject({ OriginalSize: 8_000n, PresentRowCount: 1_000n, IncludeColdData: false });
    expect([7_000n, 1_000n]).toContain(name?.['OriginalSize']);
    for (const none of ['from=datetime(2100-01-01)', 'to=datetime(2000-01-01)'])
      expect((await shown(`with (${none})`))[0], none).toMatchObject({ OriginalSize: 0n, PresentRowCount: 0n });
  });

  it('refuses what it does not know', async () => {
    for (const wrong of ['samplepercent=101', 'scope="cold"', 'from="soon"', 'other=1'])
      await expect(shown(`with (${wrong})`), wrong).rejects.toThrow(/samplepercent|scope|from|other/);
  });
});
