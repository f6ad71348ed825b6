import type { Caller } from '../authz/caller.ts';

/** Who made and last changed a resource; kept in the record and shown by providers that have it. */
export interface SystemData {
  readonly createdBy: string;
  readonly createdByType: 'Application' | 'User';
  /** ISO time on the Kustody clock. */
  readonly createdAt: string;
  readonly lastModifiedBy: string;
  readonly lastModifiedByType: 'Application' | 'User';
  readonly lastModifiedAt: string;
}

/** @param before of the resource as it was; undefined when it is being created
 * @param at ISO time */
export function systemData(caller: Caller, at: string, before?: SystemData): SystemData {
  const by = caller.user?.principalName ?? caller.appId ?? caller.objectId;
  const byType = caller.user === undefined ? 'Application' : 'User';
  return {
    createdBy: before?.createdBy ?? by,
    createdByType: before?.createdByType ?? byType,
    createdAt: before?.createdAt ?? at,
    lastModifiedBy: by,
    lastModifiedByType: byType,
    lastModifiedAt: at,
  };
}
