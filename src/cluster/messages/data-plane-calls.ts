import { Type } from '@sinclair/typebox';
import type { Sharing } from '../../authz/database-sharing.ts';
import type { ClusterRole, DatabaseAccess, DatabaseRole, RoleHolder } from '../../authz/kusto-roles.ts';
import type { Guid } from '../../base/guid.ts';
import type { HostName } from '../../base/names.ts';
import type { Message } from './message.ts';
import { guid, number, object, oneOf, reader, text } from './message.ts';

/** Who sent a request. */
export interface RequestCaller {
  readonly objectId: Guid;
  readonly tenantId: Guid;
  readonly displayName: string;
  /** `aadapp={application id};{tenant id}`, as commands show principals. */
  readonly fqn: string;
}

/** What a cluster runs on in Azure, by its SKU: its limits are counted from it. */
export interface Machines {
  readonly coresPerNode: number;
  readonly nodes: number;
}

/** A database of another cluster that a cluster follows. */
export interface FollowedAccess {
  /** In the follower. */
  readonly name: string;
  readonly databaseId: Guid;
  readonly leaderId: Guid;
  /** Everything that the principal is there: its roles in the follower as a whole are among them. */
  readonly roles: readonly DatabaseRole[];
}

/** What a follower has of a database. */
export interface SharedDatabase {
  /** In the follower. */
  readonly name: string;
  readonly databaseId: Guid;
  readonly sharing: Sharing;
}

/** What of a cluster a request may see that comes through one of its followers. */
export interface FollowerScope {
  /** The follower's name. */
  readonly cluster: string;
  readonly databases: readonly SharedDatabase[];
  /** What else is in the follower for the caller: no query spans both. */
  readonly others: readonly string[];
  /** All databases of the cluster itself, as the resource manager knows them. */
  readonly known: readonly Omit<DatabaseAccess, 'roles'>[];
}

/** What the main process says of one request: asked anew for each. */
export interface AllowedRequest {
  readonly outcome: 'allowed';
  readonly caller: RequestCaller;
  readonly clusterRoles: readonly ClusterRole[];
  readonly databases: readonly DatabaseAccess[];
  /** What the cluster follows of others. */
  readonly followed?: readonly FollowedAccess[];
  /** The request comes through a follower, and `databases` are those that it follows. */
  readonly following?: FollowerScope;
  /** All assignments, for those who may see them. */
  readonly principals: readonly RoleHolder[];
  readonly streamingIngestEnabled: boolean;
  readonly purgeEnabled: boolean;
  readonly machines: Machines;
  /** Milliseconds since 1970 on the Kustody clock. */
  readonly now: number;
  /** Milliseconds for which the cluster may use its key, if nothing happens. */
  readonly leaseMs: number;
}

export interface RefusedRequest {
  readonly outcome: 'refused';
  /** A row of the data plane's errors. */
  readonly kind: 'unauthorized' | 'forbidden' | 'damaged' | 'unavailable';
  readonly message: string;
  readonly challenge?: string;
}

/** Who sends a request, and what they are here. `authorization`: the header's value. */
const authorizeCall = object({
  authorization: Type.Optional(Type.Union([Type.String(), Type.Undefined()])),
  /** From the follower that the request comes through. */
  ticket: Type.Optional(text(100)),
});

/** A request is for a database that the cluster follows. */
const routeCall = object({ leaderId: guid });

/** A chunk of a result or an acknowledgement is about to go out after the lease that was known has ended. */
const renewCall = object({});

/** A line of the log about a request. */
const requestLine = object({
  ...{ plane: Type.Literal('kusto'), method: text(100), route: text(4_000) },
  ...{ status: number, ms: number, requestId: guid, correlationId: guid },
  aborted: Type.Optional(Type.Literal(true)),
});

/** Values that no line may have are left out, the rest of the line is written. */
const logFields = Type.Unsafe<Readonly<Record<string, unknown>>>(Type.Object({}));

const logCall = Type.Union([
  object({ method: Type.Literal('request'), name: Type.Literal('request'), fields: requestLine }),
  object({ method: oneOf(['event', 'warning', 'failure']), name: text(100), fields: logFields }),
]);

export type LogCall = Message<typeof logCall>;

/** What the data plane in a cluster process asks of its main process. */
export interface DataPlaneCalls {
  readonly authorize: Message<typeof authorizeCall>;
  readonly renew: Record<string, never>;
  readonly route: Message<typeof routeCall>;
  readonly log: LogCall;
}

/** @throws ProtocolError */
export const readDataPlaneCall = {
  authorize: reader('authorize', authorizeCall),
  renew: reader('renew', renewCall),
  route: reader('route', routeCall),
  log: reader('log', logCall),
};

export interface DataPlaneReplies {
  readonly authorize: AllowedRequest | RefusedRequest;
  /** `leaseMs` 0: not now. */
  readonly renew: { readonly leaseMs: number };
  readonly route: LeaderRoute;
  readonly log: null;
}

/** The way to the process of a leader. */
export type LeaderRoute =
  | {
      readonly outcome: 'routed';
      readonly listenPath: string;
      readonly host: HostName;
      /** What the certificate of that process is checked against. */
      readonly rootPem: string;
      /** For one request. */
      readonly ticket: string;
    }
  | { readonly outcome: 'refused'; readonly message: string };

export type CallMain = <Call extends keyof DataPlaneCalls>(
  call: Call,
  body: DataPlaneCalls[Call],
) => Promise<DataPlaneReplies[Call]>;
