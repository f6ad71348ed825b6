import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { natives } from '../language.ts';
import type { ColumnValues, EngineConnection, EngineDatabase } from './engine-database.ts';
import { openEngineDatabase } from './engine-database.ts';

let engine: EngineDatabase;
beforeAll(async () => {
  engine = await openEngineDatabase({ threads: 2, memoryLimit: '256MB' }, natives);
});
afterAll(() => engine.close());

const rowsMax = 3_000_000;
/** Longer than what DuckDB makes before the first chunk is read. */
const sql = `SELECT 'y' AS b, CASE WHEN i < $v1::BIGINT THEN i ELSE error('kql fails: too far') END AS x FROM range(${rowsMax}) t(i)`;

async function counted(
  connection: EngineConnection,
  chunks: AsyncIterable<ColumnValues[]>,
  after?: () => void,
): Promise<number> {
  let rows = 0;
  for await (const chunk of chunks) {
    rows += chunk[0]?.length ?? 0;
    if (rows > 100_000) after?.();
  }
  connection.close();
  return rows;
}

describe('a stream of rows', () => {
  it('ends when all of them have come', async () => {
    const connection = await engine.connect();
    expect(await counted(connection, connection.stream(sql, [{ name: 'v1', value: rowsMax }]))).toBe(rowsMax);
  });

  it('takes the values that its statement names, by their names', async () => {
    const connection = await engine.connect();
    const bound = [1n, 20n, 3n].map((value, index) => ({ name: `v${index + 1}`, value }));
    const columns = [];
    for await (const chunk of connection.stream('SELECT $v3::BIGINT - $v2::BIGINT, $v3::BIGINT', bound))
      columns.push(...chunk);
    expect(columns).toEqual([[-17n], [3n]]);
    await expect(counted(connection, connection.stream('SELECT $v4::BIGINT', bound))).rejects.toThrow();
  });

  it.each([0, 1000, 1_500_000, rowsMax - 1])('that fails after %i rows fails with the reason', async (value) => {
    const connection = await engine.connect();
    await expect(counted(connection, connection.stream(sql, [{ name: 'v1', value }]))).rejects.toMatchObject({
      code: 'runtime',
      message: 'too far',
    });
  });

  it('that is interrupted on its way says so', async () => {
    const connection = await engine.connect();
    const stream = connection.stream(sql, [{ name: 'v1', value: rowsMax }]);
    const work = counted(connection, stream, () => connection.interrupt());
    await expect(work).rejects.toMatchObject({ code: 'cancelled' });
  });

  it('that is interrupted while it is planned does not run', async () => {
    const connection = await engine.connect();
    const running = connection.run('SELECT 1');
    connection.interrupt();
    await expect(running).rejects.toMatchObject({ code: 'cancelled' });
    connection.close();
  });

  it('holds one statement', async () => {
    const connection = await engine.connect();
    await expect(connection.run('SELECT 1; SELECT 2')).rejects.toMatchObject({ code: 'internal' });
    connection.close();
  });
});

describe('rows that are put into a table', () => {
  it.each([
    [2, 200_000],
    [1_000, 400],
  ])('in %i columns leave others their turns', async (width, rowCount) => {
    const connection = await engine.connect();
    const names = Array.from({ length: width }, (_, index) => `c${index}`);
    await connection.run(`CREATE TEMP TABLE put (${names.map((name) => `${name} BIGINT`).join(', ')})`);
    let turns = 0;
    let isOver = false;
    const others = (): void => {
      turns += 1;
      if (!isOver) setImmediate(others);
    };
    setImmediate(others);
    await connection.append(
      'put',
      names.map(() => 'long'),
      names.map(() => Array.from({ length: rowCount }, (_, row) => BigInt(row))),
    );
    isOver = true;
    expect(turns).toBeGreaterThanOrEqual(Math.floor((width * rowCount) / 65_536));
    const rows = [];
    for await (const [count = [], sum = []] of connection.stream('SELECT count(*), sum(c1)::BIGINT FROM put', []))
      rows.push(count[0], sum[0]);
    expect(rows.map(Number)).toEqual([rowCount, (rowCount * (rowCount - 1)) / 2]);
    connection.close();
  });
});
