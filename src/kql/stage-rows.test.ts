import { describe, expect, it } from 'vitest';
import { NativeBudget, nativeLimit, NeedsThreadError, sharedNativeLimit } from './duckdb/native-budget.ts';
import type { ColumnValues } from './duckdb/engine-database.ts';
import { collected } from './stage-rows.ts';

const chunkRows = 2048;

/** Chunks without end. */
function endless(value: string | number): {
  readonly chunks: AsyncGenerator<ColumnValues[]>;
  readonly given: () => number;
} {
  let given = 0;
  async function* chunks(): AsyncGenerator<ColumnValues[]> {
    for (;;) {
      given += 1;
      yield [new Array<string | number>(chunkRows).fill(value)];
      await Promise.resolve();
    }
  }
  return { chunks: chunks(), given: () => given };
}

describe('rows for an operator that walks them', () => {
  it('end while they come where others wait for the thread', async () => {
    const { chunks, given } = endless(1);
    await expect(collected(chunks, new NativeBudget(sharedNativeLimit))).rejects.toThrow(NeedsThreadError);
    expect(given()).toBe(Math.ceil(10_001 / chunkRows));
  });

  it('end while they come where there are more than any operator takes', async () => {
    const { chunks, given } = endless(1);
    await expect(collected(chunks, new NativeBudget(nativeLimit))).rejects.toMatchObject({ code: 'limits' });
    expect(given()).toBe(Math.ceil(2_000_001 / chunkRows));
  });

  it('end at texts that would hold up others', async () => {
    const { chunks, given } = endless('x'.repeat(10_000));
    await expect(collected(chunks, new NativeBudget(sharedNativeLimit))).rejects.toThrow(NeedsThreadError);
    expect(given()).toBe(1);
  });
});
