import { describe, expect, it } from 'vitest';
import type { EntityPrincipal } from '../../authz/kusto-roles.ts';
import type { Guid } from '../../base/guid.ts';
import type { FunctionView, Policies } from './catalog-view.ts';
import { keptAccess } from './kept-access.ts';
import type { CatalogRecord, DatabaseRecord, TableRecord } from './records.ts';

const id = (last: number): Guid => `00000000-0000-0000-0000-${String(last).padStart(12, '0')}` as Guid;
const databaseId = id(1);
const holder = (name: string): EntityPrincipal => ({
  ...{ role: 'Admin', principalType: 'User', displayName: name, objectId: name, fqn: `aaduser=${name}`, notes: '' },
});
const table = (tableId: number, name: string, policies: Policies, more: Partial<TableRecord> = {}): TableRecord => ({
  ...{ kind: 'table', tableId: id(tableId), databaseId, name, columns: [], nextColumnId: 1, folder: '', docstring: '' },
  ...{ mappings: [], policies, ...more },
});
const database = (functions: readonly FunctionView[], more: Partial<DatabaseRecord> = {}): DatabaseRecord => ({
  ...{ kind: 'database', databaseId, functions, mappings: [], policies: {}, schemaVersion: 1, ...more },
});
const fn = (name: string, body: string, ...principals: readonly string[]): FunctionView => ({
  ...{ name, body, parameters: '()', folder: '', docstring: '' },
  ...(principals.length > 0 && { principals: principals.map(holder) }),
});
const secured = (Query: string, IsEnabled = true): Policies => ({ row_level_security: { IsEnabled, Query } });
const restricted: Policies = { restricted_view_access: { IsEnabled: true } };
const retention: Policies = { retention: { SoftDeletePeriod: '1.00:00:00', Recoverability: 'Enabled' } };

/** The one table that comes of it. */
const tableAfter = (then: TableRecord, ...now: readonly CatalogRecord[]): TableRecord => {
  const [found] = keptAccess([then], now).put.filter((record) => record.kind === 'table');
  if (found === undefined) throw new Error('No table came of it.');
  return found;
};

describe('a table of a backup', () => {
  const then = {
    ...table(2, 'T', { ...secured('then'), ...retention }, { principals: [holder('then')] }),
    folder: 'then',
  };

  it('has the roles and policies of now that decide who reads it, and all else of then', () => {
    const now = table(2, 'T', { ...secured('now'), ...restricted }, { principals: [holder('now')], folder: 'now' });
    expect(tableAfter(then, now)).toEqual({
      ...then,
      policies: { ...retention, ...secured('now'), ...restricted },
      principals: [holder('now')],
    });
  });

  it('has no roles and no policy that it has not now', () => {
    expect(tableAfter(then, table(2, 'T', {}))).toEqual(table(2, 'T', retention, { folder: 'then' }));
  });

  it('is the one with its name when there is none with its id, and whatever restricts either counts', () => {
    expect(tableAfter(then, table(3, 'T', secured('now'), { principals: [holder('now')] }))).toMatchObject({
      ...{ tableId: id(2), policies: secured('now'), principals: [holder('now')] },
    });
    const [renamed, other] = [table(2, 'Renamed', {}), table(3, 'T', { ...secured('name'), ...restricted })];
    expect(tableAfter(then, renamed, other).policies).toEqual({ ...retention, ...secured('name'), ...restricted });
    const first = table(2, 'Renamed', secured('id'));
    expect(tableAfter(then, first, other).policies).toEqual({ ...retention, ...secured('id'), ...restricted });
  });

  it('has no roles when it is there no more, and keeps what restricts it', () => {
    const without = { ...then };
    Reflect.deleteProperty(without, 'principals');
    expect(tableAfter(then)).toEqual(without);
    expect(tableAfter(then, table(3, 'Other', {}, { principals: [holder('now')] }))).toEqual(without);
  });

  it.each([
    [secured('gone'), 'gone'],
    [secured('gone', false), 'then'],
    [{}, 'then'],
  ])('has the row level security of now when it was dropped and may come back: %j', (policies, query) => {
    const gone = table(2, 'T', { ...policies, ...restricted }, { principals: [holder('now')] });
    const found = tableAfter(then, { ...{ kind: 'droppedTable', table: gone, droppedOn: 0, schemaVersion: 1 } });
    expect(found.policies).toEqual({ ...retention, ...secured(query), ...restricted });
    expect(found.principals).toBeUndefined();
  });

  it('is so, too, as one that was dropped then and may come back', () => {
    const now = table(2, 'T', secured('now'));
    const dropped: CatalogRecord = { kind: 'droppedTable', table: then, droppedOn: 5, schemaVersion: 1 };
    expect(keptAccess([dropped], [now]).put).toEqual([
      { ...dropped, table: table(2, 'T', { ...retention, ...secured('now') }, { folder: 'then' }) },
    ]);
  });
});

it('gives no stored result back that is there no more', () => {
  const stored = { principal: 'aadapp=a;b', createdOn: 0, expiresOn: 1 };
  const [kept, gone] = [table(2, 'R', {}, { stored }), table(3, 'R', {}, { stored })];
  const found = keptAccess([kept, gone], [kept, table(4, 'R', {}, { stored })]);
  expect(found).toEqual({ put: [kept], deleted: [], dropped: [gone.tableId] });
});

describe('a database of a backup', () => {
  const only = (then: DatabaseRecord, now: DatabaseRecord | undefined, ...more: readonly TableRecord[]) =>
    keptAccess([then, ...more], [...(now ? [now] : []), ...more]).put.find((record) => record.kind === 'database');

  it('has roles of now on its functions, external tables and graph models, and the managed identities of now', () => {
    const external = (name: string, connection: string, ...roles: readonly string[]) => ({
      ...{ name, columns: [], folder: '', docstring: '', format: 'csv', connections: [connection], partitions: [] },
      ...{ pathFormat: '', properties: {}, ...(roles.length > 0 && { principals: roles.map(holder) }) },
    });
    const model = (name: string, ...roles: readonly string[]) => ({
      ...{ name, versions: [], snapshots: [], ...(roles.length > 0 && { principals: roles.map(holder) }) },
    });
    const identities = (ObjectId: string): Policies => ({
      managed_identity: [{ ObjectId, AllowedUsages: 'NativeIngestion' }] as unknown as NonNullable<
        Policies['managed_identity']
      >,
    });
    const then = database([fn('F', 'then', 'then'), fn('G', 'then', 'then')], {
      policies: { ...identities('then'), ...retention },
      externalTables: [external('E', 'then', 'then'), external('Gone', 'then', 'then')],
      graphModels: [model('M', 'then'), model('Gone', 'then')],
    });
    const now = database([fn('F', 'now', 'now'), fn('New', 'now', 'now')], {
      policies: identities('now'),
      externalTables: [external('E', 'now', 'now')],
      graphModels: [model('M', 'now')],
    });
    expect(only(then, now)).toEqual({
      ...then,
      functions: [fn('F', 'then', 'now'), fn('G', 'then')],
      policies: { ...retention, ...identities('now') },
      externalTables: [external('E', 'then', 'now'), external('Gone', 'then')],
      graphModels: [model('M', 'now'), model('Gone')],
    });
    expect(only(then, undefined)).toMatchObject({ policies: retention, functions: [fn('F', 'then'), fn('G', 'then')] });
  });

  it('has functions of now where row level security comes to them, however far away', () => {
    const functions = (of: string) => [
      ...[fn('Mine', `Rows | where A in (['my names'])`), fn('Rows', of), fn('my names', of), fn('Other', of)],
    ];
    const then = database([...functions('then').slice(0, 2), fn('Other', 'then'), fn('Old', 'then')]);
    const now = database(functions('now'));
    const found = only(then, now, table(2, 'T', secured('Mine()')));
    const bodies = found?.kind === 'database' ? found.functions.map(({ name, body }) => [name, body] as const) : [];
    expect(Object.fromEntries(bodies)).toEqual({
      ...{ Mine: functions('')[0]?.body, Rows: 'now', 'my names': 'now' },
      ...{ Other: 'then', Old: 'then' },
    });
    expect(only(then, now, table(2, 'T', secured('Mine()', false)))).toEqual(then);
  });
});

it('takes what is one of a kind as it is now, or away', () => {
  const settings = (name: string): CatalogRecord => ({
    kind: 'clusterSettings',
    settings: { policies: {}, disabledPlugins: [name] },
  });
  const keys = (name: string): CatalogRecord => ({ kind: 'storageKeys', accounts: [name], identity: name });
  const group: CatalogRecord = { kind: 'workloadGroup', name: 'default', group: { RequestRateLimitPolicies: [] } };
  const exports = (of: number): CatalogRecord => ({ kind: 'continuousExports', databaseId: id(of), exports: [] });
  expect(keptAccess([settings('then'), keys('then'), group, exports(1)], [settings('now'), exports(2)])).toEqual({
    ...{ put: [settings('now'), exports(2)], deleted: ['k/storage', 'w/default', `v/${id(1)}`], dropped: [] },
  });
});

it('changes nothing the second time', () => {
  const now: readonly CatalogRecord[] = [
    database([fn('F', 'now'), fn('G', 'now')]),
    table(2, 'T', secured('F')),
    { ...{ kind: 'droppedTable', table: table(5, 'D', secured('G')), droppedOn: 0, schemaVersion: 0 } },
  ];
  const then = [
    database([fn('F', 'then', 'then')]),
    ...[table(2, 'T', {}), table(3, 'X', secured('F')), table(5, 'D', {}, { principals: [holder('then')] })],
  ];
  const first = keptAccess(then, now).put;
  expect(first).not.toEqual(then);
  expect(new Set(keptAccess(first, now).put)).toEqual(new Set(first));
});
