import type { RoleChange } from '../../../authz/role-changes.ts';
import type { NamedPrincipal } from '../../../authz/role-changes.ts';
import { hasKustoRight, holdersOf } from '../../../authz/kusto-roles.ts';
import type { AuditCaller, RoleFacts } from '../../../audit/audit-event.ts';
import type { Guid } from '../../../base/guid.ts';
import type { DataPlaneCalls, RoleAnswer } from '../../messages/data-plane-calls.ts';
import { authorizeUploader } from './request-access.ts';
import type { AuthorizePorts } from './request-access.ts';

export interface RoleCommandPorts extends AuthorizePorts {
  readonly changeRoles: (
    clusterId: Guid,
    request: {
      readonly tenantId: Guid;
      readonly caller: AuditCaller;
      readonly requestId: Guid;
      readonly status?: RoleFacts['status'];
    },
    change: RoleChange,
  ) => Promise<
    | { readonly outcome: 'done'; readonly principals: readonly NamedPrincipal[] }
    | { readonly outcome: 'refused'; readonly message: string }
  >;
}

/** Carries out a command about a role. Who asks is found anew, and for a role of a database what they are there: the process of the cluster
 * decides about what it holds itself. */
export async function roleCommand(
  ports: RoleCommandPorts,
  clusterId: Guid,
  { caller: asking, requestId, status, change: sent }: DataPlaneCalls['role'],
): Promise<RoleAnswer> {
  const allowed = await authorizeUploader(ports, clusterId, asking);
  const caller = await ports.findCaller(asking.objectId, asking.tenantId, asking.isUser);
  if (allowed.outcome === 'refused') return refused(allowed.kind, allowed.message);
  if (caller === undefined) return refused('unauthorized', 'The principal of the request does not exist any more.');
  const { fqn } = allowed.caller;
  const database = allowed.databases.find(({ name }) => name.toLowerCase() === sent.database.toLowerCase())?.name;
  if (database === undefined) return refused('badRequest', 'The database does not exist any more.');
  if (sent.entity === undefined && !hasKustoRight(allowed, 'admin', database))
    return refused(
      'forbidden',
      `Principal '${fqn}' is not authorized to perform operation '${sent.command}' on database '${database}': it needs one of the roles ${holdersOf('admin')}.`,
    );
  const outcome = await ports.changeRoles(
    clusterId,
    {
      ...{ tenantId: caller.tenantId, requestId },
      ...(status === undefined ? {} : { status }),
      caller: {
        ...{ objectId: caller.objectId, tenantId: caller.tenantId, displayName: caller.displayName },
        ...(caller.appId === undefined ? {} : { appId: caller.appId }),
        ...(caller.user === undefined ? {} : { principalName: caller.user.principalName }),
      },
    },
    { ...sent, database },
  );
  if (outcome.outcome === 'refused') return refused('badRequest', outcome.message);
  const holders = (await ports.clusters.byId(clusterId))?.assignments ?? [];
  return { outcome: 'done', principals: outcome.principals, holders };
}

const refused = (
  kind: Extract<RoleAnswer, { outcome: 'refused' }>['kind'],
  message: string,
): Extract<RoleAnswer, { outcome: 'refused' }> => ({ outcome: 'refused', kind, message });
