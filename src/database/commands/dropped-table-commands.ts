import { KqlError } from '../../kql/plan/kql-error.ts';
import type { CommandRow } from './command.ts';

/** `v1.12`, as `.show database schema` and the journal have it.
 * @returns that nothing was dropped at for another first number: all versions here begin with 1
 * @throws KqlError `semantic` */
function schemaVersionOf(text: string): number {
  const [, major, minor] = /^v?(\d{1,9})\.(\d{1,15})$/i.exec(text.trim()) ?? [];
  if (minor === undefined)
    throw new KqlError('semantic', `'${text.slice(0, 50)}' is no version of a database, such as v1.3.`);
  return Number(major) === 1 ? Number(minor) : -1;
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
