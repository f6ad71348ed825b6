import { KqlError } from '../../kql/plan/kql-error.ts';
import { innerText } from '../../kql/values/literal-text.ts';
import { parseDatetime, ticksPerMillisecond, unixEpochTicks } from '../../kql/values/ticks.ts';
import type { Command, CommandRow, Row } from './command.ts';
import type { CommandContext } from './command-context.ts';

const columns =
  'ColumnName: string, ColumnType: string, ColumnId: guid, OriginalSize: long, ExtentSize: long, CompressionRatio: real, DataCompressionSize: long, SharedIndexSize: long, IndexSize: long, IndexSizePercent: real, StorageEngineVersion: string, PresentRowCount: long, DeletedRowCount: long, SamplePercent: real, IncludeColdData: bool';

function millisecondsOf(name: string, text: string | undefined, absent: number): number {
  if (text === undefined) return absent;
  const ticks = parseDatetime(innerText(text));
  if (ticks === undefined) throw new KqlError('semantic', `The property '${name}' is a datetime.`);
  return Number((ticks - unixEpochTicks) / ticksPerMillisecond);
}

/** One per cent of what is hot, unless more is asked for. */
function percentOf(text = '1'): number {
  const percent = Number(innerText(text));
  if (!Number.isInteger(percent) || percent < 0 || percent > 100)
    throw new KqlError('semantic', "The property 'samplepercent' is a whole number from 0 to 100.");
  return percent;
}

function isHotOnly(text = 'hotcache'): boolean {
  const scope = innerText(text).toLowerCase();
  if (scope !== 'hotcache' && scope !== 'all')
    throw new KqlError('semantic', "The property 'scope' is 'hotcache' or 'all'.");
  return scope === 'hotcache';
}

async function statistics(command: Command, context: CommandContext): Promise<readonly Row[]> {
  const asked = command.properties(['samplepercent', 'scope', 'from', 'to']);
  const hotOnly = isHotOnly(asked.scope);
  const { data, database, signal } = context;
  const found = await data.columnStatistics(database, command.required('TableName'), {
    ...{ hotOnly, samplePercent: percentOf(asked.samplepercent), signal },
    from: millisecondsOf('from', asked.from, -Infinity),
    to: millisecondsOf('to', asked.to, Infinity),
  });
  const rows = BigInt(found.rowCount);
  return found.columns.map(({ columnId, name, type, originalBytes, compressedBytes }): Row => {
    const ratio = compressedBytes === 0 ? 0 : Math.round((originalBytes / compressedBytes) * 100) / 100;
    const [original, compressed] = [BigInt(originalBytes), BigInt(compressedBytes)];
    // Of numbers the catalog knows the bounds: nothing is stored for that beside them.
    return [
      ...[name, type, columnId, original, compressed, ratio, compressed, BigInt(found.termBytes), 0n, 0, 'V3'],
      ...[rows, 0n, found.sampledPercent, !hotOnly],
    ];
  });
}

/** @see https://learn.microsoft.com/kusto/management/show-table-data-statistics */
export const columnStatisticsCommands: readonly CommandRow[] = [
  {
    kinds: {
      ShowTableDataStatistics: ['.show table T data statistics', 'show table {TableName} data statistics with'],
    },
    permission: 'metadata',
    columns,
    run: statistics,
  },
];
