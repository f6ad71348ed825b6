import type { PrincipalChange } from '../../../authz/role-changes.ts';
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
    change: PrincipalChange,
  ) => Promise<
    | { readonly outcome: 'done'; readonly principals: readonly NamedPrincipal[] }
    | { readonly outcome: 'refused'; readonly message: string }
  >;
}

/** Carries out a command about a role, or about who is blocked. Who asks is found anew, and for a role of a database what they are there: the
 * process of the cluster decides about what it holds itself. */
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
  const change = namedAsItIs(sent, allowed.databases);
  if (change === undefined) return refused('badRequest', 'The database does not exist any more.');
  if (!('scope' in change) && change.entity === undefined && !hasKustoRight(allowed, 'admin', change.database))
    return refused(
      'forbidden',
      `Principal '${fqn}' is not authorized to perform operation '${change.command}' on database '${change.database}': it needs one of the roles ${holdersOf('admin')}.`,
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
    change,
  );
  if (outcome.outcome === 'refused') return refused('badRequest', outcome.message);
  const holders = (await ports.clusters.byId(clusterId))?.assignments ?? [];
  return { outcome: 'done', principals: outcome.principals, holders };
}

/** With the name that its database has. @returns undefined where there is none */
function namedAsItIs(
  change: PrincipalChange,
  databases: readonly { readonly name: string }[],
): PrincipalChange | undefined {
  if ('scope' in change) return change;
  const database = databases.find(({ name }) => name.toLowerCase() === change.database.toLowerCase())?.name;
  return database === undefined ? undefined : { ...change, database };
}

const refused = (
  kind: Extract<RoleAnswer, { outcome: 'refused' }>['kind'],
  message: string,
): Extract<RoleAnswer, { outcome: 'refused' }> => ({ outcome: 'refused', kind, message });
