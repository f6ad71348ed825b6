import { Type } from '@sinclair/typebox';
import type { ClusterRole, DatabaseAccess, RoleHolder } from '../../authz/kusto-roles.ts';
import type { Guid } from '../../base/guid.ts';
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

/** What the main process says of one request: asked anew for each. */
export interface AllowedRequest {
  readonly outcome: 'allowed';
  readonly caller: RequestCaller;
  readonly clusterRoles: readonly ClusterRole[];
  readonly databases: readonly DatabaseAccess[];
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
const authorizeCall = object({ authorization: Type.Optional(Type.Union([Type.String(), Type.Undefined()])) });

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
  readonly log: LogCall;
}

/** @throws ProtocolError */
export const readDataPlaneCall = {
  authorize: reader('authorize', authorizeCall),
  renew: reader('renew', renewCall),
  log: reader('log', logCall),
};

export interface DataPlaneReplies {
  readonly authorize: AllowedRequest | RefusedRequest;
  /** `leaseMs` 0: not now. */
  readonly renew: { readonly leaseMs: number };
  readonly log: null;
}

export type CallMain = <Call extends keyof DataPlaneCalls>(
  call: Call,
  body: DataPlaneCalls[Call],
) => Promise<DataPlaneReplies[Call]>;
