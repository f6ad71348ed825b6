import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { natives } from '../language.ts';
import type { ColumnValues, EngineConnection, EngineDatabase } from './engine-database.ts';
import { openEngineDatabase, OverflowError } from './engine-database.ts';

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

describe.each([
  ['of a connection', false],
  ['of one that gives way', true],
])('a stream of rows %s', (_which, givesWay) => {
  const connect = async (): Promise<EngineConnection> => {
    const connection = await engine.connect();
    if (givesWay) connection.giveWay();
    return connection;
  };

  it('ends when all of them have come', async () => {
    const connection = await engine.connect();
    expect(await counted(connection, connection.stream(sql, [{ name: 'v1', value: rowsMax }]))).toBe(rowsMax);
  });

  it('takes the values that its statement names, by their names', async () => {
    const connection = await connect();
    const bound = [1n, 20n, 3n].map((value, index) => ({ name: `v${index + 1}`, value }));
    const columns = [];
    for await (const chunk of connection.stream('SELECT $v3::BIGINT - $v2::BIGINT, $v3::BIGINT', bound))
      columns.push(...chunk);
    expect(columns).toEqual([[-17n], [3n]]);
    await expect(counted(connection, connection.stream('SELECT $v4::BIGINT', bound))).rejects.toThrow();
  });

  it.each([0, 1000, 1_500_000, rowsMax - 1])('that fails after %i rows fails with the reason', async (value) => {
    const connection = await connect();
    await expect(counted(connection, connection.stream(sql, [{ name: 'v1', value }]))).rejects.toMatchObject({
      code: 'runtime',
      message: 'too far',
    });
  });

  it('that is interrupted on its way says so', async () => {
    const connection = await connect();
    const stream = connection.stream(sql, [{ name: 'v1', value: rowsMax }]);
    const work = counted(connection, stream, () => connection.interrupt());
    await expect(work).rejects.toMatchObject({ code: 'cancelled' });
  });

  it('that is interrupted while it is planned does not run', async () => {
    const connection = await connect();
    const running = connection.run('SELECT 1');
    connection.interrupt();
    await expect(running).rejects.toMatchObject({ code: 'cancelled' });
    connection.close();
  });

  it('holds one statement', async () => {
    const connection = await connect();
    await expect(connection.run('SELECT 1; SELECT 2')).rejects.toMatchObject({ code: 'internal' });
    connection.close();
  });
  it('has values of every kind as they are', async () => {
    const connection = await connect();
    const texts = ["it's", '', 'ü€😀', "\\'; --", 'nul \0 and line\n', '$v1', null];
    const values = [...texts, true, -9_223_372_036_854_775_808n, NaN, -Infinity, 1e-300];
    const types = [...texts.map(() => 'VARCHAR'), 'BOOLEAN', 'BIGINT', ...[1, 2, 3].map(() => 'DOUBLE')];
    const bound = values.map((value, index) => ({ name: `v${index + 1}`, value }));
    const names = types.map((type, index) => `$v${index + 1}::${type} AS "not $v2"`);
    const rows: unknown[] = [];
    for await (const chunk of connection.stream(`SELECT ${names.join(', ')}, '$v2'`, bound)) rows.push(...chunk.flat());
    connection.close();
    expect(rows).toEqual([...values, '$v2']);
  });

  it('runs one statement after the other, also after one that failed', async () => {
    const connection = await connect();
    await connection.run('CREATE TEMP TABLE kept AS SELECT $v1::BIGINT AS n', [{ name: 'v1', value: 7n }]);
    await expect(connection.run(`SELECT error('kql fails: no') FROM kept`)).rejects.toMatchObject({ message: 'no' });
    await expect(connection.run('SELECT n + 9223372036854775807 FROM kept')).rejects.toThrow(OverflowError);
    for await (const chunk of connection.stream('SELECT n FROM kept', [])) {
      expect(chunk).toEqual([[7n]]);
      break;
    }
    expect(await counted(connection, connection.stream('SELECT * FROM kept, range(3000)', []))).toBe(3000);
  });
});

describe('statements without end on connections that give way', () => {
  it('leave a small one its thread, and end when they are told', async () => {
    const endless = 'SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE a.range <> b.range + $v1::BIGINT';
    const bound = [{ name: 'v1', value: 1n }];
    // More than there are threads that could wait for them.
    const heavy = await Promise.all(Array.from({ length: 20 }, () => engine.connect()));
    let ended = 0;
    const running = heavy.map(async (connection) => {
      connection.giveWay();
      const failure: unknown = await connection.run(endless, bound).catch((error: unknown) => error);
      ended += 1;
      return failure;
    });
    const small = await engine.connect();
    for (let turn = 0; turn < 20; turn += 1) await small.run('SELECT 1');
    expect(ended).toBe(0);
    for (const connection of heavy) connection.interrupt();
    for (const failure of await Promise.all(running)) expect(failure).toMatchObject({ code: 'cancelled' });
    for (const connection of [small, ...heavy]) connection.close();
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
