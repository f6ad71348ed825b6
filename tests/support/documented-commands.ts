import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FollowerConfiguration, FollowerOverrides } from '../../src/authz/follower-overrides.ts';
import { noOverrides, withOverride } from '../../src/authz/follower-overrides.ts';
import { afterChange } from '../../src/authz/role-changes.ts';
import { newGuid } from '../../src/base/new-guid.ts';
import { systemRandomBytes } from '../../src/base/random.ts';
import { instant } from '../../src/clock/clock.ts';
import { DataError } from '../../src/database/catalog/data-error.ts';
import type { DatabaseAccess } from '../../src/authz/kusto-roles.ts';
import type {
  CommandContext,
  CommandRequests,
  FollowerSettings,
  IngestionEndpoint,
  ResultsCacheView,
} from '../../src/database/commands/command-context.ts';
import { KqlError, missingDatabase } from '../../src/kql/plan/kql-error.ts';
import type { CommandFixture } from './command-fixture.ts';
import { principalOf } from './command-fixture.ts';
import { filesOf, setups, wrongOnThePage } from './documented-setups.ts';
import { memoryStorage } from './memory-storage.ts';

const folder = join(import.meta.dirname, '../../vectors/commands');
const read = (name: string): unknown => JSON.parse(readFileSync(join(folder, name), 'utf8'));

/** A command as a page of the documentation has it; `id` is the page and the number on it. */
interface DocumentedCommand {
  readonly id: string;
  readonly text: string;
}

/** `answered`: as the service does; `absent`: refused because the page is wrong, or does not say what its tables, columns and ids
 * are, so that the service would refuse it here, too; `refused`: not built, or more than is built, and the message names it; `failed`: anything else. */
export type Outcome = 'answered' | 'absent' | 'refused' | 'failed';

export const documentedCommands = read('documented.json') as readonly DocumentedCommand[];
/** Why the others are not answered, by their ids. */
export const unanswered = read('unanswered.json') as Readonly<Record<string, string>>;
export const outcomeFloor = read('floor.json') as Readonly<Record<'answered' | 'failed', number>>;

/** Of the user who reads the page. */
const storage = memoryStorage();

/** Of a process that nobody else uses. */
const requests: CommandRequests = {
  cancel: () => Promise.resolve(0),
  list: () => Promise.resolve([]),
  capacity: () => [],
  defaultRateLimit: () => 100,
};

/** Of a process that has answered nothing yet. */
const results: ResultsCacheView = {
  statistics: () => ({ hits: 0, misses: 0, capacity: 0, used: 0, count: 0 }),
  clear: () => 0,
};

/** Of a cluster whose storage nobody else uses. */
const ingestionEndpoint = ({ context: { data } }: CommandFixture): IngestionEndpoint => ({
  resources: () => Promise.resolve([]),
  exportContainers: () => Promise.resolve([]),
  identityToken: () => Promise.resolve(''),
  enqueue: (blobs) => data.queued.operations.begin(blobs, { identity: '', sentOn: 0 }),
});

/** A cluster that follows whatever database is named, and keeps what is set for it as the resource manager does. */
function followerSettings(): FollowerSettings {
  const held = new Map<string, FollowerOverrides>();
  const configuration = (name: string): FollowerConfiguration => {
    const overrides = held.get(name) ?? noOverrides;
    return { name, overrides, principalsKind: overrides.principalsKind ?? 'Union' };
  };
  return {
    tell: (names) => Promise.resolve(names.map(configuration)),
    change: (name, change) => {
      const before = held.get(name) ?? noOverrides;
      if (change.what === 'principals') {
        const { role, notes } = change;
        const named = change.principals.map((text) => ({ ...principalOf(text), role, notes }));
        held.set(name, { ...before, principals: afterChange(before.principals, change, named) });
      } else held.set(name, withOverride(before, change));
      return Promise.resolve([configuration(name)]);
    },
  };
}

/** Runs a documented command in a cluster that has the databases, tables and functions that it names, and what its page has made. */
export async function outcomeOf(
  cluster: CommandFixture,
  { id, text: written }: DocumentedCommand,
): Promise<{ readonly outcome: Outcome; readonly why: string }> {
  storage.blobs.clear(); // pages call files alike that are of different formats
  const known: DatabaseAccess[] = cluster.context.databases.map((one) => ({ ...one, roles: ['UnrestrictedViewer'] }));
  const { sourceOf, exports } = storage;
  const ingestion = ingestionEndpoint(cluster);
  const context = { databases: known, requests, results, followers: followerSettings(), sourceOf, exports, ingestion };
  const { text, change } = await prepare(cluster, id, written, context);
  for (let attempt = 0; ; attempt += 1) {
    try {
      await cluster.run(text, { ...context, ...change });
      return { outcome: 'answered', why: '' };
    } catch (error) {
      if (attempt < 12 && (await supply(cluster, known, text, error))) continue;
      const wrong = wrongOnThePage[id];
      if (wrong !== undefined) return { outcome: 'absent', why: wrong };
      return { outcome: outcomeOfError(error), why: error instanceof Error ? error.message : String(error) };
    }
  }
}

/** @returns the example with the ids of this cluster */
async function prepare(
  cluster: CommandFixture,
  id: string,
  written: string,
  context: Partial<CommandContext>,
): Promise<{ readonly text: string; readonly change: Partial<CommandContext> }> {
  const run: CommandFixture['run'] = (command) => cluster.run(command, context);
  let [text, change]: [string, Partial<CommandContext>] = [written, {}];
  for (const setup of setups.filter(({ of }) => of.test(id))) {
    for (const command of setup.commands ?? []) await run(command);
    for (const [address, bytes] of filesOf(setup)) storage.blobs.set(address, bytes);
    const ids = await setup.ids?.(run, cluster.settle);
    for (const [there, here] of Object.entries(ids ?? {})) text = text.replaceAll(there, here);
    const now = setup.now === undefined ? undefined : instant(Date.parse(setup.now));
    if (now !== undefined) change = { clock: { ...cluster.context.clock, now: () => now } };
  }
  return { text, change };
}

function outcomeOfError(error: unknown): Outcome {
  if (error instanceof KqlError && (error.code === 'notSupported' || error.code === 'limits')) return 'refused';
  if (error instanceof KqlError && error.engine?.code === 'SEM0100') return 'absent';
  if (!(error instanceof DataError)) return 'failed';
  if (error.code === 'FormatNotSupported') return 'refused';
  const isAbsent =
    error.code.endsWith('NotFound') ||
    error.code === 'NotRecoverable' ||
    error.message.startsWith('There is no ') ||
    (error.code === 'InvalidView' && /neither its source/.test(error.message)) ||
    // The dates of the pages are past, and the service takes later ones.
    (error.code === 'InvalidPolicy' && /Failed to resolve|'ExpiryDate' is past/.test(error.message));
  return isAbsent ? 'absent' : 'failed';
}

/** @returns whether something was made, so that another try is worth it */
async function supply(
  cluster: CommandFixture,
  known: DatabaseAccess[],
  text: string,
  error: unknown,
): Promise<boolean> {
  const database = missingDatabase(error) ?? nameOf(error, 'DatabaseNotFound');
  if (database !== undefined) return addDatabase(cluster, known, database);
  const file = error instanceof DataError ? /There is no '(.*)'/.exec(error.message)?.[1] : undefined;
  if (file !== undefined) return addFile(cluster, file, formatIn(text));
  const made = commandsFor(cluster, text, error);
  const places = cluster.context.data.databases().map(({ name }) => name);
  let isMade = false;
  for (const command of made)
    for (const place of places) {
      const run = cluster.run(command, { database: place, databases: known, exports: storage.exports });
      isMade =
        (await run.then(
          () => true,
          () => false,
        )) || isMade;
    }
  return isMade;
}

const externalTable = (name: string, columns: string, format: string): string =>
  `.create-or-alter external table ['${name}'] (${columns}) kind=storage dataformat=${format} (h@'https://storageaccount.blob.core.windows.net/container1;secretKey')`;

function commandsFor({ context }: CommandFixture, text: string, error: unknown): readonly string[] {
  const table = nameOf(error, 'TableNotFound') ?? unknown(error, 'KS204');
  if (table !== undefined)
    return [`.drop external table ['${table}'] ifexists`, `.create table ['${table}'] (Id: long)`];
  const [, to, wanted, type] = /to '(.*)', which has no column '(.*)' of type '(.*)'/.exec(String(error)) ?? [];
  if (to !== undefined) return [`.alter-merge table ['${to}'] (['${wanted}']: ${type})`];
  const partitioned = /PartitionKeys/.test(String(error)) ? /table (\w+)/.exec(text)?.[1] : undefined;
  if (partitioned !== undefined)
    return [
      `.alter-merge table ['${partitioned}'] (['Partition']: string)`,
      `.alter table ['${partitioned}'] policy partitioning '{"PartitionKeys": [{"ColumnName": "Partition", "Kind": "Hash", "Properties": {"MaxPartitionCount": 128}}]}'`,
    ];
  const fn = nameOf(error, 'FunctionNotFound');
  if (fn !== undefined) return [`.create function ['${fn}']() { print x = 1 }`];
  const external = nameOf(error, 'ExternalTableNotFound');
  if (external !== undefined)
    return [
      `.drop table ['${external}'] ifexists`, // one name, one table
      `.create external table ['${external}'] (Id: long) kind=storage dataformat=csv (h@'https://storageaccount.blob.core.windows.net/container1;secretKey')`,
    ];
  const view = nameOf(error, 'ViewNotFound');
  if (view !== undefined)
    return [
      `.drop table ['${view}'] ifexists`,
      `.create table ViewSource (Id: long)`,
      `.create materialized-view ['${view}'] on table ViewSource { ViewSource | summarize take_any(*) by Id }`,
    ];
  if (error instanceof DataError && error.code === 'InvalidView') {
    const name = /materialized-view\s+(?:with\s*\([^)]*\)\s*)?(\w+)/.exec(text)?.[1] ?? '';
    if (/already enabled/.test(error.message)) return [`.disable materialized-view ${name}`];
    if (/by' clause/.test(error.message)) return [`.drop materialized-view ${name}`, text.replace('.alter', '.create')];
  }
  const target = /\bto table (\w+)/.exec(text)?.[1];
  if (target !== undefined && /does not match the schema of the external table/.test(String(error)))
    return ['.drop table T ifexists', '.create table T (Id: long)', externalTable(target, 'Id: long', 'csv')];
  const mapped = /external table (\w+) mapping/.exec(text)?.[1];
  if (mapped !== undefined && /needs an 'Ordinal'/.test(String(error)))
    return [externalTable(mapped, 'rownumber: int, rowguid: string', 'json')];
  const existing = nameOf(error, 'EntityExists');
  if (existing !== undefined)
    return [
      `.drop table ['${existing}'] ifexists`,
      `.drop function ['${existing}'] ifexists`,
      `.drop external table ['${existing}'] ifexists`,
      `.drop materialized-view ['${existing}'] ifexists`,
      `.drop entity_group ['${existing}']`,
    ];
  const mapping = error instanceof DataError && error.code === 'MappingNotFound' ? nameIn(error) : undefined;
  if (mapping !== undefined)
    return [...new Set(text.match(/\b[A-Z]\w+/g))].map(
      (name) =>
        `.create-or-alter table ['${name}'] ingestion ${formatIn(text)} mapping '${mapping}' '[{"Column": "Id", "Properties": {"Path": "$.Id"}}]'`,
    );
  const column =
    (error instanceof DataError
      ? /names the column '(.*?)', which the table does not have/.exec(error.message)?.[1]
      : undefined) ??
    nameOf(error, 'ColumnNotFound') ??
    unknown(error, 'KS142') ??
    oneSided(error);
  if (column === undefined) return [];
  const viewed = /materialized-view\s+(\w+)\s+records/.exec(text)?.[1];
  if (viewed !== undefined)
    return [
      `.drop table ['${column}'] ifexists`, // a column is meant
      `.drop materialized-view ['${viewed}'] ifexists`,
      `.alter-merge table ViewSource (['${column}']: ${typeOf(column)})`,
      `.create materialized-view ['${viewed}'] on table ViewSource { ViewSource | summarize take_any(*) by Id }`,
    ];
  const tables = context.data
    .databases()
    .flatMap((one) => [...one.tables.keys()].filter((name) => text.includes(name)));
  // A time is a column, of an answer that does not have it, and no table.
  if (tables.length === 0) return typeOf(column) === 'datetime' ? [] : [`.create table ['${column}'] (Id: long)`];
  return [...new Set(tables)].map((name) => `.alter-merge table ['${name}'] (['${column}']: ${typeOf(column)})`);
}

/** The format that a command names. */
const formatIn = (text: string): string => /\bformat\s*=\s*["'](\w+)/.exec(text)?.[1] ?? 'csv';

/** A file as the page has it: with a record. @returns false for a format that nothing here writes */
async function addFile(cluster: CommandFixture, name: string, format: string): Promise<boolean> {
  if (/^w3c/i.test(format)) {
    storage.blobs.set(name, Buffer.from('#Fields: Id\n1\n'));
    return true;
  }
  if (!/^(csv|tsv|json|parquet)$/.test(format)) return false;
  const [blob] = await cluster.run(`.export to ${format} (h@"made;key") <| print Id = 1`, { exports: storage.exports });
  storage.blobs.set(name, storage.blobs.get(String(blob?.['Path'])) ?? Buffer.alloc(0));
  return true;
}

/** As the pages use columns of such names. */
const typeOf = (column: string): string =>
  /time|created|date/i.test(column) ? 'datetime' : /^(Version|Id|.*Count)$/.test(column) ? 'long' : 'string';

async function addDatabase(cluster: CommandFixture, known: DatabaseAccess[], name: string): Promise<boolean> {
  if (known.some((one) => one.name.toLowerCase() === name.toLowerCase()) || !/^[\w .-]{1,260}$/.test(name))
    return false;
  known.push({ databaseId: newGuid(systemRandomBytes), name, roles: ['UnrestrictedViewer'] });
  await cluster.context.data.setDatabases(known.map(({ databaseId, name: own }) => ({ databaseId, name: own })));
  return true;
}

const nameIn = (error: Error): string | undefined => /'(.*?)'/.exec(error.message)?.[1];

const nameOf = (error: unknown, code: string): string | undefined =>
  error instanceof DataError && error.code === code ? /'(.*?)'/.exec(error.message)?.[1] : undefined;

const oneSided = (error: unknown): string | undefined =>
  error instanceof KqlError && error.parserCode === 'KS145' ? error.engine?.token : undefined;

/** @param as the parser's own code for a name of that kind */
const unknown = (error: unknown, as: 'KS142' | 'KS204'): string | undefined =>
  error instanceof KqlError && error.parserCode === as ? error.engine?.token : undefined;
