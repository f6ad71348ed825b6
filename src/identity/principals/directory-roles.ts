/** What a directory role lets its holder do in Graph. `admins`: change users who have a role themselves;
 * `grants`: consent, and assign roles of applications. */
export const graphRights = [
  'directory.read',
  'application.create',
  'application.write',
  'group.create',
  'group.write',
  'user.write',
  'grants.write',
  'admins.write',
] as const;
export type GraphRight = (typeof graphRights)[number];

interface DirectoryRole {
  readonly displayName: string;
  readonly rights: readonly GraphRight[];
}

/** By role template id, which is the same in every tenant. @see Microsoft Entra "built-in roles" */
export const directoryRoles: ReadonlyMap<string, DirectoryRole> = new Map([
  ['62e90394-69f5-4237-9190-012177145e10', { displayName: 'Global Administrator', rights: graphRights }],
  [
    '9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3',
    {
      displayName: 'Application Administrator',
      rights: ['directory.read', 'application.create', 'application.write', 'grants.write'],
    },
  ],
  [
    '158c047a-c907-4556-b7ef-446551a6b5f7',
    {
      displayName: 'Cloud Application Administrator',
      rights: ['directory.read', 'application.create', 'application.write', 'grants.write'],
    },
  ],
  [
    'fe930be7-5e62-47db-91af-98c3a49a38b1',
    { displayName: 'User Administrator', rights: ['directory.read', 'group.create', 'group.write', 'user.write'] },
  ],
  [
    'fdd7a751-b60b-444a-984c-02652fe8fa1c',
    { displayName: 'Groups Administrator', rights: ['directory.read', 'group.create', 'group.write'] },
  ],
  ['88d8e3e3-8f55-4a1e-953a-9b9898b8876b', { displayName: 'Directory Readers', rights: ['directory.read'] }],
]);

export const globalAdministrator = '62e90394-69f5-4237-9190-012177145e10';

/** What every user may do without a role, as tenants are set up by default; applications may do nothing. */
export const rightsOfMembers: readonly GraphRight[] = ['directory.read', 'application.create', 'group.create'];

export const rightsOfRoles = (roles: readonly string[]): readonly GraphRight[] =>
  roles.flatMap((role) => directoryRoles.get(role)?.rights ?? []);
