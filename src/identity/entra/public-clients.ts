import type { Guid } from '../../base/guid.ts';
import { parseGuid } from '../../base/guid.ts';

/** A program that users sign in with, and that keeps no secret. */
export interface PublicClient {
  readonly appId: Guid;
  readonly displayName: string;
  /** What it may do for a user at each resource, by the resource's application id: consented to once and for all by its maker. */
  readonly permissions: ReadonlyMap<string, readonly string[]>;
}

const resourceManager = '797f4846-ba00-4fd7-ba43-dac1f8f63013';
const graph = '00000003-0000-0000-c000-000000000000';
const keyVault = 'cfa8b339-82a2-471a-a3c9-0fc0be7a4093';
const dataExplorer = '2746ea77-4702-4b45-80ca-3c97e680e8b7';

const impersonation = ['user_impersonation'];
const azure: readonly (readonly [string, readonly string[]])[] = [
  [resourceManager, impersonation],
  [keyVault, impersonation],
  [dataExplorer, impersonation],
];

const rows: readonly (readonly [string, string, readonly (readonly [string, readonly string[]])[]])[] = [
  [
    '04b07795-8ddb-461a-bbee-02f9e1bf7b46',
    'Microsoft Azure CLI',
    [
      ...azure,
      [
        graph,
        [
          ...['Application.ReadWrite.All', 'AppRoleAssignment.ReadWrite.All', 'AuditLog.Read.All'],
          ...['DelegatedPermissionGrant.ReadWrite.All', 'Directory.AccessAsUser.All', 'email', 'Group.ReadWrite.All'],
          ...['openid', 'profile', 'User.Read.All', 'User.ReadWrite.All'],
        ],
      ],
    ],
  ],
  [
    '1950a258-227b-4e31-a9cf-717495945fc2',
    'Microsoft Azure PowerShell',
    [...azure, [graph, ['AuditLog.Read.All', 'Directory.AccessAsUser.All', 'email', 'openid', 'profile']]],
  ],
  ['aebc6443-996d-45c2-90f0-388ff96faa56', 'Visual Studio Code', azure],
  ['db662dc1-0cfe-4e1c-a843-19a68e65be58', 'Kusto client', [[dataExplorer, impersonation]]],
];

const clients = rows.flatMap(([id, displayName, permissions]): readonly PublicClient[] => {
  const appId = parseGuid(id);
  return appId === undefined ? [] : [{ appId, displayName, permissions: new Map(permissions) }];
});

/** Microsoft's own programs for users, known in every tenant. */
export const findPublicClient = (appId: Guid): PublicClient | undefined =>
  clients.find((client) => client.appId === appId);

/** On this machine, on any port; or the page that shows nothing, for programs with a browser of their own. */
export function isRedirectOfPublicClient(text: string): boolean {
  const url = URL.parse(text);
  if (url === null || url.hash !== '' || url.username !== '') return false;
  if (text === 'https://login.microsoftonline.com/common/oauth2/nativeclient') return true;
  return url.protocol === 'http:' && ['localhost', '127.0.0.1'].includes(url.hostname);
}
