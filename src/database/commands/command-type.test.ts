import { describe, expect, it } from 'vitest';
import { commandTypeOf, isIngestionCommand } from './command-type.ts';

describe('the type of a command', () => {
  it.each([
    // As the documentation shows them.
    ['.create table T (a: long)', 'TableCreate'],
    ['.create-merge table T(a:string, b:string)', 'TableCreate'],
    ['.alter-merge table T policy retention softdelete = 10d', 'RetentionPolicyAlter'],
    ['.create-or-alter function with (skipvalidation = "true") F(x: long) { T | take x }', 'FunctionCreateOrAlter'],
    ['.set-or-append T <| print 1', 'TableSetOrAppend'],
    ['.append T <| print 1', 'TableAppend'],
    ['.ingest inline into table T <| 1', 'DataIngestPull'],
    ['.show operations', 'OperationsShow'],
    // The same way.
    ['.set-or-replace async T with (tags="[]") <| print 1', 'TableSetOrReplace'],
    ['.alter table T policy streamingingestion enable', 'StreamingIngestionPolicyAlter'],
    [".show table ['a policy'] policy row_level_security", 'RowLevelSecurityPolicyShow'],
    ['.set stored_query_result R <| print 1', 'StoredQueryResultSet'],
    [' // .drop table U\n  .drop table T', 'TableDrop'],
  ])('of %s is %s', (text, type) => {
    expect(commandTypeOf(text)).toBe(type);
  });
});

describe('a command that brings rows in', () => {
  it.each([
    ['.set-or-append T <| print 1', true],
    [`.ingest inline into table T <| ${'1,2\n'.repeat(1_000_000)}`, true],
    ['.set table T admins none', false],
    ['.set stored_query_result R <| print 1', false],
    ['.show tables', false],
  ])('is told from others: %.40s', (text, ingests) => {
    expect(isIngestionCommand(text)).toBe(ingests);
  });
});
