import { parseGuid } from '../../base/guid.ts';
import type { Json, JsonObject } from '../../base/json.ts';
import type { RequiredResourceAccess } from '../principals/application.ts';
import { BodyReader } from './body.ts';
import { graphErrors } from './graph-error.ts';

const property = 'requiredResourceAccess';
/** @see Microsoft's reference of Graph, application: 50 resources, 400 permissions. */
const [resourcesMax, permissionsMax] = [50, 400];

/** What an application says that it will ask for: it is shown to those who consent, and gives nothing by itself.
 * @returns undefined where the body says nothing of it
 * @throws GraphError */
export function readRequiredAccess(body: BodyReader): readonly RequiredResourceAccess[] | undefined {
  const resources = body.list(property)?.map(readResource);
  const count = resources?.reduce((sum, { permissions }) => sum + permissions.length, 0) ?? 0;
  if ((resources?.length ?? 0) > resourcesMax || count > permissionsMax) throw graphErrors.objectTooLarge();
  return resources;
}

function readResource(item: Json): RequiredResourceAccess {
  const body = new BodyReader(item, 'RequiredResourceAccess');
  body.refuseOthers(['resourceAppId', 'resourceAccess'], []);
  const resourceAppId = parseGuid(body.text('resourceAppId') ?? '');
  if (resourceAppId === undefined) throw graphErrors.invalidValue(property, 'Application');
  return { resourceAppId, permissions: (body.list('resourceAccess') ?? []).map(readPermission) };
}

function readPermission(item: Json): RequiredResourceAccess['permissions'][number] {
  const body = new BodyReader(item, 'ResourceAccess');
  body.refuseOthers(['id', 'type'], []);
  const id = parseGuid(body.text('id') ?? '');
  const type = body.text('type');
  if (id === undefined || (type !== 'Scope' && type !== 'Role'))
    throw graphErrors.invalidValue(property, 'Application');
  return { id, type };
}

export const showRequiredAccess = ({ resourceAppId, permissions }: RequiredResourceAccess): JsonObject => ({
  resourceAppId,
  resourceAccess: permissions.map(({ id, type }) => ({ id, type })),
});
