import { expect, it } from 'vitest';
import { openEngineDatabase } from '../../kql/duckdb/engine-database.ts';
import { natives } from '../../kql/language.ts';
import type { RowBatch } from '../catalog/row-batch.ts';
import { TailTable } from './tail-table.ts';

it('gives the rows of the moment when it is opened, whatever is added while it opens', async () => {
  const database = await openEngineDatabase({ threads: 1, memoryLimit: '128MB' }, natives);
  const batch = (value: bigint): RowBatch => ({
    columns: [{ columnId: 1, type: 'long', values: [value] }],
    rowCount: 1,
  });
  const tail = new TailTable('tail', [{ columnId: 1, type: 'long' }], () => database.connect());
  tail.add(batch(1n), 1);
  const opening = tail.open();
  tail.add(batch(2n), 2);
  const [before, after] = [await opening, await tail.open()];
  const values = async (opened: typeof before): Promise<unknown[]> => {
    const found: unknown[] = [];
    for await (const [column = []] of opened.rows()) found.push(...column);
    return found;
  };
  expect(await values(before)).toEqual([1n]);
  expect(await values(after)).toEqual([1n, 2n]);
  database.close();
});
