import { instant } from '../../clock/clock.ts';
import { KqlError } from '../../kql/plan/kql-error.ts';
import { innerText } from '../../kql/values/literal-text.ts';
import {
  formatTimespan,
  parseDatetime,
  parseTimespan,
  ticksPerMillisecond,
  unixEpochTicks,
} from '../../kql/values/ticks.ts';
import type { ViewCreation, ViewDefinition } from '../views/materialized-views.ts';
import type { Command } from './command.ts';
import type { CommandContext } from './command-context.ts';

export const creationProperties = [
  ...['backfill', 'effectiveDateTime', 'updateExtentsCreationTime', 'lookback', 'lookback_column'],
  ...['autoUpdateSchema', 'dimensionTables', 'folder', 'docString', 'allowMaterializedViewsWithoutRowLevelSecurity'],
  ...['move_extents_from', 'source_ingestion_time_from', 'MaxSourceRecordsForSingleIngest', 'Concurrency'],
] as const;
export const alterationProperties = [
  ...['lookback', 'lookback_column', 'autoUpdateSchema', 'dimensionTables', 'folder', 'docString'],
  'allowMaterializedViewsWithoutRowLevelSecurity',
] as const;

export const nameOf = (command: Command): string => command.required('MaterializedViewName');

export function boolOf(name: string, text: string | undefined): boolean | undefined {
  if (text === undefined) return undefined;
  const inner = innerText(text).toLowerCase();
  if (inner !== 'true' && inner !== 'false') throw new KqlError('semantic', `The property '${name}' is true or false.`);
  return inner === 'true';
}

/** @returns null for `timespan(null)` */
export function lookbackOf(text: string | undefined): string | null | undefined {
  if (text === undefined) return undefined;
  if (/^(time|timespan)\s*\(\s*null\s*\)$/i.test(text.trim())) return null;
  const inside = /^(?:time|timespan)\s*\((.*)\)$/is.exec(text.trim())?.[1] ?? text;
  const ticks = parseTimespan(innerText(inside));
  if (ticks === undefined) throw new KqlError('semantic', 'The lookback is not a timespan.');
  return formatTimespan(ticks);
}

function dimensionsOf(text: string | undefined): readonly string[] | undefined {
  if (text === undefined) return undefined;
  const inside = /^dynamic\s*\((.*)\)$/is.exec(text.trim())?.[1] ?? innerText(text);
  try {
    const names: unknown = JSON.parse(inside);
    if (Array.isArray(names) && names.every((name) => typeof name === 'string') && names.length <= 100) return names;
  } catch {
    // Said below.
  }
  throw new KqlError('semantic', "The property 'dimensionTables' is an array of at most 100 names of tables.");
}

function timeOf(name: string, text: string): ReturnType<typeof instant> {
  const inside = /^datetime\s*\((.*)\)$/is.exec(text.trim())?.[1] ?? innerText(text);
  const ticks = parseDatetime(innerText(inside.trim()));
  if (ticks === undefined) throw new KqlError('semantic', `The property '${name}' is not a datetime.`);
  return instant(Number((ticks - unixEpochTicks) / ticksPerMillisecond));
}

type Properties = Partial<Record<(typeof creationProperties)[number], string>>;

export function definitionOf(command: Command, context: CommandContext, properties: Properties): ViewDefinition {
  const over = command.optional('SourceMaterializedViewName') ?? command.optional('MaterializedViewSourceName');
  const query = command.required('SourceBody').trim().replace(/^\{/, '').replace(/\}$/, '').trim();
  const lookback = lookbackOf(properties.lookback);
  const isAuto = boolOf('autoUpdateSchema', properties.autoUpdateSchema);
  const dimensions = dimensionsOf(properties.dimensionTables);
  const isOpen = boolOf(
    'allowMaterializedViewsWithoutRowLevelSecurity',
    properties.allowMaterializedViewsWithoutRowLevelSecurity,
  );
  return {
    ...{ database: context.database, name: nameOf(command), query, isOverView: over !== undefined },
    source: over ?? command.required('SourceTableName'),
    ...(dimensions && { dimensionTables: dimensions }),
    ...(properties.folder !== undefined && { folder: innerText(properties.folder) }),
    ...(properties.docString !== undefined && { docstring: innerText(properties.docString) }),
    ...(isAuto !== undefined && { autoUpdateSchema: isAuto }),
    ...(lookback !== undefined && { lookback }),
    ...(properties.lookback_column !== undefined &&
      innerText(properties.lookback_column) !== '' && { lookbackColumn: innerText(properties.lookback_column) }),
    ...(isOpen !== undefined && { ignoresSecurity: isOpen }),
  };
}

type Filling = Pick<ViewCreation, 'backfill' | 'moved' | 'updatesCreationTime'>;

/** What a view begins with. @throws KqlError for properties that say nothing together */
export function fillingOf(properties: Properties): Filling {
  const { effectiveDateTime, move_extents_from: table, source_ingestion_time_from: source } = properties;
  const isBackfilled = boolOf('backfill', properties.backfill) === true;
  const need = (isThere: boolean, names: readonly (keyof Properties)[], what: string): void => {
    const name = names.find((one) => properties[one] !== undefined);
    if (!isThere && name !== undefined) throw new KqlError('semantic', `The property '${name}' needs ${what}.`);
  };
  need(isBackfilled || table !== undefined, ['effectiveDateTime'], "'backfill' or 'move_extents_from'");
  need(isBackfilled, ['updateExtentsCreationTime', 'MaxSourceRecordsForSingleIngest', 'Concurrency'], "'backfill'");
  need(table !== undefined, ['source_ingestion_time_from'], "'move_extents_from'");
  if (isBackfilled && table !== undefined)
    throw new KqlError('semantic', "The properties 'backfill' and 'move_extents_from' exclude each other.");
  // They divide the work in the service. Here it is one commit, whose memory is bounded whatever they say.
  for (const name of ['MaxSourceRecordsForSingleIngest', 'Concurrency'] as const)
    if (!/^([1-9]\d{0,17})?$/.test(innerText(properties[name] ?? '')))
      throw new KqlError('semantic', `The property '${name}' is a whole number of at least 1.`);
  const after = effectiveDateTime === undefined ? {} : { after: timeOf('effectiveDateTime', effectiveDateTime) };
  const sourceAfter = source === undefined ? {} : { sourceAfter: timeOf('source_ingestion_time_from', source) };
  return {
    ...(isBackfilled && { backfill: after }),
    ...(table !== undefined && { moved: { table: innerText(table), ...after, ...sourceAfter } }),
    ...(boolOf('updateExtentsCreationTime', properties.updateExtentsCreationTime) === true && {
      updatesCreationTime: true,
    }),
  };
}

/** The parser knows the name of a table as the value of no property, so it gets a literal there. */
export const withQuotedTable = (text: string): string =>
  text.replace(
    /^([^{]*\bmaterialized-view\b[^{]*\bmove_extents_from\s*=\s*)(?:([\p{L}_][\p{L}\p{N}_]*)|\[\s*('[^'\\]*'|"[^"\\]*")\s*\])(?=\s*[,)])/iu,
    (_all, head: string, name: string | undefined, literal: string | undefined) =>
      head + (literal ?? `'${name ?? ''}'`),
  );
