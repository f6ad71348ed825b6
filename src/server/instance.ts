import type { RoleAssignment } from '../authz/decide.ts';
import { ownerAssignment } from '../authz/role-assignments.ts';
import { newSubscription } from '../arm/subscriptions.ts';
import type { Guid } from '../base/guid.ts';
import { parseGuid } from '../base/guid.ts';
import { newGuid } from '../base/new-guid.ts';
import { invariant } from '../base/invariant.ts';
import { isJsonObject } from '../base/json.ts';
import type { RandomBytes } from '../base/random.ts';
import type { Instant } from '../clock/clock.ts';
import { instant, toIso } from '../clock/clock.ts';
import type { Directory } from '../identity/principals/directory.ts';
import { globalAdministrator } from '../identity/principals/directory-roles.ts';
import { newPassword, storePassword } from '../identity/principals/password.ts';
import type { Principals } from '../identity/principals/principals.ts';
import type { User } from '../identity/principals/user.ts';
import type { Tenants } from '../identity/tenants.ts';
import type { State, StateWrite, Table } from '../state/state.ts';
import { writeRecord } from '../state/state.ts';

/** What is random in a data directory and stays: who and what exists in it from the start. */
export interface Instance {
  readonly format: 1;
  readonly tenantId: Guid;
  /** The first is the main one; a second exists only when it was asked for. */
  readonly subscriptionIds: readonly [Guid, ...Guid[]];
  /** Owner of every subscription. */
  readonly application: { readonly appId: Guid; readonly objectId: Guid; readonly secret: string };
  /** Who signs in with a password: administrator of the tenant, Owner of every subscription. Missing in directories of earlier versions. */
  readonly user?: { readonly objectId: Guid; readonly principalName: string; readonly password: string };
  readonly virtualTime: boolean;
  /** Kustody's own vault and who goes to it; clients see none of it. */
  readonly service: {
    readonly tenantId: Guid;
    readonly vaultId: Guid;
    /** Wraps and unwraps for clusters under Microsoft-managed keys. */
    readonly clusterPrincipal: Guid;
    /** Makes and destroys their keys. */
    readonly operatorPrincipal: Guid;
  };
}

const instanceTable: Table<Instance> = {
  name: 'instance',
  parse: (value) => {
    invariant(isJsonObject(value) && value['format'] === 1, 'the data directory has a format that this Kustody knows');
    return value as unknown as Instance;
  },
};

const roleId = parseGuid(globalAdministrator);
invariant(roleId !== undefined, 'a role template id is a GUID');
const administratorRole: Guid = roleId;
const tenantDomain = 'kustody.onmicrosoft.com';
/** The data directory's own application; a real one would be rotated, this one guards nothing outside the machine. */
const secretYears = 50;

export interface InstanceParts {
  readonly state: State;
  readonly randomBytes: RandomBytes;
  readonly tenants: Tenants;
  readonly principals: Principals;
  readonly directory: Directory;
  readonly wallNow: Instant;
}

export async function readInstance(state: State): Promise<Instance | undefined> {
  return (await state.get(instanceTable, 'instance'))?.value;
}

/** Order: tenants and principals one by one → ONE commit with the instance, its subscriptions and the owner. Until that commit
 * nothing names them, so a start after a crash makes new ones; only the tenant's domain is looked up, since it is taken. */
export async function createInstance(parts: InstanceParts, virtualTime: boolean): Promise<Instance> {
  const { state, randomBytes, tenants, principals, wallNow } = parts;
  const tenant =
    (await tenants.find(tenantDomain)) ??
    (await tenants.create({ displayName: 'Kustody', domains: [tenantDomain], hidden: false, createdAt: wallNow }));
  const serviceTenant = await tenants.create({
    displayName: 'Kustody services',
    domains: [],
    hidden: true,
    createdAt: wallNow,
  });
  const { tenantId } = tenant;
  const application = await principals.create({ tenantId, displayName: 'kustody', kind: 'application' });
  const expiry = instant(wallNow + secretYears * 365 * 86_400_000);
  const added = await principals.addSecret(application.objectId, expiry);
  invariant(added !== undefined, 'the application exists');
  const hidden = (displayName: string) =>
    principals.create({ tenantId: serviceTenant.tenantId, displayName, kind: 'service' });
  const instance: Instance = {
    format: 1,
    tenantId,
    subscriptionIds: [newGuid(randomBytes)],
    application: { appId: application.appId, objectId: application.objectId, secret: added.secret },
    virtualTime,
    service: {
      tenantId: serviceTenant.tenantId,
      vaultId: newGuid(randomBytes),
      clusterPrincipal: (await hidden('kustody clusters')).objectId,
      operatorPrincipal: (await hidden('kustody service keys')).objectId,
    },
  };
  const subscription = ownedSubscription(parts, instance, instance.subscriptionIds[0], 'Kustody');
  await state.commit({ write: [writeRecord(instanceTable, 'instance', null, instance), ...subscription] });
  return instance;
}

/** The instance with a second subscription, made in ONE commit when there is none yet. */
export async function withSecondSubscription(parts: InstanceParts, instance: Instance): Promise<Instance> {
  if (instance.subscriptionIds.length > 1) return instance;
  const found = await parts.state.get(instanceTable, 'instance');
  invariant(found !== undefined, 'the data directory has its instance');
  const subscriptionId = newGuid(parts.randomBytes);
  const extended: Instance = { ...instance, subscriptionIds: [...instance.subscriptionIds, subscriptionId] };
  const subscription = ownedSubscription(parts, instance, subscriptionId, 'Kustody second');
  await parts.state.commit({
    write: [writeRecord(instanceTable, 'instance', found.version, extended), ...subscription],
  });
  return extended;
}

/** The instance with what a directory has: applications that are registered, an administrator that is an application and one that is a
 * user. Order: application → role → user → ONE commit with the user's password and its roles on the subscriptions. Until that commit
 * nobody knows the password, so a start after a crash sets another one. */
export async function withDirectory(parts: InstanceParts, instance: Instance): Promise<Instance> {
  if (instance.user !== undefined) return instance;
  const { directory, randomBytes, state, wallNow } = parts;
  const found = await state.get(instanceTable, 'instance');
  invariant(found !== undefined, 'the data directory has its instance');
  const directoryRoles = [administratorRole];
  await directory.completeApplications(instance.tenantId, wallNow);
  await directory.principals.store.update(instance.application.objectId, (one) => ({ ...one, directoryRoles }));
  const password = newPassword(randomBytes);
  const user = await storeUser(parts, instance.tenantId, password);
  const extended: Instance = {
    ...instance,
    user: { objectId: user.objectId, principalName: user.userPrincipalName, password },
  };
  const owners = instance.subscriptionIds.map((subscriptionId) => owner(parts, subscriptionId, user.objectId, 'User'));
  await state.commit({ write: [writeRecord(instanceTable, 'instance', found.version, extended), ...owners] });
  return extended;
}

async function storeUser(parts: InstanceParts, tenantId: Guid, password: string): Promise<User> {
  const { directory, randomBytes, wallNow } = parts;
  const userPrincipalName = `admin@${tenantDomain}`;
  const present = await directory.users.findByName(tenantId, userPrincipalName);
  const user: User = {
    objectId: present?.objectId ?? newGuid(randomBytes),
    ...{ tenantId, userPrincipalName, displayName: 'Kustody Admin', mailNickname: 'admin', enabled: true },
    texts: { givenName: 'Kustody', surname: 'Admin' },
    password: await storePassword(password, randomBytes),
    mustChangePassword: false,
    sessionsValidFrom: wallNow,
    directoryRoles: [administratorRole],
    createdAt: wallNow,
  };
  if (present === undefined) await directory.users.create(user);
  else await directory.users.update(present.objectId, () => user);
  return user;
}

function ownedSubscription(
  parts: InstanceParts,
  { tenantId, application, user }: Instance,
  subscriptionId: Guid,
  displayName: string,
): readonly StateWrite[] {
  return [
    newSubscription({ subscriptionId, displayName, tenantId }),
    owner(parts, subscriptionId, application.objectId, 'ServicePrincipal'),
    ...(user === undefined ? [] : [owner(parts, subscriptionId, user.objectId, 'User')]),
  ];
}

const owner = (
  { randomBytes, wallNow }: InstanceParts,
  subscriptionId: Guid,
  principalId: Guid,
  principalType: RoleAssignment['principalType'],
): StateWrite =>
  ownerAssignment({
    assignmentId: newGuid(randomBytes),
    subscriptionId,
    principalId,
    principalType,
    at: toIso(wallNow),
  });
