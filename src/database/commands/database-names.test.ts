import { beforeAll, describe, expect, it } from 'vitest';
import { newGuid } from '../../base/new-guid.ts';
import { systemRandomBytes } from '../../base/random.ts';
import { storedCommands } from '../../../tests/support/stored-commands.ts';
import type { CommandContext } from './command-context.ts';

// A table of another database than that of the request, in every command whose page names one before the table.

const { cluster, run } = storedCommands();
let both: Partial<CommandContext>;

beforeAll(async () => {
  const other = { databaseId: newGuid(systemRandomBytes), name: 'other one' };
  await cluster().context.data.setDatabases([cluster().data.database, other]);
  both = { databases: [cluster().data.database, other].map((one) => ({ ...one, roles: [] })) };
  for (const database of ['db', other.name])
    for (const command of ['.create table T (A: long, B: string)', '.create table U (A: long, B: string)'])
      await cluster().run(command, { ...both, database });
});

const here = (command: string) => run(command, both);
const there = (command: string) => run(command, { ...both, database: 'other one' });

describe('a table with the name of its database before it', () => {
  it.each([
    [`.alter table ['other one'].T policy caching hot = 7d`, '.show table T policy caching', '7.00:00:00'],
    [
      `.alter table ['other one'].T policy update @'[{"Source": "U", "Query": "U"}]'`,
      '.show table T policy update',
      'U',
    ],
    [
      `.alter-merge table ['other one'].T policy update @'[{"Source": "U", "Query": "U | take 1"}]'`,
      ...(['.show table T policy update', 'take 1'] as const),
    ],
    [
      `.alter table ['other one'].T policy ingestionbatching '{"MaximumNumberOfItems": 7}'`,
      ...(['.show table T policy ingestionbatching', '"MaximumNumberOfItems": 7'] as const),
    ],
    [
      `.alter-merge table ['other one'].T policy ingestionbatching '{"MaximumNumberOfItems": 8}'`,
      ...(['.show table T policy ingestionbatching', '"MaximumNumberOfItems": 8'] as const),
    ],
    [`.alter column ['other one'].T.A type = string`, '.show table T cslschema', 'A:string'],
    [`.rename column ['other one'].T.A to C`, '.show table T cslschema', 'C:string'],
    [`.rename columns D = ['other one'].T.C`, '.show table T cslschema', 'D:string'],
  ])('%s changes that one', async (command, shows, text) => {
    const before = JSON.stringify(await here(shows));
    await here(command);
    expect(JSON.stringify(await there(shows)).replaceAll('\\', '')).toContain(text);
    expect(JSON.stringify(await here(shows))).toBe(before);
  });

  it('is shown, and given back what its database has', async () => {
    for (const policy of ['caching', 'update']) {
      expect(await here(`.show table ['other one'].T policy ${policy}`)).toEqual(
        await there(`.show table T policy ${policy}`),
      );
      await here(`.delete table ['other one'].T policy ${policy}`);
      expect(await there(`.show table T policy ${policy}`)).toMatchObject([{ Policy: 'null' }]);
    }
  });

  it('needs the roles there', async () => {
    const { databaseId, name } = cluster().data.database;
    const admin = { clusterRoles: [], databases: [{ databaseId, name, roles: ['Admin' as const] }] };
    await expect(run(`.alter table ['other one'].T policy caching hot = 1d`, admin)).rejects.toThrow('not authorized');
    await expect(run(`.rename column ['other one'].T.D to E`, admin)).rejects.toThrow('not authorized');
  });
});

describe('ifnotexists', () => {
  it('makes what is not there, and leaves what is', async () => {
    for (const text of [
      '.create ifnotexists materialized-view V on table T { T | summarize count() by A }',
      '.create ifnotexists materialized-view with (folder="F") V on table T { T | summarize count() by B }',
    ])
      expect(await here(text)).toMatchObject([{ Name: 'V', Query: 'T | summarize count() by A', Folder: '' }]);
    const started = await here(
      '.create async ifnotexists materialized-view W on materialized-view V { V | summarize count() by A }',
    );
    expect(started).toHaveLength(1);
  });
});
