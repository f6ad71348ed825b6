import type { StateWrite, Versioned } from '../../state/state.ts';
import { writeRecord } from '../../state/state.ts';
import { parseGuid } from '../../base/guid.ts';
import { invariant } from '../../base/invariant.ts';
import { databaseResources } from './child-records.ts';
import type { AssignmentProperties, CommandRole, DatabaseResource } from './child-records.ts';

/** As if the resource manager had assigned it. */
export function asAssignment({ role, principalType, displayName, objectId, fqn }: CommandRole): AssignmentProperties {
  const [id, tenantId] = (/=([^;]+);(.*)$/.exec(fqn) ?? []).slice(1).map((text) => parseGuid(text));
  invariant(id !== undefined && tenantId !== undefined, 'a principal that was found has an id and a tenant');
  return {
    ...{ format: 1, principalId: id, principalType, role, tenantId, tenantName: '', principalName: displayName },
    aadObjectId: objectId,
    ...(principalType === 'App' ? { appId: id } : {}),
  };
}

export const isSameRole = (one: CommandRole, other: AssignmentProperties): boolean =>
  one.objectId === other.aadObjectId && one.role === other.role;

export function writeRoles(found: Versioned<DatabaseResource>, roles: readonly CommandRole[]): StateWrite {
  const next = { ...found.value, properties: { ...found.value.properties, roles } };
  return writeRecord(databaseResources, found.id, found.version, next);
}

/** For the commit of a change to assignments of a database: who loses a role there, or has it by an assignment from now on, has it by no
 * command any more. */
export function dropCommandRoles(
  database: Versioned<DatabaseResource> | undefined,
  assignments: readonly AssignmentProperties[],
): readonly StateWrite[] {
  const held = database?.value.properties.roles ?? [];
  const left = held.filter((one) => !assignments.some((other) => isSameRole(one, other)));
  return database === undefined || left.length === held.length ? [] : [writeRoles(database, left)];
}
