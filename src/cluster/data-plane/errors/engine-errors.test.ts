import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestEngine } from '../../../../tests/support/cluster-data-fixture.ts';
import { DataError } from '../../../database/catalog/data-error.ts';
import type { EngineDatabase } from '../../../kql/duckdb/engine-database.ts';
import { engineMistake, KqlError } from '../../../kql/plan/kql-error.ts';
import { translateError } from './engine-errors.ts';

let engine: EngineDatabase;
beforeAll(async () => {
  engine = await openTestEngine('48MB');
});
afterAll(() => engine.close());

async function failure(sql: string): Promise<unknown> {
  const connection = await engine.connect();
  try {
    const chunks = connection.stream(sql, [])[Symbol.asyncIterator]();
    while ((await chunks.next()).done !== true);
    return undefined;
  } catch (error) {
    return error;
  } finally {
    connection.close();
  }
}

describe('errors of the engine in the words of the protocol', () => {
  // Middle tiers look for this code to read which patterns are wanted.
  it('patterns that are not declared', () => {
    const message = 'One or more pattern references were not declared. Detected …: ["p(1)"]';
    const error = engineMistake('semantic', { code: 'SEM0036' }, message, 0, 'KS188');
    expect(translateError(error, 'p(1)')?.message).toBe(
      'Request is invalid and cannot be processed: Semantic error: SEM0036: One or more pattern references were not declared. Detected …: ["p(1)"]',
    );
  });

  it('whatever an error says, its code decides', () => {
    const unknown = new KqlError('semantic', "The name 'x' does not refer to any known column.", 0);
    expect(translateError(unknown, 'x')).toMatchObject({ inner: { code: 'General_BadRequest' } });
    expect(translateError(engineMistake('semantic', { code: 'SEM0100' }, 'No x.', 0), 'x')).toMatchObject({
      inner: { code: 'SEM0100' },
    });
    expect(translateError(new KqlError('limits', 'Too much (E_RUNAWAY_QUERY).'), '')).toMatchObject({
      code: 'General_BadRequest',
    });
    expect(translateError(new KqlError('memory', 'Too much.'), '')).toMatchObject({ code: 'LowMemoryCondition' });
  });

  it('memory that runs out', async () => {
    const error = await failure('SELECT list(repeat(CAST(range AS VARCHAR), 20)) FROM range(5000000)');
    expect(translateError(error, '')).toMatchObject({
      status: 400,
      code: 'LowMemoryCondition',
      type: 'Kusto.Data.Exceptions.KustoServicePartialQueryFailureLowMemoryConditionException',
      permanent: false,
      message:
        "Query execution lacks memory resources to complete (80DA0007): Partial query failure: Low memory condition (E_LOW_MEMORY_CONDITION). (message: 'bad allocation (E_LOW_MEMORY_CONDITION)', details: '').",
    });
    expect(await failure('SELECT 1')).toBeUndefined();
  });

  it('a place in the data is told once', () => {
    const error = new DataError('MalformedData', 'A closing quote is missing (line 2, column 3).', {
      line: 2,
      column: 3,
    });
    expect(translateError(error, '')?.message).toBe('A closing quote is missing (line 2, column 3).');
  });

  it('a place in the text is counted in lines', () => {
    const error = translateError(new KqlError('syntax', 'Oh', 9), 'print 1;\n|');
    expect(error).toMatchObject({ code: 'General_BadRequest', inner: { line: 2, position: 0 } });
    const command = translateError(new KqlError('syntax', 'Oh', 9), '.show 1;\n|');
    expect(command).toMatchObject({ code: 'BadRequest_SyntaxError', inner: { line: 2, position: 0 } });
  });

  it('what is nobody’s fault is not translated', () => {
    expect(translateError(new Error('x'), '')).toBeUndefined();
    expect(translateError(new KqlError('internal', 'x'), '')).toBeUndefined();
  });
});
