import type { JournalRecord } from '../catalog/journal-record.ts';
import { stringLiteral } from '../../kql/values/string-literals.ts';
import type { CommandRow, Row } from './command.ts';
import type { CommandContext } from './command-context.ts';
import { ticksOf } from './instants.ts';
import { isAllowed } from './permissions.ts';

const journalColumns =
  'Event: string, EventTimestamp: datetime, Database: string, EntityName: string, UpdatedEntityName: string, EntityVersion: string, EntityContainerName: string, OriginalEntityState: string, UpdatedEntityState: string, ChangeCommand: string, Principal: string, RootActivityId: guid, ClientRequestId: string, User: string, OriginalEntityVersion: string';

const versionText = ({ databaseId }: JournalRecord, version: number): string =>
  databaseId === undefined ? '' : `v1.${version}`;

const journalRow = (one: JournalRecord, database: string): Row => [
  ...[one.event, ticksOf(one.at), database, one.entity || database, one.updatedEntity || database],
  ...[versionText(one, one.version), one.container || database, one.originalState || '.', one.updatedState || '.'],
  ...[one.command, one.principal, one.activityId || null, one.clientRequestId, one.user],
  versionText(one, one.originalVersion),
];

/** One's own changes, all in databases that one administers, and all of the cluster for who administers that.
 * @param only of this database. Absent: of all */
function entries({ data, ...context }: CommandContext, only?: string): readonly Row[] {
  const databases = new Map(data.databases().map(({ databaseId, name }) => [databaseId, name]));
  const administersCluster = isAllowed({ data, ...context }, 'clusterAdmin', context.database);
  return data.journal().flatMap((one) => {
    const isOwn = one.principal === context.caller.fqn;
    if (one.databaseId === undefined)
      return only === undefined && (isOwn || administersCluster) ? [journalRow(one, '')] : [];
    const database = databases.get(one.databaseId);
    if (database === undefined || (only !== undefined && database !== only)) return [];
    return isOwn || isAllowed({ data, ...context }, 'admin', database) ? [journalRow(one, database)] : [];
  });
}

const literals = new RegExp(stringLiteral.source, 'gi');
/** Hidden itself, or with an address, a proof of access, or a hidden literal in it. */
const isHidden = /^h|:\/\/|;|(?<![a-z0-9_])h@?\\?["'`~]/i;

/** A command as others may read it: without rows, and without texts that are hidden or may hold what proves access. */
export function toldCommand(text: string): string {
  const told = text.replace(literals, (literal) => (isHidden.test(literal) ? "'*****'" : literal));
  return (told.split('<|')[0] ?? '').trim();
}

/** @see Kusto "Journal management" */
export const journalCommands: readonly CommandRow[] = [
  {
    kinds: { ShowJournal: ['.show journal', 'show journal'] },
    parsed: true,
    permission: 'anyone',
    columns: journalColumns,
    run: (_command, context) => entries(context),
  },
  {
    kinds: { ShowClusterJournal: ['.show cluster journal', 'show cluster journal'] },
    parsed: true,
    permission: 'clusterAdmin',
    columns: journalColumns,
    run: (_command, context) => entries(context),
  },
  {
    kinds: { ShowDatabaseJournal: ['.show database D journal', 'show database {DatabaseName} journal'] },
    parsed: true,
    permission: 'anyone',
    columns: journalColumns,
    run: (command, context) => entries(context, context.data.database(command.databaseName(context)).name),
  },
];
