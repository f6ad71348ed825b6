import type { Guid } from '../../base/guid.ts';
import type { ExtentView } from '../catalog/catalog-view.ts';
import { dataError } from '../catalog/data-error.ts';
import { KqlError } from '../../kql/plan/kql-error.ts';
import type { Command, CommandRow, Row, RunNested } from './command.ts';
import type { CommandContext } from './command-context.ts';
import { ticksOf } from './instants.ts';
import { requirePermission } from './permissions.ts';
import { extentIdsOf, queriedExtents } from './queried-extents.ts';
import { node } from './node.ts';

export const extentColumns =
  'ExtentId: guid, DatabaseName: string, TableName: string, MaxCreatedOn: datetime, OriginalSize: real, ExtentSize: real, CompressedSize: real, IndexSize: real, Blocks: long, Segments: long, ExtentContainerId: string, RowCount: long, MinCreatedOn: datetime, Tags: string, Kind: string, DeletedRowCount: long';
const droppedColumns = 'ExtentId: guid, TableName: string, CreatedOn: datetime';

export const extentRow = (extent: ExtentView): Row => [
  ...[
    extent.extentId,
    extent.database,
    extent.table,
    ticksOf(extent.maxCreatedOn),
    extent.originalBytes,
    extent.extentBytes,
  ],
  ...[
    extent.extentBytes,
    0,
    1n,
    1n,
    '',
    BigInt(extent.rowCount),
    ticksOf(extent.minCreatedOn),
    extent.tags.join('\r\n'),
    'StandardV3',
    0n,
  ],
];

const droppedRow = (extent: ExtentView): Row => [extent.extentId, extent.table, ticksOf(extent.minCreatedOn)];

const extentIds = (command: Command): readonly Guid[] => extentIdsOf(command.all('ExtentId'));

const tagTests: Readonly<Record<string, (tag: string, wanted: string) => boolean>> = {
  has: (tag, wanted) => tag.toLowerCase() === wanted.toLowerCase(),
  contains: (tag, wanted) => tag.toLowerCase().includes(wanted.toLowerCase()),
};

/** `where tags has 'x' and tags !contains 'y'`, each over all tags of an extent. */
function tagFilter(command: Command): (extent: ExtentView) => boolean {
  const tests = command.leaves.flatMap((leaf, index) => {
    if (leaf.name !== 'Tag') return [];
    const operator = command.leaves[index - 1]?.text.toLowerCase() ?? '';
    const test = tagTests[operator.replace('!', '')];
    if (test === undefined) throw new KqlError('notSupported', `The filter 'tags ${operator}' is not supported.`);
    const wanted = typeof leaf.value === 'string' ? leaf.value : leaf.text;
    return [(tags: readonly string[]) => tags.some((tag) => test(tag, wanted)) !== operator.startsWith('!')];
  });
  return ({ tags }) => tests.every((test) => test(tags));
}

/** @param extentsOf given ids, those alone */
function shown(command: Command, extentsOf: (ids?: readonly Guid[]) => readonly ExtentView[]): readonly Row[] {
  const ids = extentIds(command);
  const matches = tagFilter(command);
  return extentsOf(ids.length === 0 ? undefined : ids)
    .filter((extent) => (!command.has('hot') || extent.hot) && matches(extent))
    .map(extentRow);
}

/** `older 10 days`, `older 3 hours`: milliseconds. */
function olderThanMs(command: Command): number | undefined {
  const text = command.optional('Older') ?? command.optional('OlderThan');
  if (text === undefined) return command.has('older') ? unreadable() : undefined;
  if (!/^\d+$/.test(text)) return unreadable();
  return Number(text) * (command.has('hours') ? 3_600_000 : 86_400_000);
}

function unreadable(): never {
  throw new KqlError('syntax', 'The age of extents is written as a number of days or hours.');
}

/** What the command means to drop, by table. Rows in the log of small writes become extents first, so that none escapes. */
async function chosen(command: Command, context: CommandContext, nested: RunNested): Promise<readonly ExtentView[]> {
  const { data, database, clock } = context;
  const named = command.all('TableName').map((name) => data.table(database, name).name);
  const query = command.raw === '' ? command.optional('Query') : command.raw;
  const ids =
    query === undefined
      ? extentIds(command)
      : (await queriedExtents(query, context, nested)).map(({ extentId }) => extentId);
  const byIds = query !== undefined || command.leaves.some(({ name }) => name === 'ExtentId');
  if (byIds) {
    const found = data.extents(database, named[0], ids);
    const there = new Set(found.map(({ extentId }) => extentId));
    const missing = ids.find((id) => !there.has(id));
    if (missing !== undefined && query === undefined) throw dataError('ExtentNotFound', missing);
    return found;
  }
  const tables = named.length === 0 ? [...data.database(database).tables.keys()] : named;
  if (!isPretended(command)) for (const name of tables) await data.flush(database, name);
  const age = olderThanMs(command);
  const before = age === undefined ? undefined : clock.now() - age;
  const old = tables
    .flatMap((name) => data.extents(database, name))
    .filter(({ maxCreatedOn }) => before === undefined || maxCreatedOn < before);
  return limited(command, trimmed(command, old));
}

const isPretended = (command: Command): boolean =>
  command.has('whatif') || command.kind === 'DropPretendExtentsByProperties';

const unitBytes: Readonly<Record<string, number>> = { bytes: 1, mb: 2 ** 20, gb: 2 ** 30 };

/** `trim by extentsize 10 GB`: the oldest, until the others are together within that size. */
function trimmed(command: Command, extents: readonly ExtentView[]): readonly ExtentView[] {
  if (!command.has('trim')) return extents;
  const unit = Object.entries(unitBytes).find(([name]) => command.has(name))?.[1];
  const size = Number(command.required('TrimSize'));
  if (unit === undefined || !(size >= 0)) throw new KqlError('syntax', 'A size is a number of bytes, MB or GB.');
  const bytesOf = ({ extentBytes, originalBytes }: ExtentView): number =>
    command.has('datasize') ? originalBytes : extentBytes;
  let total = extents.reduce((sum, extent) => sum + bytesOf(extent), 0);
  const oldest = [...extents].sort((left, right) => left.maxCreatedOn - right.maxCreatedOn);
  return oldest.filter((extent) => {
    if (total <= size * unit) return false;
    total -= bytesOf(extent);
    return true;
  });
}

function limited(command: Command, extents: readonly ExtentView[]): readonly ExtentView[] {
  const text = command.optional('LimitCount');
  if (text === undefined) return extents;
  const count = Number(text);
  if (!Number.isSafeInteger(count) || count < 0) throw new KqlError('syntax', 'A limit is a number of extents.');
  return extents.slice(0, count);
}

async function dropExtents(command: Command, context: CommandContext, nested: RunNested): Promise<readonly Row[]> {
  const extents = await chosen(command, context, nested);
  if (isPretended(command) || extents.length === 0) return extents.map(droppedRow);
  const dropped = await context.data.dropExtents(context.database, undefined, {
    extentIds: extents.map(({ extentId }) => extentId),
  });
  return dropped.map(droppedRow);
}

/** @see Kusto "Extents (data shards) management" */
export const extentCommands: readonly CommandRow[] = [
  {
    kinds: { ShowTableExtents: ['.show table T extents', 'show table {TableName} extents'] },
    parsed: true,
    permission: 'metadata',
    columns: extentColumns,
    run: (command, { data, database }) => {
      const tables = command.all('TableName').map((name) => data.table(database, name).name);
      return shown(command, (ids) => tables.flatMap((table) => data.extents(database, table, ids)));
    },
  },
  {
    kinds: { ShowDatabaseExtents: ['.show database D extents', 'show extents'] },
    permission: 'metadata',
    columns: extentColumns,
    run: (command, context) =>
      shown(command, (ids) => context.data.extents(command.databaseName(context), undefined, ids)),
  },
  {
    kinds: { ShowClusterExtents: '.show cluster extents' },
    permission: 'clusterMonitor',
    columns: extentColumns,
    run: (command, { data }) =>
      shown(command, (ids) => data.databases().flatMap(({ name }) => data.extents(name, undefined, ids))),
  },
  {
    kinds: {
      DropExtent: '.drop extent 703c50e3-e15f-4033-92bf-bec799fcc383 from T',
      DropExtents: [
        '.drop extents <| .show table T extents | where RowCount == 0',
        'drop extents <|',
        'drop extents whatif <|',
        'drop extents older {Older} days from tables {TableName,}',
        'drop extents older {Older} hours from tables {TableName,}',
      ],
      DropPretendExtentsByProperties: '.drop-pretend extents older 10 days from all tables',
    },
    permission: 'tableAdmin',
    columns: droppedColumns,
    run: dropExtents,
  },
  {
    kinds: { ClearTableData: '.clear table T data' },
    permission: 'tableAdmin',
    columns: 'Status: string',
    run: async (command, { data, database }) => {
      await data.clearTable(database, data.table(database, command.required('TableName')).name);
      return [['Data cleared']];
    },
  },
  {
    kinds: {
      ClearTableCacheStreamingIngestionSchema: '.clear table T cache streamingingestion schema',
      ClearDatabaseCacheStreamingIngestionSchema: '.clear database cache streamingingestion schema',
    },
    permission: 'ingest',
    columns: 'NodeId: string, Status: string',
    run: (command, context) => {
      // Nothing is cached apart from the catalog itself, so the newest schema is in use already.
      const table = command.optional('TableName');
      if (table !== undefined) requireTable(table, context);
      return [[node, 'Succeeded']];
    },
  },
];

function requireTable(table: string, context: CommandContext): void {
  context.data.table(context.database, table);
  requirePermission(context, 'ingest', context.database, 'ClearTableCacheStreamingIngestionSchema');
}
