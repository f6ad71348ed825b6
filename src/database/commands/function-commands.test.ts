import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CommandFixture } from '../../../tests/support/command-fixture.ts';
import { openCommandFixture } from '../../../tests/support/command-fixture.ts';

let cluster: CommandFixture;
beforeAll(async () => {
  cluster = await openCommandFixture();
});
afterAll(() => cluster.close());

describe('a stored function with the name of one that the language has', () => {
  // The first two are measured on Microsoft's engine by mmaitre314/duckdb-kql, docs/stored-functions-proposal.md.
  it.each([
    '.create function strlen(x:string) { x }',
    '.create function count() { print a = 1 }',
    '.create function ifnotexists with (folder = "f") row_number() { print a = 1 }',
    ".create-or-alter function with (skipvalidation = 'true') ['parse_json'](x:string) { Nowhere }",
    '.alter function dcount(x:string) { print x }',
  ])('is refused as the engine refuses it: %s', async (text) => {
    await expect(cluster.run(text)).rejects.toMatchObject({
      ...{ name: 'KqlError', code: 'semantic', engine: { code: 'SEM0515' } },
      message: expect.stringContaining('reserved for internal provider') as string,
    });
    expect(await cluster.run('.show functions')).toEqual([]);
  });

  it('is another one where its letters have other cases', async () => {
    await cluster.run('.create function StrLen(x:string) { strlen(x) }');
    expect(await cluster.run('.show functions')).toMatchObject([{ Name: 'StrLen' }]);
    await cluster.run('.drop function StrLen');
  });

  it('may be declared by let in a query, as before', async () => {
    await cluster.run('.set Out <| let strlen = (x:string) { x }; print a = strlen("x")');
    expect(await cluster.run('.show table Out details')).toMatchObject([{ TotalRowCount: 1n }]);
  });
});
