import type { Guid } from '../../base/guid.ts';
import { KqlError } from '../../kql/plan/kql-error.ts';
import { comment, stringLiteral } from '../../kql/values/string-literals.ts';
import type { ExtentView } from '../catalog/catalog-view.ts';
import type { ChosenExtents, ExtentMoveRequest } from '../extents/extent-moves.ts';
import { ticksPerMillisecond } from '../../kql/values/ticks.ts';
import type { Command, CommandRow, Row, RunNested } from './command.ts';
import type { CommandContext } from './command-context.ts';
import { operationIdColumns, recordedOrStarted } from './operation-record.ts';
import { requirePermission } from './permissions.ts';
import { createdBetween, extentIdsOf, isAsync, isTrue, queriedExtents, withinCreated } from './queried-extents.ts';

const movedColumns = 'OriginalExtentId: string, ResultExtentId: string, Details: string';
const taggedColumns = 'OriginalExtentId: string, ResultExtentId: string, ResultExtentTags: string, Details: string';
const mergedColumns = 'OriginalExtentId: string, ResultExtentId: string, Duration: timespan';

const columnsOr =
  (columns: string) =>
  (command: Command): string =>
    isAsync(command) ? operationIdColumns : columns;

type Choice = Awaited<ReturnType<ExtentMoveRequest['choose']>>;

/** Moves what `choose` says. */
function move(
  command: Command,
  context: CommandContext,
  operation: string,
  choose: (context: CommandContext) => Promise<Choice>,
): Promise<readonly Row[]> {
  const properties = command.properties(['setNewIngestionTime', ...createdBetween]);
  const { name: table } = context.data.table(context.database, command.required('DestinationTableName'));
  const require = (name: string): void =>
    requirePermission(context, 'tableAdmin', context.database, command.kind, name);
  require(table);
  const only = withinCreated(properties);
  return recordedOrStarted(context, operation, isAsync(command), movedColumns, async (within) => {
    const { database, data, signal } = within;
    const newIngestionTime = isTrue(properties.setNewIngestionTime);
    const chosen = async (): Promise<Choice> => {
      const choice = await choose(within);
      for (const from of choice.moved) require(from.table);
      return choice;
    };
    const moved = await data.moveExtents({ database, table, only, newIngestionTime, signal, choose: chosen });
    return moved.map(({ extentId, result }) => [extentId, result ?? '', '']);
  });
}

function moveFrom(command: Command, context: CommandContext): Promise<readonly Row[]> {
  const { name: table } = context.data.table(context.database, command.required('SourceTableName'));
  requirePermission(context, 'tableAdmin', context.database, command.kind, table);
  const extentIds = command.has('all') ? 'all' : extentIdsOf(command.all('GUID'));
  return move(command, context, 'ExtentsMove', () => Promise.resolve({ dropped: [], moved: [{ table, extentIds }] }));
}

/** Where the query names no table, an extent is looked for in all of the database. */
async function moved(text: string, context: CommandContext, nested: RunNested): Promise<readonly ChosenExtents[]> {
  const found = new Map<string, Guid[]>();
  const known = new Map<Guid, string>();
  const queried = await queriedExtents(text, context, nested);
  const ids = queried.flatMap(({ extentId, table }) => (table === undefined ? [extentId] : []));
  if (ids.length > 0)
    for (const extent of context.data.extents(context.database, undefined, ids))
      known.set(extent.extentId, extent.table);
  for (const { extentId, table } of queried) {
    const name = table ?? known.get(extentId);
    if (name === undefined) throw new KqlError('semantic', 'The query has no column TableName.');
    found.set(name, [...(found.get(name) ?? []), extentId]);
  }
  return [...found].map(([table, extentIds]) => ({ table, extentIds }));
}

const moveQueried = (command: Command, context: CommandContext, nested: RunNested): Promise<readonly Row[]> =>
  move(command, context, 'ExtentsMove', async (within) => ({
    dropped: [],
    moved: await moved(command.raw, within, nested),
  }));

function replace(command: Command, context: CommandContext, nested: RunNested): Promise<readonly Row[]> {
  const [drop, moving] = bracedTexts(command.raw);
  return move(command, context, 'ExtentsReplace', async (within) => ({
    dropped: [...new Set((await queriedExtents(drop, within, nested)).map(({ extentId }) => extentId))],
    moved: await moved(moving, within, nested),
  }));
}

const brace = new RegExp(`${stringLiteral.source}|${comment.source}|[{}]`, 'gi');

/** `{ … }, { … }` @throws KqlError `syntax` */
function bracedTexts(text: string): [string, string] {
  const found: { readonly start: number; readonly end: number }[] = [];
  let [depth, start] = [0, 0];
  for (const { 0: token, index } of text.matchAll(brace)) {
    if (token === '{' && (depth += 1) === 1) start = index;
    if (token === '}' && (depth -= 1) === 0) found.push({ start, end: index + 1 });
    if (depth < 0) break;
  }
  const [first, second] = found;
  const between = text.slice(first?.end, second?.start).trim();
  const around = text.slice(0, first?.start).trim() + text.slice(second?.end).replace(/[\s;]+$/, '');
  if (first === undefined || second === undefined || found.length > 2 || between !== ',' || around !== '')
    throw new KqlError('syntax', 'This command takes two queries in braces: which extents to drop, and which to move.');
  const inside = ({ start: from, end }: { start: number; end: number }): string => text.slice(from + 1, end - 1);
  return [inside(first), inside(second)];
}

type Retag = (extent: ExtentView) => readonly string[];

/** @param choose the tags that extents are to have. Those that have them already are left alone */
function tag(
  command: Command,
  context: CommandContext,
  operation: string,
  choose: (context: CommandContext) => Promise<(extent: ExtentView) => Retag | undefined>,
): Promise<readonly Row[]> {
  const only = withinCreated(command.properties(createdBetween));
  const { name: table } = context.data.table(context.database, command.required('TableName'));
  return recordedOrStarted(context, operation, isAsync(command), taggedColumns, async (within) => {
    const chosen = async (extents: readonly ExtentView[]): Promise<ReadonlyMap<Guid, readonly string[]>> => {
      const retag = await choose(within);
      return new Map(
        extents.filter(only).flatMap((extent): [Guid, readonly string[]][] => {
          const tags = retag(extent)?.(extent) ?? extent.tags;
          return tags.join('\n') === extent.tags.join('\n') ? [] : [[extent.extentId, [...new Set(tags)]]];
        }),
      );
    };
    const tagged = await within.data.tagExtents({ database: within.database, table, choose: chosen });
    return tagged.map(({ extentId, result, tags }) => [extentId, result ?? '', tags.join('\r\n'), '']);
  });
}

function alterTags(command: Command, context: CommandContext, nested: RunNested): Promise<readonly Row[]> {
  const tags = command.all('Tag');
  const isMerge = command.kind.startsWith('AlterMerge');
  return tag(command, context, 'ExtentTagsAlter', async (within) => {
    const ids = new Set((await queriedExtents(command.raw, within, nested)).map(({ extentId }) => extentId));
    const retag: Retag = (extent) => (isMerge ? [...extent.tags, ...tags] : tags);
    return ({ extentId }) => (ids.has(extentId) ? retag : undefined);
  });
}

function dropTags(command: Command, context: CommandContext, nested: RunNested): Promise<readonly Row[]> {
  const named = new Set(command.all('Tag'));
  return tag(command, context, 'ExtentTagsDrop', async (within) => {
    if (named.size > 0) return () => (extent) => extent.tags.filter((own) => !named.has(own));
    const dropped = new Map<Guid, Set<string>>();
    for (const { extentId, tags } of await queriedExtents(command.raw, within, nested))
      dropped.set(extentId, new Set([...(dropped.get(extentId) ?? []), ...tags]));
    return ({ extentId }) =>
      dropped.has(extentId)
        ? (extent) => extent.tags.filter((own) => dropped.get(extentId)?.has(own) !== true)
        : undefined;
  });
}

function merge(command: Command, context: CommandContext): Promise<readonly Row[]> {
  const { data, database } = context;
  const { name: table } = data.table(database, command.required('TableName'));
  const ids = extentIdsOf(command.all('GUID'));
  const known = new Set(data.extents(database, table, ids).map(({ extentId }) => extentId));
  if (command.kind === 'MergeExtentsDryrun')
    return Promise.resolve(ids.filter((id) => known.has(id)).map((id) => [id, '', 0n]));
  return recordedOrStarted(context, 'ExtentsMerge', isAsync(command), mergedColumns, async (within) => {
    const from = within.clock.now();
    const result = await within.data.mergeExtents(database, table, ids);
    const duration = BigInt(Math.max(0, Math.round(within.clock.now() - from))) * ticksPerMillisecond;
    return ids.map((id) => [id, result ?? '', duration]);
  });
}

/** @see Kusto ".move extents", ".replace extents", ".alter extent tags", ".drop table extent tags" */
export const moveExtentCommands: readonly CommandRow[] = [
  {
    kinds: {
      MoveExtentsFrom: [
        '.move extents all from table T to table U',
        'move extents all from table {SourceTableName} to table {DestinationTableName} with',
        'move async extents all from table {SourceTableName} to table {DestinationTableName} with',
        'move extents from table {SourceTableName} to table {DestinationTableName} with {GUID,}',
        'move async extents from table {SourceTableName} to table {DestinationTableName} with {GUID,}',
      ],
    },
    permission: 'anyone',
    columns: columnsOr(movedColumns),
    run: moveFrom,
  },
  {
    kinds: {
      MoveExtentsQuery: [
        '.move extents to table U <| .show table T extents',
        'move extents to table {DestinationTableName} with <|',
        'move async extents to table {DestinationTableName} with <|',
      ],
    },
    permission: 'anyone',
    columns: columnsOr(movedColumns),
    run: moveQueried,
  },
  {
    kinds: {
      ReplaceExtents: [
        '.replace extents in table U <| { .show table U extents }, { .show table T extents }',
        'replace extents in table {DestinationTableName} with <|',
        'replace async extents in table {DestinationTableName} with <|',
      ],
    },
    permission: 'anyone',
    columns: columnsOr(movedColumns),
    run: replace,
  },
  {
    kinds: {
      AlterExtentTagsFromQuery: [
        ".alter table T extent tags ('MyTag') <| .show table T extents",
        'alter table {TableName} extent tags {Tag,} with <|',
        'alter async table {TableName} extent tags {Tag,} with <|',
      ],
      AlterMergeExtentTagsFromQuery: [
        ".alter-merge table T extent tags ('MyTag') <| .show table T extents",
        'alter-merge table {TableName} extent tags {Tag,} with <|',
        'alter-merge async table {TableName} extent tags {Tag,} with <|',
      ],
    },
    permission: 'tableAdmin',
    columns: columnsOr(taggedColumns),
    run: alterTags,
  },
  {
    kinds: {
      DropExtentTagsFromTable: [
        ".drop table T extent tags ('drop-by:one')",
        'drop table {TableName} extent tags {Tag,} with',
        'drop async table {TableName} extent tags {Tag,} with',
        'drop extent tags from table {TableName} {Tag,}',
      ],
      DropExtentTagsFromQuery: [
        '.drop table T extent tags <| .show table T extents',
        'drop table {TableName} extent tags with <|',
        'drop async table {TableName} extent tags with <|',
      ],
    },
    permission: 'tableAdmin',
    columns: columnsOr(taggedColumns),
    run: dropTags,
  },
  {
    kinds: {
      MergeExtents:
        '.merge T (703c50e3-e15f-4033-92bf-bec799fcc383, 8b1d8c0e-0f5c-4c8e-9d8a-7f6f2f0c1a11) with (rebuild=true)',
      MergeExtentsDryrun: '.merge dryrun T (703c50e3-e15f-4033-92bf-bec799fcc383)',
    },
    permission: 'tableAdmin',
    columns: columnsOr(mergedColumns),
    run: merge,
  },
];
