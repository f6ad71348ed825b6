import type { KqlType } from '../../kql/plan/types.ts';
import { obfuscated } from '../../kql/values/obfuscated.ts';
import type { ClusterSettings } from './cluster-setting.ts';
import type { ContinuousExport } from './continuous-export.ts';
import type { ExternalTableView } from './external-table.ts';
import { shownConnection } from './external-table.ts';
import type { CatalogReader } from './image.ts';
import type { MetadataEvent } from './journal-record.ts';
import type { CatalogRecord, DatabaseRecord, TableRecord } from './records.ts';

/** As the service names types of columns inside. */
const storedTypes: Readonly<Record<KqlType, string>> = {
  ...{ bool: 'I8', int: 'I32', long: 'I64', real: 'R64', decimal: 'Decimal', string: 'StringBuffer' },
  ...{ datetime: 'DateTime', timespan: 'TimeSpan', guid: 'UniqueId', dynamic: 'Dynamic' },
};

/** What is said of an entity. */
interface Entity {
  readonly name: string;
  readonly state: string;
  /** What may change beside it, by the end of the event's name. */
  readonly parts?: Readonly<Record<string, unknown>>;
  /** The same of what is not shown as it is. */
  readonly hidden?: Readonly<Record<string, { readonly value: unknown; readonly shown: unknown }>>;
}

/** What of a table, a view, a database or the cluster may change; what rows do to it is no change of it.
 * @see Kusto "Journal management": names beyond those on the page follow from them */
export function eventsOf(
  changes: ReadonlyMap<string, CatalogRecord | null>,
  before: CatalogReader,
): readonly MetadataEvent[] {
  return [...changes].flatMap(([id, after]): readonly MetadataEvent[] => {
    const [kind] = id;
    if (kind === undefined || !'tdvpw'.includes(kind)) return [];
    const old = before.get(id);
    if (kind === 'p' || kind === 'w') return clusterEvents(old, after ?? undefined);
    // Of a database that goes, nothing more is told.
    if (kind === 'v') return changes.get(`d${id.slice(1)}`) === null ? [] : exportEvents(old, after);
    if (kind === 'd') return old?.kind === 'database' && after === null ? [] : databaseEvents(old, after);
    const isBack = changes.get(`x${id.slice(1)}`) === null;
    return tableEvents(asTable(old), asTable(after ?? undefined), isBack);
  });
}

const asTable = (record: CatalogRecord | undefined): TableRecord | undefined =>
  record?.kind === 'table' && record.stored === undefined && record.snapshotOf === undefined ? record : undefined;

function tableEvents(
  old: TableRecord | undefined,
  after: TableRecord | undefined,
  isBack: boolean,
): readonly MetadataEvent[] {
  const own = after ?? old;
  if (own === undefined) return [];
  const noun = own.view === undefined ? 'TABLE' : 'MATERIALIZED-VIEW';
  const base = { databaseId: own.databaseId, container: '' };
  const names = { entity: (old ?? own).name, updatedEntity: own.name };
  const event = (verb: string, originalState: string, updatedState: string): MetadataEvent => ({
    ...{ ...base, ...names, event: `${verb}-${noun}`, originalState, updatedState },
  });
  if (old === undefined) return [event(isBack ? 'UNDO-DROP' : 'CREATE', '', tableState(own))];
  if (after === undefined) return [event('DROP', tableState(old), '')];
  const found: MetadataEvent[] = [];
  if (old.name !== after.name) found.push(event('RENAME', tableState(old), tableState(after)));
  else if (tableState(old) !== tableState(after)) found.push(event('ALTER', tableState(old), tableState(after)));
  const rest = { ...base, ...names };
  return [
    ...found,
    ...partEvents(rest, `${noun}-FOLDER`, old.folder, after.folder),
    ...partEvents(rest, `${noun}-DOCSTRING`, old.docstring, after.docstring),
    ...partEvents(rest, `${noun}-POLICY`, old.policies, after.policies),
    ...partEvents(rest, `${noun}-PRINCIPALS`, old.principals, after.principals),
    ...partEvents(rest, `${noun}-PROPERTIES`, viewProperties(old), viewProperties(after)),
    ...columnEvents(old, after, 'COLUMN-DOCSTRING', ({ docstring }) => docstring),
    ...columnEvents(old, after, 'COLUMN-ENCODING-POLICY', ({ encoding }) => encoding),
    ...listEvents({ ...base, container: after.name }, 'INGESTION-MAPPING', old.mappings, after.mappings, mappingOf),
  ];
}

function viewProperties({ view }: TableRecord): object | undefined {
  if (view === undefined) return undefined;
  const { isEnabled, autoUpdateSchema, lookback, lookbackColumn, dimensionTables } = view;
  return { isEnabled, autoUpdateSchema, lookback, lookbackColumn, dimensionTables };
}

/** Of columns that stay. */
function columnEvents(
  old: TableRecord,
  after: TableRecord,
  noun: string,
  of: (column: TableRecord['columns'][number]) => string | undefined,
): readonly MetadataEvent[] {
  if (old.columns === after.columns) return [];
  const before = new Map(old.columns.map((column) => [column.columnId, column]));
  return after.columns.flatMap((column) => {
    const was = before.get(column.columnId);
    if (was === undefined) return [];
    const names = { entity: was.name, updatedEntity: column.name };
    return partEvents({ databaseId: after.databaseId, container: after.name, ...names }, noun, of(was), of(column));
  });
}

/** A view is its query: its columns follow from that. */
const tableState = ({ name, columns, view }: TableRecord): string =>
  view === undefined
    ? `Name: ${name}, Attributes: ${columns.map((column) => `Name='[${name}].[${column.name}]', Type='${storedTypes[column.type]}'`).join(', ')}`
    : `Name: ${name}, Source: ${view.source}, Query: ${obfuscated(view.query)}`;

function databaseEvents(old: CatalogRecord | undefined, after: CatalogRecord | null): readonly MetadataEvent[] {
  if (after?.kind !== 'database') return [];
  const before: Partial<DatabaseRecord> = old?.kind === 'database' ? old : {};
  const base = { databaseId: after.databaseId, container: '' };
  const lists = <T>(
    noun: string,
    pick: (of: Partial<DatabaseRecord>) => readonly T[] | undefined,
    of: (one: T) => Entity,
  ) => listEvents(base, noun, pick(before) ?? [], pick(after) ?? [], of);
  const names = { ...base, entity: '', updatedEntity: '' };
  return [
    ...lists(
      'FUNCTION',
      ({ functions }) => functions,
      ({ name, parameters, body, folder, docstring, view, principals }) => ({
        ...{ name, state: `Name: ${name}, Parameters: ${parameters}, Body: ${obfuscated(body)}` },
        parts: { FOLDER: folder, DOCSTRING: docstring, PROPERTIES: view && { view }, PRINCIPALS: principals },
      }),
    ),
    ...lists('INGESTION-MAPPING', ({ mappings }) => mappings, mappingOf),
    ...lists(
      'GRAPH-MODEL',
      ({ graphModels }) => graphModels,
      ({ name, versions, principals }) => ({
        ...{ name, state: `Name: ${name}, Id: ${versions.at(-1)?.versionId ?? ''}` },
        parts: { PRINCIPALS: principals },
      }),
    ),
    ...lists(
      'ENTITY-GROUP',
      ({ entityGroups }) => entityGroups,
      ({ name, entities }) => ({
        ...{ name, state: `Name: ${name}, Entities: ${entities.join(', ')}` },
      }),
    ),
    ...lists(
      'EXTERNAL-TABLE',
      ({ externalTables }) => externalTables,
      ({ name, columns, folder, docstring, mappings, principals, connections, ...table }) => ({
        ...{ name, state: `Name: ${name}, Columns: ${columns.map((one) => `${one.name}:${one.type}`).join(', ')}` },
        parts: {
          ...{ FOLDER: folder, DOCSTRING: docstring, PRINCIPALS: principals, PROPERTIES: externalProperties(table) },
          MAPPINGS: mappings?.map((one) => ({ name: one.name, mapping: one.mapping })),
        },
        // What proves access is told nobody, but that it is another one now.
        hidden: { 'CONNECTION-STRINGS': { value: connections, shown: connections.map(shownConnection) } },
      }),
    ),
    ...partEvents(names, 'DATABASE-POLICY', before.policies ?? {}, after.policies),
    ...partEvents(names, 'DATABASE-PRETTY-NAME', before.prettyName, after.prettyName),
  ];
}

type ExternalFiles = Pick<ExternalTableView, 'kind' | 'format' | 'partitions' | 'pathFormat' | 'properties'>;

const externalProperties = ({ kind, format, partitions, pathFormat, properties }: ExternalFiles): object => {
  return { kind, format, partitions, pathFormat, properties };
};

/** Policies, workload groups, plugins and who is blocked. */
function clusterEvents(old: CatalogRecord | undefined, after: CatalogRecord | undefined): readonly MetadataEvent[] {
  const [before, now] = [settingsOf(old), settingsOf(after)];
  const place = { container: '' };
  const each = (values: Readonly<Record<string, unknown>> = {}) => Object.entries(values);
  const byName = (noun: string, was: readonly NamedValue[], is: readonly NamedValue[]) =>
    listEvents(place, noun, was, is, ([name, value]) => ({ name, state: partState(value) }));
  return [
    ...byName('CLUSTER-POLICY', each(before.policies), each(now.policies)),
    ...byName('WORKLOAD-GROUP', each(before.workloadGroups), each(now.workloadGroups)),
    ...listEvents(place, 'DISABLED-PLUGIN', before.disabledPlugins ?? [], now.disabledPlugins ?? [], (name) => ({
      ...{ name, state: `Name: ${name}` },
    })),
    ...listEvents(place, 'BLOCKED-PRINCIPAL', before.blockedPrincipals ?? [], now.blockedPrincipals ?? [], (one) => ({
      name: [one.fqn, one.application, one.user].filter((text) => text !== '').join(' '),
      state: partState(one),
    })),
  ];
}

type NamedValue = readonly [name: string, value: unknown];

/** The group `default` has a record of its own. */
function settingsOf(record: CatalogRecord | undefined): Partial<ClusterSettings> {
  if (record?.kind === 'workloadGroup') return { workloadGroups: { [record.name]: record.group } };
  return record?.kind === 'clusterSettings' ? record.settings : {};
}

function exportEvents(old: CatalogRecord | undefined, after: CatalogRecord | null): readonly MetadataEvent[] {
  const [before, now] = [asExports(old), asExports(after ?? undefined)];
  const databaseId = (now ?? before)?.databaseId;
  if (databaseId === undefined) return [];
  const place = { databaseId, container: '' };
  return listEvents(place, 'CONTINUOUS-EXPORT', before?.exports ?? [], now?.exports ?? [], exportOf);
}

const asExports = (record: CatalogRecord | undefined) => (record?.kind === 'continuousExports' ? record : undefined);

/** What was asked for. How far it has come, and what came of runs, is no change of it. */
const exportOf = (one: ContinuousExport): Entity => {
  const { name, externalTable, query, factTables, intervalMs, forcedLatencyMs, properties, startCursor, isDisabled } =
    one;
  const asked = { externalTable, query, factTables, intervalMs, forcedLatencyMs, properties, startCursor, isDisabled };
  return { name, state: `Name: ${name}, ${partState(asked)}` };
};

const mappingOf = ({ name, kind, mapping }: TableRecord['mappings'][number]): Entity => ({
  ...{ name, state: `Name: ${name}, Kind: ${kind}, Mapping: ${mapping}` },
});

type Place = Pick<MetadataEvent, 'databaseId' | 'container'>;

/** A part that is the same value has not changed, and needs no look inside. */
function partEvents(
  place: Place & Pick<MetadataEvent, 'entity' | 'updatedEntity'>,
  noun: string,
  old: unknown,
  after: unknown,
): readonly MetadataEvent[] {
  if (old === after) return [];
  const [originalState, updatedState] = [partState(old), partState(after)];
  return originalState === updatedState ? [] : [{ ...place, event: `ALTER-${noun}`, originalState, updatedState }];
}

/** Queries in policies may have hidden texts, as bodies of functions may. */
const partState = (value: unknown): string =>
  value === undefined
    ? ''
    : typeof value === 'string'
      ? value
      : JSON.stringify(value, (_name, member: unknown) => (typeof member === 'string' ? obfuscated(member) : member));

function listEvents<T>(
  place: Place,
  noun: string,
  old: readonly T[],
  after: readonly T[],
  entityOf: (one: T) => Entity,
): readonly MetadataEvent[] {
  if (old === after) return [];
  const kept = new Set(old);
  const left = new Set(after);
  const removed = new Map(
    old
      .filter((one) => !left.has(one))
      .map(entityOf)
      .map((entity) => [entity.name, entity]),
  );
  const found: MetadataEvent[] = [];
  for (const one of after) {
    if (kept.has(one)) continue;
    const { name, state, parts = {}, hidden = {} } = entityOf(one);
    const before = removed.get(name);
    removed.delete(name);
    const names = { ...place, entity: name, updatedEntity: name };
    if (before?.state !== state)
      found.push({
        ...{ ...names, originalState: before?.state ?? '', updatedState: state },
        event: `${before === undefined ? 'CREATE' : 'ALTER'}-${noun}`,
      });
    if (before === undefined) continue;
    for (const [part, value] of Object.entries(parts))
      found.push(...partEvents(names, `${noun}-${part}`, before.parts?.[part], value));
    for (const [part, { value, shown }] of Object.entries(hidden)) {
      const old = before.hidden?.[part];
      if (JSON.stringify(old?.value) === JSON.stringify(value)) continue;
      const states = { originalState: partState(old?.shown), updatedState: partState(shown) };
      found.push({ ...names, ...states, event: `ALTER-${noun}-${part}` });
    }
  }
  for (const [name, { state }] of removed)
    found.push({
      ...{ ...place, entity: name, updatedEntity: name, originalState: state, updatedState: '', event: `DROP-${noun}` },
    });
  return found;
}
