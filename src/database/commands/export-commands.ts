import { invariant } from '../../base/invariant.ts';
import { KqlError } from '../../kql/plan/kql-error.ts';
import type { ExportedBlob } from '../exports/export-target.ts';
import type { Command, CommandRow, Row } from './command.ts';
import type { CommandContext } from './command-context.ts';
import { exportFormats, exportLayout, isTrue } from './export-properties.ts';
import { detailsText, operationIdColumns, operationOf, runRecorded, startRecorded } from './operation-record.ts';
import { requireReadable } from './query-request.ts';
import type { ExportWork } from './run-export.ts';
import { runExport, targetIn } from './run-export.ts';

export const exportedColumns = 'Path: string, NumRecords: long, SizeInBytes: long';

const knownProperties = [
  ...(['includeHeaders', 'fileExtension', 'namePrefix', 'encoding', 'compressionType', 'sizeLimit'] as const),
  ...(['parquetRowGroupSize', 'parquetDatetimePrecision', 'distribution', 'distributed', 'persistDetails'] as const),
];

/** The load is spread over so many. */
const targetsMax = 100;

/** The word after `to`. @throws KqlError for a format that is not written */
function formatOf({ leaves }: Command): (typeof exportFormats)[number] {
  const at = leaves.findIndex(({ name, text }) => name === undefined && text.toLowerCase() === 'to');
  const word = leaves[at + 1]?.text.toLowerCase() ?? '';
  const format = exportFormats.find((one) => one === word);
  if (format === undefined)
    throw new KqlError(
      'notSupported',
      `Data is exported as ${exportFormats.join(', ')}, not as '${word.slice(0, 100)}'.`,
    );
  return format;
}

async function exportToStorage(command: Command, context: CommandContext): Promise<readonly Row[]> {
  const properties = command.properties(knownProperties);
  const layout = exportLayout(formatOf(command), command.has('compressed'), properties, context);
  const { query, queryText, text } = command;
  invariant(query, 'the parser gives the query of this command');
  requireReadable(context, query, command.kind);
  const addresses = command.all('DataConnectionString');
  if (addresses.length === 0 || addresses.length > targetsMax)
    throw new KqlError('semantic', `.export takes 1 to ${targetsMax} storage connection strings.`);
  const targets = addresses.map((address) => targetIn(context, address));
  return recorded(
    command,
    context,
    { ...{ text, query, queryText, layout, targets } },
    properties.persistDetails,
    exportedColumns,
    (blob) => [blob.path, BigInt(blob.rows), BigInt(blob.bytes)],
  );
}

/** As an operation of `.show operations`, which goes on behind the answer where the command says so. */
export async function recorded(
  command: Command,
  context: CommandContext,
  work: ExportWork,
  persistDetails: string | undefined,
  columns: string,
  rowOf: (blob: ExportedBlob) => Row,
): Promise<readonly Row[]> {
  const operation = operationOf(context, 'DataExport');
  const isAsync = command.has('async');
  const keeps = persistDetails === undefined ? isAsync : isTrue(persistDetails);
  const details = keeps ? (rows: readonly Row[]): string => detailsText(columns, rows) : undefined;
  const run = (within: CommandContext) => async (): Promise<readonly Row[]> =>
    (await runExport(work, within)).map(rowOf);
  // Work that goes on after the answer does not end with the request.
  if (isAsync) return startRecorded(context, operation, run({ ...context, signal: undefined }), details);
  return runRecorded(context, operation, run(context), details);
}

/** @see Kusto ".export to storage" */
export const exportCommands: readonly CommandRow[] = [
  {
    kinds: {
      ExportToStorage:
        '.export to csv (h"https://account.blob.core.windows.net/box;secretKey") with (includeHeaders="all") <| print A = 1',
    },
    permission: 'read',
    columns: (command) => (command.has('async') ? operationIdColumns : exportedColumns),
    run: exportToStorage,
  },
];
