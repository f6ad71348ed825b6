import type { Policies, TableView } from '../catalog/catalog-view.ts';
import { KqlError } from '../../kql/plan/kql-error.ts';
import type { CommandRow } from './command.ts';
import { namedTables, policyColumns, showRows, tableRow } from './policy-commands.ts';

type IngestionTime = NonNullable<Policies['ingestiontime']>;

const shown = ({ policies: { ingestiontime: policy } }: Pick<TableView, 'policies'>): unknown =>
  policy?.isDeleted === true ? undefined : { IsEnabled: policy?.IsEnabled !== false };

/** @param read the policy that a command says */
const setting = (read: (flag: string | undefined) => IngestionTime): CommandRow['run'] => {
  return async (command, context) => {
    const policy = read(command.optional('Flag'));
    const tables = namedTables(command, context);
    for (const { database, name } of tables) await context.data.setPolicy(database, name, 'ingestiontime', policy);
    return tables.map((table) => tableRow('IngestionTime', table, shown({ policies: { ingestiontime: policy } })));
  };
};

function flagged(flag: string | undefined): IngestionTime {
  const lower = flag?.toLowerCase();
  if (lower !== 'true' && lower !== 'false')
    throw new KqlError('semantic', 'The policy ingestiontime of a table is true or false.');
  return { IsEnabled: lower === 'true' };
}

/** Tables have it when they are made. @see Kusto "IngestionTime policy" */
export const ingestionTimeCommands: readonly CommandRow[] = [
  ...showRows('ingestiontime', 'IngestionTime', shown, () => undefined).slice(0, 2), // databases have none
  {
    kinds: {
      AlterTablePolicyIngestionTime: [
        '.alter table T policy ingestiontime true',
        'alter table {TableName} policy ingestiontime {Flag}',
      ],
      AlterTablesPolicyIngestionTime: [
        '.alter tables (T, U) policy ingestiontime true',
        'alter tables {TableName,} policy ingestiontime {Flag}',
      ],
    },
    permission: 'tableAdmin',
    columns: policyColumns,
    run: setting(flagged),
  },
  {
    kinds: { DeleteTablePolicyIngestionTime: '.delete table T policy ingestiontime' },
    permission: 'tableAdmin',
    columns: policyColumns,
    run: setting(() => ({ IsEnabled: false, isDeleted: true })),
  },
];
