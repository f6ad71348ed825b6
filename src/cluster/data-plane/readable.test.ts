import type { DatabaseAccess } from '../../authz/kusto-roles.ts';
import { describe, expect, it } from 'vitest';
import { newGuid } from '../../base/new-guid.ts';
import type { DatabaseView, TableView } from '../../database/catalog/catalog-view.ts';
import type { EngineSources } from '../../kql/query-request.ts';
import { readable } from './readable.ts';
import type { AllowedRequest } from '../messages/data-plane-calls.ts';

const database = (name: string, roles: DatabaseAccess['roles']): DatabaseAccess => ({
  databaseId: newGuid((length) => new Uint8Array(length)),
  name,
  roles,
});
const access: AllowedRequest = {
  outcome: 'allowed',
  caller: { fqn: 'aadapp=a;t', displayName: 'a' } as AllowedRequest['caller'],
  clusterRoles: [],
  databases: [
    database('Own', ['Viewer']),
    database('Filled', ['Ingestor']),
    database('Foreign', []),
    database('Wide', ['UnrestrictedViewer']),
  ],
  principals: [],
  streamingIngestEnabled: true,
  machines: { coresPerNode: 2, nodes: 1 },
  purgeEnabled: true,
  now: 0,
  leaseMs: 1000,
};

function data() {
  const opened: string[] = [];
  const sources: EngineSources = {
    open: (name, table) => {
      opened.push(`${name}.${table}`);
      return Promise.reject(new Error('opened'));
    },
  };
  const databases = access.databases.map(({ name }) => ({ name, tables: [], functions: [] }));
  const view = (name: string): DatabaseView => ({
    ...{ name, databaseId: database(name, []).databaseId, functions: new Map(), mappings: [], policies: {} },
    ...{ schemaVersion: 1, graphModels: [], views: new Map(), tables: new Map([['Restricted', restricted]]) },
    ...{ prettyName: '', entityGroups: [], externalTables: [] },
  });
  return {
    opened,
    database: view,
    kqlCatalog: () => ({ version: '1', cluster: 'c', databases }),
    sources: () => sources,
    readExternal: noSources,
    readExternalTable: noSources,
    readInlineTable: noSources,
  };
}

const restricted = { policies: { restricted_view_access: { IsEnabled: true } } } as unknown as TableView;

const noSources = () => {
  throw new Error('there are none');
};
const noUse = { rows: [], summaries: [] };

describe('what a query may read', () => {
  it('has no name of a database without the right to view', () => {
    expect(readable(access, data(), noSources).catalog.databases.map(({ name }) => name)).toEqual(['Own']);
  });

  it('opens no table of such a database, even for a query that came to name it', async () => {
    const { opened, ...given } = data();
    const { sources } = readable(access, given, noSources);
    for (const name of ['Filled', 'Foreign', 'foreign', 'Wide'])
      await expect(sources.open(name, 'T', noUse)).rejects.toMatchObject({ kind: 'forbidden' });
    await expect(sources.open('Nowhere', 'T', noUse)).rejects.toMatchObject({ kind: 'databaseNotFound' });
    expect(opened).toEqual([]);
    await expect(sources.open('Own', 'T', noUse)).rejects.toThrow('opened');
  });

  it('opens a table with a restricted view access policy for unrestricted viewers alone, whatever else they are', async () => {
    const { opened, ...given } = data();
    const as = (roles: DatabaseAccess['roles'], clusterRoles: AllowedRequest['clusterRoles'] = []): EngineSources =>
      readable({ ...access, clusterRoles, databases: [database('Own', roles)] }, given, noSources).sources;
    for (const sources of [as(['Admin', 'User', 'Viewer']), as([], ['AllDatabasesAdmin', 'AllDatabasesViewer'])])
      await expect(sources.open('own', 'Restricted', noUse)).rejects.toMatchObject({ kind: 'forbidden' });
    expect(opened).toEqual([]);
    await expect(as(['Viewer', 'UnrestrictedViewer']).open('Own', 'Restricted', noUse)).rejects.toThrow('opened');
  });
});
