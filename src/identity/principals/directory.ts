import type { Guid } from '../../base/guid.ts';
import { newGuid } from '../../base/new-guid.ts';
import type { RandomBytes } from '../../base/random.ts';
import { StateConflictError } from '../../state/state-store.ts';
import type { State, StateWrite } from '../../state/state.ts';
import type { Instant } from '../../clock/clock.ts';
import type { Application } from './application.ts';
import { applicationByAppTable, applicationTable, toApplication } from './application.ts';
import type { AppRoleAssignment, HeldStore, PermissionGrant } from './assignments.ts';
import { appRoleAssignmentTable, openHeldStore, permissionGrantTable } from './assignments.ts';
import type { DirectoryStore } from './directory-store.ts';
import { openDirectoryStore } from './directory-store.ts';
import type { Group } from './group.ts';
import { groupTable } from './group.ts';
import type { Memberships } from './memberships.ts';
import { openMemberships } from './memberships.ts';
import type { Principal } from './principal.ts';
import type { Principals } from './principals.ts';
import { toSecretRecord } from './secret-record.ts';
import type { User } from './user.ts';
import { userByNameTable, userTable } from './user.ts';

/** Objects that one tenant may have: a list goes through all of them. Entra ID has more room. */
export const directoryObjectsMax = 5_000;

export type DirectoryObject =
  | { readonly kind: 'user'; readonly object: User }
  | { readonly kind: 'group'; readonly object: Group }
  | { readonly kind: 'servicePrincipal'; readonly object: Principal }
  | { readonly kind: 'application'; readonly object: Application };

/** Users, groups, applications and service principals of all tenants. */
export interface Directory {
  readonly users: DirectoryStore<User>;
  readonly groups: DirectoryStore<Group>;
  readonly applications: DirectoryStore<Application>;
  readonly principals: Principals;
  readonly memberships: Memberships;
  readonly appRoleAssignments: HeldStore<AppRoleAssignment>;
  readonly permissionGrants: HeldStore<PermissionGrant>;
  /** Of this tenant only. */
  find(tenantId: Guid, objectId: Guid): Promise<DirectoryObject | undefined>;
  hasRoom(tenantId: Guid): Promise<boolean>;
  /** Takes it out of all groups; an application takes its service principal along. ONE commit. */
  remove(objectId: Guid): Promise<void>;
  /** Registers the applications that service principals of earlier versions lack. */
  completeApplications(tenantId: Guid, now: Instant): Promise<void>;
}

export function openDirectory(state: State, principals: Principals, randomBytes: RandomBytes): Directory {
  const users = openDirectoryStore<User, User & { readonly format: 1 }>({
    state,
    table: userTable,
    names: { table: userByNameTable, nameOf: (user) => user.userPrincipalName },
    toRecord: (user) => ({ ...user, format: 1 }),
    fromRecord: (record) => record,
  });
  const groups = openDirectoryStore<Group, Group & { readonly format: 1 }>({
    state,
    table: groupTable,
    toRecord: (group) => ({ ...group, format: 1 }),
    fromRecord: (record) => record,
  });
  const applications = openDirectoryStore({
    state,
    table: applicationTable,
    names: { table: applicationByAppTable, nameOf: (application: Application) => application.appId },
    toRecord: (application: Application) => ({
      ...application,
      format: 1 as const,
      secrets: application.secrets.map(toSecretRecord),
    }),
    fromRecord: toApplication,
  });
  const memberships = openMemberships(state);
  const appRoleAssignments = openHeldStore(state, appRoleAssignmentTable);
  const permissionGrants = openHeldStore(state, permissionGrantTable);
  const removalsOf = async (objectId: Guid): Promise<readonly StateWrite[]> => {
    const application = await applications.get(objectId);
    const principal = application && (await principals.findByAppId(application.tenantId, application.appId));
    const stores = [users, groups, applications, principals.store];
    const own = await Promise.all(stores.map((store) => store.removalOf(objectId)));
    const ofPrincipal = principal === undefined ? [] : await removalsOf(principal.objectId);
    const held = await Promise.all([appRoleAssignments, permissionGrants].map((one) => one.removalsOf(objectId)));
    return [...own.flat(), ...held.flat(), ...(await memberships.removalsOf(objectId)), ...ofPrincipal];
  };
  return {
    ...{ users, groups, applications, principals, memberships, appRoleAssignments, permissionGrants },
    async find(tenantId, objectId) {
      const found: DirectoryObject | undefined =
        tagged('user', await users.get(objectId)) ??
        tagged('group', await groups.get(objectId)) ??
        tagged('servicePrincipal', await principals.get(objectId)) ??
        tagged('application', await applications.get(objectId));
      return found?.object.tenantId === tenantId ? found : undefined;
    },
    async hasRoom(tenantId) {
      const lists = await Promise.all([users, groups, applications, principals.store].map((one) => one.list(tenantId)));
      return lists.flat().length < directoryObjectsMax;
    },
    async remove(objectId) {
      for (;;) {
        const write = await removalsOf(objectId);
        if (write.length === 0) return;
        try {
          await state.commit({ write });
          return;
        } catch (error) {
          if (!(error instanceof StateConflictError)) throw error;
        }
      }
    },
    async completeApplications(tenantId, now) {
      for (const principal of await principals.store.list(tenantId)) {
        if (principal.kind !== 'application') continue;
        if ((await applications.findByName(tenantId, principal.appId)) !== undefined) continue;
        await applications.create(applicationOf(principal, newGuid(randomBytes), now));
      }
    },
  };
}

const tagged = <Kind extends DirectoryObject['kind'], T>(kind: Kind, object: T | undefined) =>
  object === undefined ? undefined : { kind, object };

const applicationOf = (principal: Principal, objectId: Guid, now: Instant): Application => ({
  ...emptyApplication,
  objectId,
  appId: principal.appId,
  tenantId: principal.tenantId,
  displayName: principal.displayName,
  accessTokenVersion: principal.accessTokenVersion,
  createdAt: principal.createdAt ?? now,
});

/** What an application has of which nobody has said anything. */
export const emptyApplication = {
  identifierUris: [],
  signInAudience: 'AzureADMyOrg',
  redirectUris: { web: [], publicClient: [], spa: [] },
  isFallbackPublicClient: undefined,
  accessTokenVersion: undefined,
  secrets: [],
  keys: [],
  federatedCredentials: [],
  appRoles: [],
  permissionScopes: [],
  preAuthorized: [],
  requiredAccess: [],
  optionalClaims: undefined,
  groupMembershipClaims: undefined,
  tags: [],
  notes: undefined,
  serviceManagementReference: undefined,
  owners: [],
} as const satisfies Partial<Application>;
