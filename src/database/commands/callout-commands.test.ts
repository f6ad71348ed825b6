import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CommandFixture } from '../../../tests/support/command-fixture.ts';
import { openCommandFixture } from '../../../tests/support/command-fixture.ts';
import { externalTable } from '../../kql/plan/external-data.ts';
import { requireUnbarred } from './barred-tables.ts';
import { bytesSource } from '../ingest/data-source.ts';

let cluster: CommandFixture;
beforeAll(async () => {
  cluster = await openCommandFixture();
  await cluster.run('.create table Rows (a: long)');
});
afterAll(() => cluster.close());

const callout = (CalloutUriRegex: string, CanCall: boolean, CalloutType = 'external_data') => ({
  ...{ CalloutType, CalloutUriRegex, CanCall },
});
const set = (verb: string, ...policies: readonly unknown[]): string =>
  `${verb} cluster policy callout \`\`\`${JSON.stringify(policies)}\`\`\``;
const policyOf = async (text: string): Promise<unknown> => JSON.parse(String((await cluster.run(text))[0]?.['Policy']));
const read = (host: string, barred?: NonNullable<CommandFixture['context']['barred']>) =>
  cluster.run(`.append Rows <| externaldata(a: long) ["https://${host}/a.csv"]`, {
    sourceOf: (address) => bytesSource(address, Buffer.from('1\n')),
    ...(barred === undefined ? {} : { barred }),
  });

describe('the callout policy', () => {
  it('is set, merged, shown beside what nobody can change, and deleted', async () => {
    const [sql, denied] = [callout('sqlname\\.database\\.azure\\.com/?$', true, 'sql'), callout('contoso', false)];
    expect(await policyOf('.show cluster policy callout')).toEqual([]);
    expect(await policyOf(set('.alter', sql))).toEqual([sql]);
    expect(await policyOf(set('.alter-merge', denied, { ...sql, CanCall: false }))).toEqual([
      { ...sql, CanCall: false },
      denied,
    ]);
    const immutable = ".show cluster policy callout | where EntityType == 'Cluster immutable policy' | project Policy";
    expect(await policyOf(immutable)).toContainEqual(callout('.*', true));
    expect(await policyOf('.delete cluster policy callout')).toBeNull();
    expect(await policyOf('.show cluster policy callout')).toEqual([]);
    expect(await policyOf(immutable)).toHaveLength(7);
  });

  it('keeps external data out that it denies, be it allowed by another', async () => {
    await read('contoso.example');
    await cluster.run(set('.alter', callout('^https://contoso\\.example/', false), callout('contoso', true)));
    await expect(read('contoso.example')).rejects.toThrow(
      "externaldata: The callout policy of the cluster does not allow 'https://contoso.example/a.csv' (callout type 'external_data').",
    );
    await read('fabrikam.example');
    await cluster.run(set('.alter-merge', callout('^https://contoso\\.example/', true)));
    await read('contoso.example');
    await cluster.run('.delete cluster policy callout');
  });

  it.each([
    [callout('a', true, 'ftp'), 'CalloutType must be one of'],
    [callout('(', true), 'is no regular expression'],
    [{ CalloutType: 'sql', CalloutUriRegex: 'a' }, 'CanCall must be'],
    [{ ...callout('a', true), Other: 1 }, "no property 'Other'"],
  ])('is refused as %j', async (policy, message) => {
    await expect(cluster.run(set('.alter', policy))).rejects.toMatchObject({
      code: 'InvalidPolicy',
      message: expect.stringContaining(message) as string,
    });
  });
});

describe('what a request bars itself from', () => {
  it('is external data', async () => {
    await expect(read('contoso.example', { externalData: true })).rejects.toThrow('request_external_data_disabled');
    await read('contoso.example', { externalTables: true });
  });

  it('is external tables, and tables with row level security', async () => {
    const barred = { securedTables: true } as const;
    await cluster.run('.alter table Rows policy row_level_security enable "Rows | where a > 0"');
    await expect(cluster.run('.set Copy <| Rows', { barred })).rejects.toThrow('request_block_row_level_security');
    await cluster.run('.set Copy <| Rows');
    await cluster.run('.set Other <| Copy', { barred });
    await cluster.run('.create materialized-view Seen on table Copy { Copy | summarize count() by a }');
    await cluster.run('.set Third <| Seen', { barred });
    await cluster.run('.alter materialized-view Seen policy row_level_security enable "Seen | where a > 0"');
    await expect(cluster.run('.set Fourth <| Seen', { barred })).rejects.toThrow(
      "'Seen', which has row level security",
    );
    const { data } = cluster.context;
    const table = externalTable({ name: 'Elsewhere' });
    expect(() => requireUnbarred({ externalTables: true }, data, 'db', table)).toThrow(
      'request_external_table_disabled',
    );
    // Documented of both: external data is `externaldata` or external tables.
    expect(() => requireUnbarred({ externalData: true }, data, 'db', table)).toThrow('request_external_data_disabled');
    expect(() => requireUnbarred(barred, data, 'db', table)).not.toThrow();
  });
});
