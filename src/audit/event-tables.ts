import type { JsonObject } from '../base/json.ts';
import { isJsonObject } from '../base/json.ts';

/** An event in Azure's schema, with its place in the log. */
export interface TableEvent {
  readonly sequence: number;
  readonly event: JsonObject;
}

export interface EventColumn {
  readonly name: string;
  readonly type: 'string' | 'datetime' | 'int' | 'long' | 'bool' | 'dynamic';
  /** Path in the event: names with dots between. `''`: the event itself. */
  readonly from: string;
  /** JSON as a text rather than a value. */
  readonly asText?: true;
}

/** A table as Azure Monitor has it, as far as anything of it is known here. */
export interface EventTable {
  readonly name: string;
  readonly category: 'AuditEvent' | 'Administrative' | 'Query' | 'Command';
  readonly columns: readonly EventColumn[];
}

export const column = (name: string, type: EventColumn['type'], from: string): EventColumn => ({ name, type, from });
export const textColumn = (name: string, from: string): EventColumn => column(name, 'string', from);
const text = textColumn;
const json = (name: string, from: string): EventColumn => ({ name, type: 'string', from, asText: true });

/** @see Azure Monitor reference, table AZKVAuditLogs */
const vaultTable: EventTable = {
  name: 'AZKVAuditLogs',
  category: 'AuditEvent',
  columns: [
    column('TimeGenerated', 'datetime', 'time'),
    ...[text('OperationName', 'operationName'), text('OperationVersion', 'operationVersion')],
    ...[text('ResultType', 'resultType'), text('ResultSignature', 'resultSignature')],
    ...[text('ResultDescription', 'resultDescription'), column('DurationMs', 'int', 'durationMs')],
    ...[text('CallerIpAddress', 'callerIpAddress'), text('CorrelationId', 'correlationId')],
    ...[column('Identity', 'dynamic', 'identity'), text('Id', 'properties.id')],
    ...[text('ClientInfo', 'properties.clientInfo'), text('RequestUri', 'properties.requestUri')],
    column('HttpStatusCode', 'int', 'properties.httpStatusCode'),
    column('IsAccessPolicyMatch', 'bool', 'properties.isAccessPolicyMatch'),
    column('IsRbacAuthorized', 'bool', 'properties.isRbacAuthorized'),
    text('AppliedAssignmentId', 'properties.appliedAssignmentId'),
    text('_ResourceId', 'resourceId'),
  ],
};

/** @see Azure Monitor reference, table AzureActivity */
const activityTable: EventTable = {
  name: 'AzureActivity',
  category: 'Administrative',
  columns: [
    column('TimeGenerated', 'datetime', 'eventTimestamp'),
    ...[text('OperationName', 'operationName.localizedValue'), text('OperationNameValue', 'operationName.value')],
    ...[text('ActivityStatus', 'status.localizedValue'), text('ActivityStatusValue', 'status.value')],
    ...[text('ActivitySubstatus', 'subStatus.localizedValue'), text('ActivitySubstatusValue', 'subStatus.value')],
    ...[text('Level', 'level'), text('Category', 'category.localizedValue'), text('CategoryValue', 'category.value')],
    ...[text('Caller', 'caller'), text('CallerIpAddress', 'httpRequest.clientIpAddress')],
    ...[json('Authorization', 'authorization'), column('Authorization_d', 'dynamic', 'authorization')],
    ...[json('Claims', 'claims'), column('Claims_d', 'dynamic', 'claims')],
    ...[json('Properties', 'properties'), column('Properties_d', 'dynamic', 'properties')],
    ...[json('HTTPRequest', 'httpRequest'), text('CorrelationId', 'correlationId'), text('OperationId', 'operationId')],
    ...[text('EventDataId', 'eventDataId'), column('EventSubmissionTimestamp', 'datetime', 'submissionTimestamp')],
    ...[text('ResourceGroup', 'resourceGroupName'), text('ResourceProviderValue', 'resourceProviderName.value')],
    ...[text('SubscriptionId', 'subscriptionId'), text('_ResourceId', 'resourceId')],
  ],
};

/** What is in the audit log. */
export const eventTables: readonly EventTable[] = [vaultTable, activityTable];

/** Ours, at the end: from which source a row came, and its place in the log, so that none comes twice. */
const ownColumns = [
  { name: '_Source', type: 'string' },
  { name: '_Sequence', type: 'long' },
] as const;

/** All columns of a table, ours included. */
export const columnsOf = ({ columns }: EventTable): readonly Pick<EventColumn, 'name' | 'type'>[] => [
  ...columns.map(({ name, type }) => ({ name, type })),
  ...ownColumns,
];

export const createTable = (table: EventTable): string =>
  `.create-merge table ${table.name} (${columnsOf(table)
    .map(({ name, type }) => `['${name}']: ${type}`)
    .join(', ')})`;

export const isOf = ({ category }: EventTable, { event }: TableEvent): boolean => {
  const own = event['category'];
  return (isJsonObject(own) ? own['value'] : own) === category;
};

/** One line of CSV. */
export const csvLine = ({ columns }: EventTable, { sequence, event }: TableEvent, source: string): string =>
  [...columns.map((one) => cellOf(event, one)), source, String(sequence)].map(quoted).join(',');

function cellOf(event: JsonObject, { from, type, asText }: EventColumn): string {
  let value: JsonObject[string] = event;
  for (const name of from.split('.')) value = isJsonObject(value) ? value[name] : undefined;
  if (value === undefined || value === null) return '';
  return typeof value === 'string' && type !== 'dynamic' && asText !== true ? value : JSON.stringify(value);
}

const quoted = (cell: string): string => (/[",\r\n]|^\s|\s$/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);
