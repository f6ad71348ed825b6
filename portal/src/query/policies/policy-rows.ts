import { kqlText, nameInText } from '../../api/kql-names.ts';
import { exactText, isRecord } from '../answer/exact-json.ts';

/** Whose policies are shown. */
export interface PolicyOwner {
  /** As commands have it. */
  readonly kind: 'table' | 'database' | 'materialized-view';
  readonly name: string;
  /** Names of its columns; of a database none. */
  readonly columns: readonly string[];
}

/** A policy that `.show {kind} {name} policy {policy}` tells. */
export interface PolicyRow {
  /** As commands have it. */
  readonly name: string;
  readonly of: readonly PolicyOwner['kind'][];
  /** A table or a view without one has that of its database. */
  readonly isInherited?: true;
  /** Written where none is set, to be changed by whoever reads it. */
  readonly example: (owner: PolicyOwner) => unknown;
  /** What stands behind the name in `.alter`; absent: the policy as JSON. */
  readonly write?: (policy: unknown) => string;
  /** Why no `.alter` is offered. */
  readonly unchanged?: string;
}

const everywhere = ['table', 'database', 'materialized-view'] as const;
const tablesAndViews = ['table', 'materialized-view'] as const;

const onOff = (policy: unknown): string => String(isRecord(policy) && policy['IsEnabled'] === true);
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
const recordsOf = (value: unknown): readonly Record<string, unknown>[] =>
  Array.isArray(value) ? value.filter(isRecord) : [];

function caching(policy: unknown): string {
  const { DataHotSpan: rows, IndexHotSpan: index, HotWindows: windows } = isRecord(policy) ? policy : {};
  const spans =
    rows === index
      ? `hot = time(${textOf(rows)})`
      : `hotdata = time(${textOf(rows)}) hotindex = time(${textOf(index)})`;
  return recordsOf(windows).reduce(
    (text, { MinValue, MaxValue }) =>
      `${text}, hot_window = datetime(${textOf(MinValue)}) .. datetime(${textOf(MaxValue)})`,
    spans,
  );
}

function rowOrder(policy: unknown): string {
  const columns = recordsOf(isRecord(policy) ? policy['RowOrder'] : undefined).map(
    ({ ColumnName: name, IsDescending: down }) => `${nameInText(textOf(name))} ${down === true ? 'desc' : 'asc'}`,
  );
  return `(${columns.join(', ')})`;
}

const rowLevelSecurity = (policy: unknown): string =>
  `${onOff(policy) === 'true' ? 'enable' : 'disable'} ${kqlText(textOf(isRecord(policy) ? policy['Query'] : ''))}`;

const firstColumn = ({ columns: [first = 'Column'] }: PolicyOwner): string => first;

/** Values of examples are those of Microsoft's pages, or the service's defaults. @see Kusto "Policies overview" */
export const policyRows: readonly PolicyRow[] = [
  {
    ...{ name: 'retention', of: everywhere, isInherited: true },
    example: () => ({ SoftDeletePeriod: '365000.00:00:00', Recoverability: 'Enabled' }),
  },
  {
    ...{ name: 'caching', of: everywhere, isInherited: true, write: caching },
    example: () => ({ DataHotSpan: '30.00:00:00', IndexHotSpan: '30.00:00:00' }),
  },
  {
    ...{ name: 'merge', of: everywhere, isInherited: true },
    example: () => ({ RowCountUpperBoundForMerge: 16_000_000, MaxExtentsToMerge: 100 }),
  },
  {
    ...{ name: 'ingestionbatching', of: ['table', 'database'], isInherited: true },
    example: () => ({
      ...{ MaximumBatchingTimeSpan: '00:05:00', MaximumNumberOfItems: 500, MaximumRawDataSizeMB: 1024 },
    }),
  },
  {
    ...{ name: 'streamingingestion', of: ['table', 'database'], isInherited: true },
    example: () => ({ IsEnabled: true, HintAllocatedRate: null }),
  },
  {
    ...{ name: 'sharding', of: ['table', 'database'], isInherited: true },
    example: () => ({ MaxRowCount: 1_048_576, MaxExtentSizeInMb: 8192, MaxOriginalSizeInMb: 3072 }),
  },
  {
    ...{ name: 'extent_tags_retention', of: ['table', 'database'], isInherited: true },
    example: () => [{ TagPrefix: 'drop-by:', RetentionPeriod: '3.00:00:00' }],
  },
  {
    ...{ name: 'update', of: ['table'] },
    example: ({ name }) => [
      { IsEnabled: false, Source: 'Source', Query: `Source // as ${name}`, IsTransactional: true },
    ],
  },
  {
    ...{ name: 'row_level_security', of: tablesAndViews, write: rowLevelSecurity },
    example: ({ name }) => ({ IsEnabled: false, Query: `${nameInText(name)} | where true` }),
  },
  {
    ...{ name: 'restricted_view_access', of: ['table'], write: onOff },
    example: () => ({ IsEnabled: true }),
  },
  {
    ...{ name: 'partitioning', of: tablesAndViews },
    example: (owner) => {
      const key = { ColumnName: firstColumn(owner), Kind: 'Hash' };
      return { PartitionKeys: [{ ...key, Properties: { Function: 'XxHash64', MaxPartitionCount: 128 } }] };
    },
  },
  {
    ...{ name: 'roworder', of: ['table'], write: rowOrder },
    example: (owner) => ({ RowOrder: [{ ColumnName: firstColumn(owner), IsDescending: false }] }),
  },
  {
    ...{ name: 'ingestiontime', of: ['table'], write: onOff },
    example: () => ({ IsEnabled: true }),
  },
  {
    ...{ name: 'auto_delete', of: ['table'] },
    example: () => ({ ExpiryDate: '2099-06-01T00:00:00.0000000Z', DeleteIfNotEmpty: false }),
  },
  {
    ...{ name: 'managed_identity', of: ['database'] },
    example: () => [{ ObjectId: 'system', AllowedUsages: 'NativeIngestion, ExternalTable' }],
  },
  {
    ...{ name: 'encoding', of: ['table', 'database'], example: () => null },
    unchanged: 'It is set on columns: .alter column T.C policy encoding',
  },
  {
    ...{ name: 'mirroring', of: ['table'], example: () => null },
    unchanged: 'Nothing is mirrored here.',
  },
];

const entityText = ({ kind, name }: PolicyOwner): string => `${kind} ${nameInText(name)}`;

export const showText = (owner: PolicyOwner, { name }: PolicyRow): string =>
  `.show ${entityText(owner)} policy ${name}`;

/** A command that sets the policy to what it is, or to an example. */
export function alterText(owner: PolicyOwner, row: PolicyRow, policy: unknown): string {
  const value = policy ?? row.example(owner);
  const written = row.write?.(value) ?? jsonLiteral(value);
  return `.alter ${entityText(owner)} policy ${row.name} ${written}`;
}

/** As a text of several lines, which the pages of the policies use, unless it has what ends that one. */
function jsonLiteral(value: unknown): string {
  const text = exactText(value, 2);
  return text.includes('```') ? kqlText(exactText(value)) : `\`\`\`\n${text}\n\`\`\``;
}
