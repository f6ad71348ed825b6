import { randomBytes } from 'node:crypto';
import type { JsonObject } from '../../base/json.ts';
import { isJsonObject, textMember } from '../../base/json.ts';
import { newPassword } from '../../identity/principals/password.ts';
import type { SeededPrincipal } from '../instance-environment.ts';
import type { SeededCluster } from './make-clusters.ts';
import { ofCluster } from './references.ts';
import { locationOf, identityId, propertiesOf, step, versions } from './seeding.ts';
import type { Seeding } from './seeding.ts';

/** Finds one by the name that the file has for it. */
export type KnownPrincipals = (name: string) => SeededPrincipal;

/** Users, service principals, managed identities and groups, without members yet. Who is there already stays as they are, password and
 * secret included.
 * @param passwords the environment that `passwordFrom` names variables of
 * @param keep remembers each as soon as it is made */
export async function makePrincipals(
  seeding: Seeding,
  passwords: Readonly<Record<string, string | undefined>>,
  keep: (principals: readonly SeededPrincipal[]) => Promise<void>,
): Promise<readonly SeededPrincipal[]> {
  const kinds = seeding.plan.document.principals ?? {};
  const domain = kinds.users === undefined ? '' : await tenantDomain(seeding);
  const made: SeededPrincipal[] = [];
  const makeAll = async <T>(
    kind: keyof typeof kinds,
    entries: readonly T[] | undefined,
    make: (entry: T) => Promise<SeededPrincipal>,
  ): Promise<void> => {
    for (const [index, entry] of (entries ?? []).entries())
      await step(seeding, ['principals', kind, index], async () => {
        const principal = await make(entry);
        await keep([principal]);
        made.push(principal);
      });
  };
  await makeAll('users', kinds.users, (user) => makeUser(seeding, { ...user, domain }, passwords));
  await makeAll('servicePrincipals', kinds.servicePrincipals, ({ name }) => makeServicePrincipal(seeding, name));
  await makeAll('managedIdentities', kinds.managedIdentities, (identity) => makeManagedIdentity(seeding, identity));
  await makeAll('groups', kinds.groups, ({ name }) => makeGroup(seeding, name));
  return made;
}

/** With the system-assigned identities of clusters. */
export function knownPrincipals(
  principals: readonly SeededPrincipal[],
  clusters: readonly SeededCluster[],
): KnownPrincipals {
  return (name) => {
    const found = principals.find((one) => one.name === name);
    if (found !== undefined) return found;
    const cluster = clusters.find((one) => one.name === ofCluster(name));
    if (cluster?.principalId === undefined) throw new Error(`There is no principal '${name}'.`);
    return { name, objectId: cluster.principalId, type: 'ServicePrincipal' };
  };
}

/** The members that groups do not have yet. */
export async function makeMembers(seeding: Seeding, known: KnownPrincipals): Promise<void> {
  const { groups = [] } = seeding.plan.document.principals ?? {};
  for (const [index, { name, members = [] }] of groups.entries())
    for (const [at, member] of members.entries())
      await step(seeding, ['principals', 'groups', index, 'members', at], async () => {
        const { objectId } = known(name);
        const { objectId: memberId } = known(member);
        const path = `/v1.0/groups/${objectId}/members`;
        const held = valuesOf(await seeding.calls.graph('GET', `${path}?$top=999`));
        if (held.some(({ id }) => id === memberId)) return;
        await seeding.calls.graph('POST', `${path}/$ref`, {
          '@odata.id': `https://graph.microsoft.com/v1.0/directoryObjects/${memberId}`,
        });
      });
}

async function tenantDomain({ calls }: Seeding): Promise<string> {
  const [tenant] = valuesOf(await calls.graph('GET', '/v1.0/organization'));
  const domains: unknown = tenant?.['verifiedDomains'];
  const all = Array.isArray(domains) ? domains.filter(isJsonObject) : [];
  return textMember(all.find((one) => one['isDefault'] === true) ?? all[0], 'name');
}

async function makeUser(
  { calls, begin }: Seeding,
  user: {
    readonly name: string;
    readonly domain: string;
    readonly displayName?: string;
    readonly passwordFrom?: string;
  },
  passwords: Readonly<Record<string, string | undefined>>,
): Promise<SeededPrincipal> {
  const { name, passwordFrom } = user;
  const userPrincipalName = `${name}@${user.domain}`;
  const found = await calls.graph('GET', `/v1.0/users/${encodeURIComponent(userPrincipalName)}`, undefined, [404]);
  const known = { name, type: 'User', userPrincipalName } as const;
  if (found !== undefined) return { ...known, objectId: textMember(found, 'id') };
  begin(`making user ${name}`);
  const given = passwordFrom === undefined ? undefined : passwords[passwordFrom];
  if (passwordFrom !== undefined && (given === undefined || given === ''))
    throw new Error(`the environment variable ${passwordFrom} has no password for it.`);
  const password = given ?? newPassword(randomBytes);
  const made = await calls.graph('POST', '/v1.0/users', {
    ...{ accountEnabled: true, displayName: user.displayName ?? name, mailNickname: name, userPrincipalName },
    passwordProfile: { password, forceChangePasswordNextSignIn: false },
  });
  return { ...known, objectId: textMember(made, 'id'), ...(given === undefined ? { secret: password } : {}) };
}

/** Order: application → its service principal → secret, which is made when none is known: what an interrupted seed has left is completed. */
async function makeServicePrincipal(seeding: Seeding, name: string): Promise<SeededPrincipal> {
  const { calls, begin, environment } = seeding;
  const found = await findNamed(seeding, 'applications', name);
  if (found === undefined) begin(`making service principal ${name}`);
  const application = found ?? (await calls.graph('POST', '/v1.0/applications', { displayName: name }));
  const clientId = textMember(application, 'appId');
  const filter = encodeURIComponent(`appId eq '${clientId}'`);
  const [present] = valuesOf(await calls.graph('GET', `/v1.0/servicePrincipals?$filter=${filter}`));
  const principal = present ?? (await calls.graph('POST', '/v1.0/servicePrincipals', { appId: clientId }));
  const known = { name, type: 'ServicePrincipal', objectId: textMember(principal, 'id'), clientId } as const;
  const kept = environment.seededPrincipals?.find(({ objectId }) => objectId === known.objectId);
  if (kept?.secret !== undefined) return known;
  const added = await calls.graph('POST', `/v1.0/applications/${textMember(application, 'id')}/addPassword`, {
    passwordCredential: { displayName: 'seed' },
  });
  return { ...known, secret: textMember(added, 'secretText') };
}

async function makeManagedIdentity(
  seeding: Seeding,
  identity: { readonly name: string; readonly location?: string },
): Promise<SeededPrincipal> {
  const { calls, begin } = seeding;
  const id = identityId(seeding, identity.name);
  const found = await calls.arm('GET', id, versions.identities, undefined, [404]);
  if (found === undefined) begin(`making managed identity ${identity.name}`);
  const made = found ?? (await calls.arm('PUT', id, versions.identities, { location: locationOf(seeding, identity) }));
  const properties = propertiesOf(made);
  return {
    ...{ name: identity.name, type: 'ServicePrincipal' },
    objectId: textMember(properties, 'principalId'),
    clientId: textMember(properties, 'clientId'),
  };
}

async function makeGroup(seeding: Seeding, name: string): Promise<SeededPrincipal> {
  const found = await findNamed(seeding, 'groups', name);
  if (found === undefined) seeding.begin(`making group ${name}`);
  const group =
    found ??
    (await seeding.calls.graph('POST', '/v1.0/groups', {
      ...{ displayName: name, mailEnabled: false, securityEnabled: true },
      mailNickname: name.replaceAll(/[^A-Za-z0-9-]/g, '').slice(0, 64) || 'group',
    }));
  return { name, type: 'Group', objectId: textMember(group, 'id') };
}

/** Names of applications and groups need not be unique in a directory.
 * @throws Error when several have it */
async function findNamed(
  { calls }: Seeding,
  set: 'applications' | 'groups',
  name: string,
): Promise<JsonObject | undefined> {
  const filter = encodeURIComponent(`displayName eq '${name.replaceAll("'", "''")}'`);
  const found = valuesOf(await calls.graph('GET', `/v1.0/${set}?$filter=${filter}`)).filter(
    (one) => one['displayName'] === name,
  );
  if (found.length > 1) throw new Error(`there are ${found.length} ${set} of that name.`);
  return found[0];
}

function valuesOf(answer: JsonObject | undefined): readonly JsonObject[] {
  const value: unknown = answer?.['value'];
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}
