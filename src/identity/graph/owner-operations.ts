import type { Guid } from '../../base/guid.ts';
import { parseGuid } from '../../base/guid.ts';
import type { DirectoryStore } from '../principals/directory-store.ts';
import { readReference } from './body.ts';
import { listReply } from './collection.ts';
import { directoryObjects, requireApplication, requireGroup, requirePrincipal, showObjects } from './entity-sets.ts';
import { GraphError, graphErrors } from './graph-error.ts';
import type { GraphDependencies, GraphOperation, GraphRequest } from './graph-operation.ts';
import { noContent } from './graph-operation.ts';

interface Owned {
  readonly objectId: Guid;
  readonly tenantId: Guid;
  readonly owners: readonly Guid[];
}

const ownersMax = 100;

/** Who owns the object that a request names; nobody where there is none. */
const ownersBy =
  (
    required: (deps: GraphDependencies, request: GraphRequest) => Promise<Owned>,
  ): NonNullable<GraphOperation['owners']> =>
  async (deps, request) => {
    try {
      return (await required(deps, request)).owners;
    } catch (error) {
      if (error instanceof GraphError) return [];
      throw error;
    }
  };

export const ownersOfApplication = ownersBy(requireApplication);
export const ownersOfPrincipal = ownersBy(requirePrincipal);
export const ownersOfGroup = ownersBy(requireGroup);

function ownerRows<T extends Owned>(
  set: string,
  right: 'application.write' | 'group.write',
  required: (deps: GraphDependencies, request: GraphRequest) => Promise<T>,
  storeOf: (deps: GraphDependencies) => DirectoryStore<T>,
): readonly GraphOperation[] {
  const name = `${set.charAt(0).toUpperCase()}${set.slice(1)}`;
  const owners = ownersBy(required);
  const change = async (deps: GraphDependencies, id: Guid, changed: (owners: readonly Guid[]) => readonly Guid[]) => {
    await storeOf(deps).update(id, (object) => ({ ...object, owners: changed(object.owners) }));
    return noContent;
  };
  return [
    {
      id: `${name}_ListOwners`,
      method: 'GET',
      path: `/${set}/{id}/owners`,
      right: 'directory.read',
      handle: async (deps, request) => {
        const object = await required(deps, request);
        const value = await showObjects(deps, object.tenantId, object.owners);
        return listReply(request, directoryObjects, value, `/${set}/${object.objectId}/owners`);
      },
    },
    {
      id: `${name}_AddOwner`,
      method: 'POST',
      path: `/${set}/{id}/owners/$ref`,
      right,
      owners,
      handle: async (deps, request) => {
        const object = await required(deps, request);
        const ownerId = readReference(request);
        const found = await deps.directory.find(object.tenantId, ownerId);
        if (found === undefined) throw graphErrors.notFound(ownerId);
        if (found.kind !== 'user' && found.kind !== 'servicePrincipal')
          throw graphErrors.badRequest('The reference target is invalid for the property owners.');
        if (object.owners.includes(ownerId)) throw graphErrors.referenceExists('owners');
        if (object.owners.length >= ownersMax) throw graphErrors.quota();
        return change(deps, object.objectId, (before) => [...new Set([...before, ownerId])]);
      },
    },
    {
      id: `${name}_RemoveOwner`,
      method: 'DELETE',
      path: `/${set}/{id}/owners/{ownerId}/$ref`,
      right,
      owners,
      handle: async (deps, request) => {
        const object = await required(deps, request);
        const ownerId = parseGuid(request.params['ownerId'] ?? '');
        if (ownerId === undefined || !object.owners.includes(ownerId))
          throw graphErrors.notFound(request.params['ownerId'] ?? '');
        return change(deps, object.objectId, (before) => before.filter((one) => one !== ownerId));
      },
    },
  ];
}

export const ownerOperations: readonly GraphOperation[] = [
  ...ownerRows('applications', 'application.write', requireApplication, ({ directory }) => directory.applications),
  ...ownerRows(
    'servicePrincipals',
    'application.write',
    requirePrincipal,
    ({ directory }) => directory.principals.store,
  ),
  ...ownerRows('groups', 'group.write', requireGroup, ({ directory }) => directory.groups),
];
