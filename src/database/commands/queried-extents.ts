import type { Guid } from '../../base/guid.ts';
import { parseGuid } from '../../base/guid.ts';
import type { Instant } from '../../clock/clock.ts';
import { instant } from '../../clock/clock.ts';
import { KqlError } from '../../kql/plan/kql-error.ts';
import { innerText } from '../../kql/values/literal-text.ts';
import { parseDatetime, ticksPerMillisecond, unixEpochTicks } from '../../kql/values/ticks.ts';
import type { ExtentView } from '../catalog/catalog-view.ts';
import type { Command, CommandTable, RunNested } from './command.ts';
import { readResult } from './command-pipe.ts';
import type { CommandContext } from './command-context.ts';
import { queryRequest, requireReadable } from './query-request.ts';

/** A row of a query that tells of extents. */
export interface QueriedExtent {
  readonly extentId: Guid;
  readonly table: string | undefined;
  readonly tags: readonly string[];
}

/** The extents that a query, or another command, answers with in its column `ExtentId`; also of `TableName` and `Tags` where there are such
 * columns. @throws KqlError */
export async function queriedExtents(
  text: string,
  context: CommandContext,
  nested: RunNested,
): Promise<readonly QueriedExtent[]> {
  const answer: CommandTable = text.trim().startsWith('.') ? await nested(text) : await runQuery(text, context);
  const place = (wanted: string): number => answer.columns.findIndex(({ name }) => name === wanted);
  const [id, table, tags] = [place('ExtentId'), place('TableName'), place('Tags')];
  if (id < 0) throw new KqlError('semantic', 'The query has no column ExtentId.');
  return answer.rows.flatMap((row) => {
    const extentId = parseGuid(String(row[id]));
    if (extentId === undefined) return [];
    const name = row[table];
    return { extentId, table: typeof name === 'string' ? name : undefined, tags: tagList(row[tags]) };
  });
}

async function runQuery(text: string, context: CommandContext): Promise<CommandTable> {
  const request = queryRequest(context, text);
  requireReadable(context, await context.engine.programOf(request).compile([]), 'Query');
  return readResult(await context.engine.execute(request));
}

/** As `.show extents` has them. */
const tagList = (value: unknown): readonly string[] =>
  typeof value === 'string' ? value.split('\r\n').filter((tag) => tag !== '') : [];

/** @throws KqlError for text that is no GUID */
export function extentIdsOf(texts: readonly string[]): readonly Guid[] {
  return texts.map((text) => {
    const id = parseGuid(text);
    if (id === undefined) throw new KqlError('syntax', 'An extent id is a GUID.');
    return id;
  });
}

export const createdBetween = ['extentCreatedOnFrom', 'extentCreatedOnTo'] as const;

/** Which extents the properties `extentCreatedOnFrom` and `extentCreatedOnTo` leave. @throws KqlError */
export function withinCreated(
  properties: Partial<Record<(typeof createdBetween)[number], string>>,
): (extent: ExtentView) => boolean {
  const [from, to] = createdBetween.map((name) => timeOf(name, properties[name]));
  return ({ minCreatedOn, maxCreatedOn }) =>
    (from === undefined || minCreatedOn >= from) && (to === undefined || maxCreatedOn <= to);
}

function timeOf(name: string, text: string | undefined): Instant | undefined {
  if (text === undefined) return undefined;
  const ticks = parseDatetime(innerText(text));
  if (ticks === undefined) throw new KqlError('syntax', `The property '${name}' is not a datetime.`);
  return instant(Number((ticks - unixEpochTicks) / ticksPerMillisecond));
}

export const isTrue = (text: string | undefined): boolean => text?.toLowerCase() === 'true';

export const isAsync = (command: Command): boolean => command.has('async');
