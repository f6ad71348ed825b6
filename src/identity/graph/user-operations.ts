import { newGuid } from '../../base/new-guid.ts';
import { parseHostName } from '../../base/names.ts';
import type { Instant } from '../../clock/clock.ts';
import { isStrongPassword, storePassword } from '../principals/password.ts';
import type { User } from '../principals/user.ts';
import { userTextNames } from '../principals/user.ts';
import type { UserTexts } from '../principals/user.ts';
import { BodyReader } from './body.ts';
import { listReply, onlyNamed, showReply } from './collection.ts';
import { requireUser, users } from './entity-sets.ts';
import { showUser, usersShown } from './entity-views.ts';
import { graphErrors } from './graph-error.ts';
import type { GraphDependencies, GraphOperation, GraphRequest } from './graph-operation.ts';
import { createdReply, noContent } from './graph-operation.ts';
import { hasRight } from './rights.ts';

/** Users: members of the tenant. Guests, licences, managers and photos are not built. */
export const userOperations: readonly GraphOperation[] = [
  {
    id: 'Users_List',
    method: 'GET',
    path: '/users',
    right: 'directory.read',
    handle: async ({ directory }, request) => {
      const all = await directory.users.list(request.caller.tenantId);
      return listReply(request, users, all.map(showUser), '/users');
    },
  },
  {
    id: 'Users_Create',
    method: 'POST',
    path: '/users',
    right: 'user.write',
    handle: async (deps, request) => {
      const { tenantId } = request.caller;
      if (!(await deps.directory.hasRoom(tenantId))) throw graphErrors.quota();
      const user = await readNewUser(deps, request);
      if (!(await deps.directory.users.create(user))) throw graphErrors.nameTaken('userPrincipalName');
      return createdReply('users', 'User', tenantId, onlyNamed(showUser(user), usersShown));
    },
  },
  {
    id: 'Users_Get',
    method: 'GET',
    path: '/users/{id}',
    right: 'directory.read',
    handle: async (deps, request) => showReply(request, users, showUser(await requireUser(deps, request))),
  },
  {
    id: 'Users_Update',
    method: 'PATCH',
    path: '/users/{id}',
    right: 'user.write',
    handle: async (deps, request) => {
      const user = await requireUser(deps, request);
      await refuseAdmins(deps, request, user);
      const change = await readUserChange(deps, request);
      const outcome = await deps.directory.users.update(user.objectId, change);
      if (outcome === 'nameTaken') throw graphErrors.nameTaken('userPrincipalName');
      if (outcome === 'missing') throw graphErrors.notFound(request.params['id'] ?? '');
      return noContent;
    },
  },
  {
    id: 'Users_Delete',
    method: 'DELETE',
    path: '/users/{id}',
    right: 'user.write',
    handle: async (deps, request) => {
      const user = await requireUser(deps, request);
      await refuseAdmins(deps, request, user);
      await deps.directory.remove(user.objectId);
      return noContent;
    },
  },
];

/** Whoever could set an administrator's password would be one. */
async function refuseAdmins({ directory }: GraphDependencies, request: GraphRequest, user: User): Promise<void> {
  if (user.directoryRoles.length > 0 && !(await hasRight(directory, request.caller, 'admins.write')))
    throw graphErrors.denied();
}

const known = [
  ...['accountEnabled', 'displayName', 'mailNickname', 'userPrincipalName', 'passwordProfile', 'userType'],
  ...userTextNames,
];
const notBuilt = [
  ...[
    'businessPhones',
    'otherMails',
    'onPremisesImmutableId',
    'usageLocation',
    'department',
    'city',
    'country',
    'state',
  ],
  ...['postalCode', 'streetAddress', 'companyName', 'employeeId', 'identities', 'passwordPolicies', 'ageGroup'],
];

async function readNewUser(deps: GraphDependencies, request: GraphRequest): Promise<User> {
  const body = new BodyReader(request.body, 'User');
  body.refuseOthers(known, notBuilt);
  const { tenantId } = request.caller;
  const displayName = body.requiredText('displayName');
  const userPrincipalName = body.requiredText('userPrincipalName', 113);
  const mailNickname = body.requiredText('mailNickname', 64);
  const enabled = body.flag('accountEnabled');
  if (enabled === undefined) throw graphErrors.required('accountEnabled', 'User');
  await requireDomain(deps, request, userPrincipalName);
  const password = readPassword(body);
  if (password === undefined) throw graphErrors.required('passwordProfile', 'User');
  const now = deps.wallClock();
  return {
    ...{ objectId: newGuid(deps.randomBytes), tenantId, userPrincipalName, displayName, mailNickname, enabled },
    texts: readTexts(body),
    password: await storePassword(password.text, deps.randomBytes),
    mustChangePassword: password.mustChange,
    sessionsValidFrom: now,
    directoryRoles: [],
    createdAt: now,
  };
}

async function readUserChange(deps: GraphDependencies, request: GraphRequest): Promise<(user: User) => User> {
  const body = new BodyReader(request.body, 'User');
  body.refuseOthers(known, notBuilt);
  const name = body.has('userPrincipalName') ? body.requiredText('userPrincipalName', 113) : undefined;
  if (name !== undefined) await requireDomain(deps, request, name);
  const displayName = body.has('displayName') ? body.requiredText('displayName') : undefined;
  const mailNickname = body.has('mailNickname') ? body.requiredText('mailNickname', 64) : undefined;
  const enabled = body.flag('accountEnabled');
  const sent = readPassword(body);
  const password = sent && (await storePassword(sent.text, deps.randomBytes));
  const texts = readTexts(body);
  const removed = new Set<string>(userTextNames.filter((text) => body.has(text) && texts[text] === undefined));
  const now: Instant = deps.wallClock();
  return (user) => ({
    ...user,
    userPrincipalName: name ?? user.userPrincipalName,
    displayName: displayName ?? user.displayName,
    mailNickname: mailNickname ?? user.mailNickname,
    enabled: enabled ?? user.enabled,
    texts: Object.fromEntries(Object.entries({ ...user.texts, ...texts }).filter(([text]) => !removed.has(text))),
    ...(password === undefined
      ? {}
      : { password, mustChangePassword: sent?.mustChange ?? true, sessionsValidFrom: now }),
  });
}

function readTexts(body: BodyReader): UserTexts {
  return Object.fromEntries(
    userTextNames.flatMap((name) => {
      const text = body.text(name, 128);
      return text === undefined ? [] : [[name, text]];
    }),
  );
}

/** A user changes a password that somebody else set, unless told otherwise: as in Graph. */
function readPassword(body: BodyReader): { readonly text: string; readonly mustChange: boolean } | undefined {
  const profile = body.object('passwordProfile');
  if (profile === undefined) return undefined;
  profile.refuseOthers(['password', 'forceChangePasswordNextSignIn'], ['forceChangePasswordNextSignInWithMfa']);
  const text = profile.text('password', 4096);
  if (text === undefined) throw graphErrors.required('password', 'User');
  if (!isStrongPassword(text)) throw graphErrors.weakPassword();
  return { text, mustChange: profile.flag('forceChangePasswordNextSignIn') ?? true };
}

async function requireDomain(deps: GraphDependencies, request: GraphRequest, name: string): Promise<void> {
  const [local = '', domain = '', ...more] = name.split('@');
  const tenant = await deps.tenants.get(request.caller.tenantId);
  const isLocal = /^[A-Za-z0-9'._!#^~-]{1,64}$/.test(local) && !local.startsWith('.') && !local.endsWith('.');
  if (!isLocal || more.length > 0 || parseHostName(domain) === undefined)
    throw graphErrors.invalidValue('userPrincipalName', 'User');
  if (tenant?.domains.includes(domain.toLowerCase()) !== true)
    throw graphErrors.badRequest(
      'The domain portion of the userPrincipalName property is invalid. You must use one of the verified domain names in your organization.',
    );
}
