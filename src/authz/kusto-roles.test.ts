import { describe, expect, it } from 'vitest';
import type { ClusterRole, DatabaseRole, KustoRight } from './kusto-roles.ts';
import { clusterRoles, databaseRoles, hasKustoRight, holdersOf, isClusterRole, kustoRights } from './kusto-roles.ts';

/** To see who has a role on a table, function or view, which its administrators may, too. */
const principalRights = ['tableMonitor', 'functionMonitor', 'viewMonitor'] as const;

// Microsoft's page "Role-based access control", a line a role, in terms of what it lets its holder do.
const page: readonly (readonly [ClusterRole | DatabaseRole, string, readonly KustoRight[]])[] = [
  [
    'AllDatabasesAdmin',
    'full permission to all databases, and cluster policies',
    Object.keys(kustoRights) as KustoRight[],
  ],
  ['AllDatabasesViewer', 'read all data and metadata of any database', ['list', 'metadata', 'read']],
  [
    'AllDatabasesMonitor',
    '.show commands in any database',
    [...(['list', 'metadata', 'monitor'] as const), ...principalRights, 'clusterMonitor'],
  ],
  [
    'Admin',
    'full permission to one database',
    [
      ...(['list', 'metadata', 'read', 'create', 'ingest', 'ingestPart', 'tableIngest', 'tableAdmin'] as const),
      ...(['functionAdmin', 'viewAdmin', 'externalTableAdmin', 'graphModelAdmin', 'monitor'] as const),
      ...principalRights,
      'admin',
    ],
  ],
  [
    'User',
    'read all data and metadata, create tables and functions',
    ['list', 'metadata', 'read', 'create', 'ingestPart'],
  ],
  ['Viewer', 'read all data and metadata', ['list', 'metadata', 'read']],
  ['UnrestrictedViewer', 'only beside User or Viewer, whose role it widens', []],
  ['Ingestor', 'ingest into all tables, without querying', ['list', 'ingest', 'ingestPart', 'tableIngest']],
  ['Monitor', '.show commands in the database', [...(['list', 'metadata', 'monitor'] as const), ...principalRights]],
];
const rights = Object.keys(kustoRights) as KustoRight[];

describe('roles of a cluster and its databases', () => {
  it('are those of the page', () => {
    expect(page.map(([role]) => role).sort()).toEqual([...clusterRoles, ...databaseRoles].sort());
  });

  it.each(page)('%s: %s', (role, _permissions, expected) => {
    const access = isClusterRole(role)
      ? { clusterRoles: [role], databases: [{ name: 'Own', roles: [] }] }
      : { clusterRoles: [], databases: [{ name: 'Own', roles: [role] }] };
    expect(rights.filter((right) => hasKustoRight(access, right, 'oWN'))).toEqual(expected);
    // Elsewhere a role on a database is nothing, and one on the cluster the same.
    expect(rights.filter((right) => hasKustoRight(access, right, 'Other'))).toEqual(
      isClusterRole(role) ? expected : [],
    );
  });

  it('together give what each gives', () => {
    const access = { clusterRoles: [], databases: [{ name: 'D', roles: ['Viewer', 'Ingestor'] as const }] };
    expect(rights.filter((right) => hasKustoRight(access, right, 'D'))).toEqual([
      ...['list', 'metadata', 'read', 'ingest', 'ingestPart', 'tableIngest'],
    ]);
  });

  it('on one table, function, view or graph model count for those who are in the database', () => {
    const as = (...roles: readonly DatabaseRole[]) => ({ clusterRoles: [], databases: [{ name: 'D', roles }] });
    const given = (...[access, ...own]: [ReturnType<typeof as>, ...('Admin' | 'Ingestor')[]]) =>
      rights.filter((right) => hasKustoRight(access, right, 'D', own) && !hasKustoRight(access, right, 'D'));
    expect(given(as('User'), 'Ingestor')).toEqual(['tableIngest']);
    expect(given(as('User'), 'Admin')).toEqual([
      ...['tableIngest', 'tableAdmin', 'functionAdmin', 'viewAdmin', 'externalTableAdmin', 'graphModelAdmin'],
      ...principalRights,
    ]);
    expect(given(as('Ingestor'), 'Admin')).toEqual([]);
    // The page asks for a role that reads of an external table's administrator, where others need one that creates.
    expect(given(as('Viewer', 'Monitor', 'UnrestrictedViewer'), 'Admin', 'Ingestor')).toEqual(['externalTableAdmin']);
    expect(given(as('Monitor', 'UnrestrictedViewer'), 'Admin', 'Ingestor')).toEqual([]);
    expect(given(as(), 'Admin', 'Ingestor')).toEqual([]);
  });

  it('are told to whoever lacks them', () => {
    expect(holdersOf('monitor')).toBe('database Admin, database Monitor, AllDatabasesAdmin, AllDatabasesMonitor');
    expect(holdersOf('clusterAdmin')).toBe('AllDatabasesAdmin');
  });
});

it('looks at each of very many databases once, however many rights are asked for', () => {
  let looked = 0;
  const databases = Array.from({ length: 2_000 }, (_one, index) => ({
    get name() {
      looked += 1;
      return `Database${index}`;
    },
    roles: index % 2 === 0 ? (['Viewer'] as const) : [],
  }));
  const access = { clusterRoles: [], databases };
  for (let index = 0; index < databases.length; index += 1)
    expect(hasKustoRight(access, 'list', `dataBASE${index}`)).toBe(index % 2 === 0);
  expect(looked).toBe(databases.length);
  expect(hasKustoRight(access, 'list', 'Database2000')).toBe(false);
});
