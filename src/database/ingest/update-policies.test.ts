import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CommandFixture } from '../../../tests/support/command-fixture.ts';
import { openCommandFixture } from '../../../tests/support/command-fixture.ts';
import { started } from '../../../tests/support/cluster-data-fixture.ts';
import { instant } from '../../clock/clock.ts';
import { readResult } from '../commands/command-pipe.ts';
import { queryRequest } from '../commands/query-request.ts';

let cluster: CommandFixture;
beforeAll(async () => {
  cluster = await openCommandFixture();
});
afterAll(() => cluster.close());

const run = async (text: string) => cluster.run(text, { data: await cluster.data.data() });
const policy = (...entries: readonly object[]): string =>
  `\`\`\`${JSON.stringify(entries.map((entry) => ({ IsEnabled: true, ...entry })))}\`\`\``;
const inline = (table: string, text: string, more: object = {}) =>
  cluster.data.ingest(table, 'csv', text, { kind: 'inline', ...more });
const stream = (table: string, text: string) => cluster.data.ingest(table, 'csv', text);
const rows = async (text: string): Promise<string[]> => {
  const execution = await cluster.engine.execute(
    queryRequest({ ...cluster.context, data: await cluster.data.data() }, text),
  );
  return (await readResult(execution)).rows.map((row) => row.map(String).join());
};
const failures = async () =>
  (await run('.show ingestion failures')).map((row) => [
    row['Table'],
    row['ErrorCode'],
    row['OriginatesFromUpdatePolicy'],
  ]);

/** A source of raw text and a target of two columns, under names of their own. */
async function pair(name: string, entry: object = {}): Promise<void> {
  await cluster.data.table(`${name}Raw`, { line: 'string' });
  await cluster.data.table(name, { k: 'string', v: 'long' });
  await run(
    `.alter table ${name} policy update ${policy({
      Source: `${name}Raw`,
      Query: `${name}Raw | parse line with k "=" v:long | project k, v | where isnotnull(v)`,
      ...entry,
    })}`,
  );
}

describe('an update policy', () => {
  it('fills its table from the rows that are ingested alone, whichever way they come', async () => {
    await pair('A');
    await inline('ARaw', 'a=1\nb=2');
    await stream('ARaw', 'c=3');
    await run('.set-or-append ARaw <| print line = "d=4"');
    await run('.append ARaw <| datatable(line: string)["e=5", "no"]');
    await run('.ingest inline into table ARaw <| f=6');
    expect(await rows('A | sort by k asc')).toEqual(['a,1', 'b,2', 'c,3', 'd,4', 'e,5', 'f,6']);
    expect(await rows('ARaw | count')).toEqual(['7']);
    const crashed = await cluster.data.crash();
    expect(crashed.extents('db', 'A').length).toBeGreaterThan(2);
    expect((await cluster.data.rows('A')).flat()).toHaveLength(12);
    await crashed.maintain();
    expect((await cluster.data.rows('A')).flat()).toHaveLength(12);
  });

  it('sees nothing of the source but what is new, and other tables as they are', async () => {
    await cluster.data.table('Names', { id: 'long', name: 'string' });
    await inline('Names', '1,one\n2,two');
    await cluster.data.table('Events', { id: 'long' });
    await cluster.data.table('Counted', { name: 'string', n: 'long' });
    await run(
      `.alter table Counted policy update ${policy({
        Source: 'Events',
        Query: 'Events | lookup Names on id | summarize n = count() by name',
      })}`,
    );
    await inline('Events', '1\n1\n2');
    await inline('Events', '1');
    expect(await rows('Counted | sort by n asc, name asc')).toEqual(['one,1', 'two,1', 'one,2']);
  });

  it('that fails leaves the source alone, and is told among the failures', async () => {
    await pair('F');
    await run('.alter table F (k: string)'); // the query has two columns
    await inline('FRaw', 'a=1');
    await stream('FRaw', 'b=2');
    expect(await rows('FRaw | count')).toEqual(['2']);
    expect(await rows('F | count')).toEqual(['0']);
    const code = 'UpdatePolicy_QuerySchemaDoesNotMatchTableSchema';
    expect((await failures()).filter(([table]) => table === 'F')).toEqual([
      ['F', code, true],
      ['F', code, true],
    ]);
    const result = await stream('FRaw', 'c=3');
    expect(result.updates).toMatchObject({ status: 'Failed', failure: { code } });
  });

  it('that is transactional and fails keeps the source from getting the rows', async () => {
    await pair('X', { IsTransactional: true });
    await run('.alter table X (k: string)');
    const refused = { code: 'UpdatePolicySchema', message: /Target Table = 'X'.*QuerySchema=\('string,long'\)/s };
    await expect(inline('XRaw', 'a=1')).rejects.toMatchObject({ code: refused.code });
    await expect(stream('XRaw', 'b=2')).rejects.toThrow(refused.message);
    await expect(run('.append XRaw <| print line = "c=3"')).rejects.toThrow(refused.message);
    await expect(run('.ingest inline into table XRaw <| d=4')).rejects.toThrow(refused.message);
    expect(await rows('union X, XRaw | count')).toEqual(['0']);
    expect((await failures()).filter(([table]) => table === 'X')).toHaveLength(4);
  });

  it('goes on from its table to others, each once, and is cut where a circle would begin anew', async () => {
    for (const name of ['L1', 'L2', 'L3']) await cluster.data.table(name, { n: 'long' });
    const step = (to: string, from: string, more: object = {}) =>
      run(
        `.alter table ${to} policy update ${policy({ Source: from, Query: `${from} | project n = n + 1`, ...more })}`,
      );
    await step('L2', 'L1', { IsTransactional: true });
    await step('L3', 'L2', { IsTransactional: true });
    await step('L1', 'L3', { IsTransactional: true });
    await inline('L1', '1');
    await stream('L2', '10');
    expect(await rows('L1 | sort by n asc')).toEqual(['1', '12']);
    expect(await rows('L2 | sort by n asc')).toEqual(['2', '10']);
    expect(await rows('L3 | sort by n asc')).toEqual(['3', '11']);
    // What fails at the end fails all that is transactional before it.
    await run('.alter table L3 (m: string)');
    await expect(inline('L1', '5')).rejects.toMatchObject({ code: 'UpdatePolicySchema' });
    expect(await rows('L2 | count')).toEqual(['2']);
    expect((await failures()).map(([table, code]) => [table, code])).toContainEqual([
      'L2',
      'UpdatePolicy_FailedDescendantTransaction',
    ]);
  });

  it('takes over tags and creation time where it says so, and replaces what is replaced', async () => {
    const created = instant(started - 3_600_000);
    await pair('P', { PropagateIngestionProperties: true });
    await pair('Q', { Source: 'PRaw', Query: 'PRaw | project k = line, v = 0' });
    await inline('PRaw', 'a=1', { tags: ['drop-by:x'], creationTime: created });
    const data = await cluster.data.data();
    expect(data.extents('db', 'P')).toMatchObject([{ tags: ['drop-by:x'], maxCreatedOn: created }]);
    expect(data.extents('db', 'Q')).toMatchObject([{ tags: [] }]);
    await run('.set-or-replace PRaw <| datatable(line: string)["b=2", "c=3"]');
    expect(await rows('P | sort by k asc')).toEqual(['b,2', 'c,3']);
    expect(await rows('Q | sort by k asc')).toEqual(['b=2,0', 'c=3,0']);
    await run('.set-or-replace PRaw <| PRaw | take 0');
    expect(await rows('union P, Q, PRaw | count')).toEqual(['0']);
  });

  it('takes the rows of a source that keeps none', async () => {
    await pair('Z', { IsTransactional: true });
    await run('.alter-merge table ZRaw policy retention softdelete = 0s');
    await inline('ZRaw', 'a=1');
    await stream('ZRaw', 'b=2');
    expect(await rows('Z | sort by k asc')).toEqual(['a,1', 'b,2']);
    expect((await cluster.data.data()).extents('db', 'ZRaw')).toEqual([]);
    expect(await rows('ZRaw | count')).toEqual(['0']);
    await run('.delete table Z policy update');
    await expect(inline('ZRaw', 'c=3')).rejects.toMatchObject({ code: 'ZeroRetention' });
  });

  it('is ingested once with its source, when a request is repeated', async () => {
    await pair('I', { IsTransactional: true });
    for (const kind of ['inline', 'streaming'] as const)
      for (let times = 0; times < 2; times += 1)
        await cluster.data.ingest('IRaw', 'csv', `${kind}=1`, { kind, requestId: kind });
    expect(await rows('I | sort by k asc')).toEqual(['inline,1', 'streaming,1']);
  });

  it('reads no other table when rows are streamed', async () => {
    await cluster.data.table('JRaw', { k: 'string' });
    await cluster.data.table('J', { k: 'string', v: 'long' });
    await run(
      `.alter table J policy update ${policy({ Source: 'JRaw', Query: 'JRaw | lookup A on k', IsTransactional: true })}`,
    );
    await expect(stream('JRaw', 'a')).rejects.toMatchObject({ code: 'UpdatePolicyIncompatible' });
    await inline('JRaw', 'a');
    expect(await rows('J')).toEqual(['a,1']);
  });

  it('reads no table whose rows are not for everybody', async () => {
    await pair('R', { IsTransactional: true });
    const data = await cluster.data.data();
    // As two commands at the same time could leave it.
    await data.setPolicy('db', 'RRaw', 'row_level_security', { IsEnabled: true, Query: 'RRaw | where false' });
    await expect(inline('RRaw', 'a=1')).rejects.toThrow(/cannot read the table 'RRaw', which has a row level security/);
    await run('.delete table RRaw policy row_level_security');
    await run('.alter table RRaw policy restricted_view_access true');
    await expect(stream('RRaw', 'a=1')).rejects.toThrow(/which has a restricted view access policy/);
    const entry = policy({ Source: 'RRaw', Query: 'RRaw | project k = line, v = 1' });
    await expect(run(`.alter table R policy update ${entry}`)).rejects.toThrow(/restricted view access policy/);
  });

  it('reads no materialized view whose rows are not for everybody', async () => {
    await cluster.data.table('Told', { k: 'string', n: 'long' });
    await cluster.data.table('Bell', { k: 'string' });
    await cluster.data.table('Heard', { k: 'string', n: 'long' });
    await run('.create materialized-view Last on table Told { Told | summarize arg_max(n, *) by k }');
    const fill = `.alter table Heard policy update ${policy({
      Source: 'Bell',
      Query: 'Bell | take 1 | project one = 1 | join kind=inner (Last | extend one = 1) on one | project k, n',
      IsTransactional: true,
    })}`;
    const secure = (kind: string, name: string): Promise<unknown> =>
      run(`.alter ${kind} ${name} policy row_level_security enable "${name} | where n > 1"`);
    await secure('materialized-view', 'Last');
    await expect(run(fill)).rejects.toThrow(/cannot read the table 'Last', which has a row level security policy/);
    await run('.delete materialized-view Last policy row_level_security');
    await run(fill);
    await expect(secure('materialized-view', 'Last')).rejects.toMatchObject({ code: 'InvalidPolicy' });
    const hiding = { IsEnabled: true, Query: 'Told | where n > 1' };
    const data = await cluster.data.data();
    await data.setPolicy('db', 'Told', 'row_level_security', hiding, { ignoresViews: true });
    await expect(inline('Bell', 'x')).rejects.toThrow(/cannot read the table 'Told', which has a row level security/);
    await run('.delete table Told policy row_level_security');
    await run('.alter table Told policy restricted_view_access true');
    await expect(inline('Bell', 'x')).rejects.toThrow(/cannot read the table 'Told', which has a restricted view/);
    expect(await rows('Heard | count')).toEqual(['0']);
  });

  it.each([
    ['its source', 'GuardedRaw'],
    ['another table, in a function', 'GuardedNames'],
    ['what a materialized view is over', 'GuardedRows'],
  ])('keeps row level security from %s, which it reads with nobody’s rights', async (_what, name) => {
    if (name === 'GuardedRaw') {
      for (const table of ['GuardedRaw', 'GuardedNames', 'GuardedRows', 'Guarded'])
        await cluster.data.table(table, { k: 'string' });
      await run('.create materialized-view GuardedSeen on table GuardedRows { GuardedRows | summarize count() by k }');
      await run('.create function GuardedBy() { GuardedNames }');
      const query = 'GuardedRaw | lookup GuardedBy on k | lookup GuardedSeen on k | project k';
      await run(`.alter table Guarded policy update ${policy({ Source: 'GuardedRaw', Query: query })}`);
    }
    const enable = `.alter table ${name} policy row_level_security enable "${name} | where k != 'a'"`;
    await expect(run(enable)).rejects.toMatchObject({
      code: 'InvalidPolicy',
      message: expect.stringContaining(`on '${name}': the update policy of 'Guarded' reads it`) as string,
    });
    await run(enable.replace('enable', 'disable'));
    await run(`.alter table Guarded policy row_level_security enable "Guarded | where k != 'a'"`);
    if (name !== 'GuardedRows') return;
    await run('.delete table Guarded policy update');
    await run(enable);
  });

  it('has sources of a pattern, and reads each as $source_table, also in functions', async () => {
    for (const name of ['Wild1', 'Wild2']) await cluster.data.table(name, { line: 'string' });
    await cluster.data.table('W', { line: 'string', from: 'string' });
    await run('.create function with (skipvalidation = true) FromWild() { $source_table | extend from = "wild" }');
    await run(
      `.alter table W policy update ${policy({ Source: 'Wild*', SourceIsWildCard: true, Query: 'FromWild()' })}`,
    );
    await inline('Wild1', 'a');
    await inline('Wild2', 'b');
    await stream('Wild2', 'c');
    expect(await rows('W | sort by line asc')).toEqual(['a,wild', 'b,wild', 'c,wild']);
  });
});

describe('settings of update policies', () => {
  it('are shown, added to and deleted', async () => {
    await pair('S', { IsTransactional: true });
    const shown = async () => (await run('.show table S policy update'))[0]?.['Policy'];
    const kept = JSON.parse(String(await shown())) as object[];
    expect(kept).toEqual([
      {
        IsEnabled: true,
        IsTransactional: true,
        PropagateIngestionProperties: false,
        Source: 'SRaw',
        Query: 'SRaw | parse line with k "=" v:long | project k, v | where isnotnull(v)',
      },
    ]);
    await run(
      `.alter-merge table S policy update @'[{"IsEnabled": false, "Source": "SRaw", "Query": "SRaw | project k = line, v = 1"}]'`,
    );
    expect(JSON.parse(String(await shown()))).toHaveLength(2);
    await run('.delete table S policy update');
    expect(await shown()).toBe('null');
  });

  it.each([
    ['a query of other columns', { Query: 'SRaw' }, /QuerySchema=\('string'\), TableSchema=\('string,long'\)/],
    ['a source that is not there', { Source: 'Nowhere' }, /'Nowhere' of kind 'Table' was not found/],
    ['a query that does not compile', { Query: 'SRaw | where nothing > 1' }, /nothing/],
    ['a query that has nothing to do with the source', { Query: 'print "a", 1' }, /does not reference the source/],
    ['its own table as the source', { Source: 'S', Query: 'S' }, /Cyclic update is not allowed/],
    ['a managed identity', { ManagedIdentity: 'system' }, /managed identity is not supported/],
    ['a property that there is not', { Nonsense: 1 }, /no property 'Nonsense'/],
    ['a flag that is none', { IsTransactional: 'yes' }, /'IsTransactional' has a value/],
  ])('refuse %s', async (_what, change, message) => {
    const entry = { Source: 'SRaw', Query: 'SRaw | project k = line, v = 1', ...change };
    await expect(run(`.alter table S policy update ${policy(entry)}`)).rejects.toThrow(message);
  });

  it('may leave the source out where that is said', async () => {
    const entry = policy({ Source: 'SRaw', Query: 'print "a", 1' });
    await run(`.alter table S policy update with (AllowUnreferencedSourceTable = true) ${entry}`);
    await inline('SRaw', 'whatever');
    expect(await rows('S')).toEqual(['a,1']);
  });

  it('have only transactional policies on a source that keeps no rows', async () => {
    await pair('N', { IsTransactional: false });
    const zero = run('.alter-merge table NRaw policy retention softdelete = 0s');
    await expect(zero).rejects.toMatchObject({ code: 'InvalidPolicy' });
    await run('.delete table N policy update');
    await run('.alter-merge table NRaw policy retention softdelete = 0s');
    const loose = policy({ Source: 'NRaw', Query: 'NRaw | project k = line, v = 1' });
    await expect(run(`.alter table N policy update ${loose}`)).rejects.toMatchObject({ code: 'InvalidPolicy' });
  });
});
