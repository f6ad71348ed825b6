import { KqlError } from '../../kql/plan/kql-error.ts';
import type { CommandRow } from './command.ts';

/** `v1.12`, as `.show database schema` and the journal have it. @throws KqlError `semantic` */
function schemaVersionOf(text: string): number {
  const [, minor] = /^v?1\.(\d{1,15})$/i.exec(text.trim()) ?? [];
  if (minor === undefined)
    throw new KqlError('semantic', `'${text.slice(0, 50)}' is no version of this database: they are v1.0 and so on.`);
  return Number(minor);
}

/** @see Kusto ".undo drop table" */
export const droppedTableCommands: readonly CommandRow[] = [
  {
    kinds: {
      UndoDropTable: [
        '.undo drop table T as U version="v1.3"',
        'undo drop table {TableName} version = {Version}',
        'undo drop table {TableName} as {NewTableName} version = {Version}',
      ],
    },
    permission: 'admin',
    columns: 'ExtentId: guid, NumberOfRecords: long, Status: string, FailureReason: string',
    run: async (command, { data, database }) => {
      const version = schemaVersionOf(command.required('Version'));
      const as = command.optional('NewTableName');
      const extents = await data.undoDropTable(database, command.required('TableName'), version, as);
      return extents.map(({ extentId, rowCount }) => [extentId, BigInt(rowCount), 'Recovered', '']);
    },
  },
];
