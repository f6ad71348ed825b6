import type { Guid } from '../../base/guid.ts';
import { parseGuid } from '../../base/guid.ts';
import { BodyReader } from './body.ts';
import { listReply, showReply } from './collection.ts';
import { directoryObjects, requireUser, showObjects, users } from './entity-sets.ts';
import { showUser } from './entity-views.ts';
import { graphErrors } from './graph-error.ts';
import type { GraphDependencies, GraphOperation, GraphReply, GraphRequest } from './graph-operation.ts';
import { collectionContext, graphHost } from './graph-operation.ts';

type WhoIs = (deps: GraphDependencies, request: GraphRequest) => Promise<Guid>;

const idsMax = { check: 20, objects: 1000 } as const;

const me: WhoIs = (_deps, { caller }) => Promise.resolve(caller.objectId);
const named: WhoIs = async (deps, request) => {
  const id = parseGuid(request.params['id'] ?? '');
  if (id === undefined) return (await requireUser(deps, request)).objectId;
  const found = await deps.directory.find(request.caller.tenantId, id);
  if (found === undefined) throw graphErrors.notFound(id);
  return id;
};

/** What is asked about memberships, of oneself and of any object. Transitive. */
const questions: readonly {
  readonly name: string;
  readonly answer: (deps: GraphDependencies, request: GraphRequest, groupIds: readonly Guid[]) => readonly Guid[];
}[] = [
  { name: 'checkMemberGroups', answer: (_deps, request, of) => checked(request, 'groupIds', of) },
  { name: 'checkMemberObjects', answer: (_deps, request, of) => checked(request, 'ids', of) },
  { name: 'getMemberGroups', answer: (_deps, request, of) => listed(request, of) },
  { name: 'getMemberObjects', answer: (_deps, request, of) => listed(request, of) },
];

function checked(request: GraphRequest, member: string, of: readonly Guid[]): readonly Guid[] {
  const body = new BodyReader(request.body, 'DirectoryObject');
  body.refuseOthers([member], []);
  const ids = body.texts(member) ?? [];
  if (ids.length === 0) throw graphErrors.required(member, 'DirectoryObject');
  if (ids.length > idsMax.check)
    throw graphErrors.badRequest(`The number of ids in '${member}' exceeds the maximum of ${idsMax.check}.`);
  return ids.flatMap((text) => {
    const id = parseGuid(text);
    if (id === undefined) throw graphErrors.invalidValue(member, 'DirectoryObject');
    return of.includes(id) ? [id] : [];
  });
}

function listed(request: GraphRequest, of: readonly Guid[]): readonly Guid[] {
  const body = new BodyReader(request.body, 'DirectoryObject');
  body.refuseOthers(['securityEnabledOnly'], []);
  if (body.flag('securityEnabledOnly') === undefined)
    throw graphErrors.required('securityEnabledOnly', 'DirectoryObject');
  return of; // every group here is a security group
}

const questionRows = (
  set: string,
  path: string,
  who: WhoIs,
  right: GraphOperation['right'],
): readonly GraphOperation[] =>
  questions.map(({ name, answer }) => ({
    id: `${set}_${name}`,
    method: 'POST',
    path: `${path}/${name}`,
    right,
    handle: async (deps, request) => {
      const groupIds = await deps.directory.memberships.groupsOf(await who(deps, request));
      const value = answer(deps, request, groupIds);
      return { status: 200, body: { '@odata.context': collectionContext('Collection(Edm.String)'), value } };
    },
  }));

const memberOfRow = (set: string, path: string, who: WhoIs, right: GraphOperation['right']): GraphOperation => ({
  id: `${set}_memberOf`,
  method: 'GET',
  path: `${path}/memberOf`,
  right,
  handle: async (deps, request) => {
    const id = await who(deps, request);
    const groups = await deps.directory.memberships.directGroupsOf(id);
    const value = await showObjects(deps, request.caller.tenantId, groups);
    return listReply(request, directoryObjects, value, pathOf(path, request));
  },
});

const pathOf = (path: string, { params }: GraphRequest): string =>
  `${path.replace('{id}', encodeURIComponent(params['id'] ?? ''))}/memberOf`;

/** Oneself, and what is asked of any object whatever its kind. */
export const memberOperations: readonly GraphOperation[] = [
  {
    id: 'Me_Get',
    method: 'GET',
    path: '/me',
    right: 'self',
    handle: async ({ directory }, request) => {
      const user = await directory.users.get(request.caller.objectId);
      if (user === undefined) throw graphErrors.notFound(request.caller.objectId);
      return showReply(request, users, showUser(user));
    },
  },
  {
    id: 'Me_ownedObjects',
    method: 'GET',
    path: '/me/ownedObjects',
    right: 'self',
    handle: (deps, request) => ownedObjects(deps, request),
  },
  memberOfRow('Me', '/me', me, 'self'),
  memberOfRow('Users', '/users/{id}', named, 'directory.read'),
  memberOfRow('Groups', '/groups/{id}', named, 'directory.read'),
  memberOfRow('ServicePrincipals', '/servicePrincipals/{id}', named, 'directory.read'),
  ...questionRows('Me', '/me', me, 'self'),
  ...questionRows('Users', '/users/{id}', named, 'directory.read'),
  ...questionRows('Groups', '/groups/{id}', named, 'directory.read'),
  ...questionRows('ServicePrincipals', '/servicePrincipals/{id}', named, 'directory.read'),
  ...questionRows('DirectoryObjects', '/directoryObjects/{id}', named, 'directory.read'),
  {
    id: 'DirectoryObjects_Get',
    method: 'GET',
    path: '/directoryObjects/{id}',
    right: 'directory.read',
    handle: async (deps, request) => {
      const id = parseGuid(request.params['id'] ?? '');
      const [shown] = id === undefined ? [] : await showObjects(deps, request.caller.tenantId, [id]);
      if (shown === undefined) throw graphErrors.notFound(request.params['id'] ?? '');
      return showReply(request, directoryObjects, shown);
    },
  },
  {
    id: 'DirectoryObjects_getByIds',
    method: 'POST',
    path: '/directoryObjects/getByIds',
    right: 'directory.read',
    handle: (deps, request) => getByIds(deps, request),
  },
];

/** What the caller has made or been made owner of. */
async function ownedObjects(deps: GraphDependencies, request: GraphRequest): Promise<GraphReply> {
  const { tenantId, objectId } = request.caller;
  const { applications, groups, principals } = deps.directory;
  const lists = await Promise.all([applications, groups, principals.store].map((store) => store.list(tenantId)));
  const owned = lists.flat().filter((one) => one.owners.includes(objectId));
  const value = await showObjects(
    deps,
    tenantId,
    owned.map((one) => one.objectId),
  );
  return listReply(request, directoryObjects, value, '/me/ownedObjects');
}

const kindNames = {
  user: 'user',
  group: 'group',
  serviceprincipal: 'servicePrincipal',
  application: 'application',
} as const;
const isKindName = (name: string): name is keyof typeof kindNames => Object.hasOwn(kindNames, name);

/** Ids that nobody has are left out; types that Kustody has no object of are none of the answer's. */
async function getByIds(deps: GraphDependencies, request: GraphRequest): Promise<GraphReply> {
  const body = new BodyReader(request.body, 'DirectoryObject', idsMax.objects);
  body.refuseOthers(['ids', 'types'], []);
  const ids = body.texts('ids');
  if (ids === undefined) throw graphErrors.required('ids', 'DirectoryObject');
  const types = (body.texts('types') ?? []).map((type) => type.toLowerCase());
  const kinds = types.flatMap((type) => (isKindName(type) ? [kindNames[type]] : []));
  const guids = ids.map((text) => {
    const id = parseGuid(text);
    if (id === undefined) throw graphErrors.badRequest(`Invalid GUID:${text.slice(0, 64)}`);
    return id;
  });
  const all = types.length === 0 || types.includes('directoryobject') ? undefined : kinds;
  const value = await showObjects(deps, request.caller.tenantId, guids, all);
  // Recorded: the address of Graph itself, also where nothing was found.
  const headers = { location: `https://${graphHost}` };
  return { status: 200, headers, body: { '@odata.context': collectionContext('directoryObjects'), value } };
}
