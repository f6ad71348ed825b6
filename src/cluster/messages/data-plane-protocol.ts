import type { ClusterRole, DatabaseAccess, RoleHolder } from '../../authz/kusto-roles.ts';
import type { Guid } from '../../base/guid.ts';
import type { KustoErrorKind } from '../data-plane/errors/kusto-error.ts';

/** Who sent a request. */
export interface WireCaller {
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
  readonly caller: WireCaller;
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
  readonly kind: KustoErrorKind;
  readonly message: string;
  readonly challenge?: string;
}

/** What the data plane in a cluster process asks of its main process. */
export interface WireCalls {
  /** Who sends a request, and what they are here. */
  readonly authorize: { readonly authorization: string | undefined };
  /** A chunk of a result or an acknowledgement is about to go out after the lease that was known has ended. */
  readonly renew: Record<string, never>;
  readonly log: LogCall;
}

export interface LogCall {
  readonly method: 'event' | 'warning' | 'request' | 'failure';
  readonly name: string;
  readonly fields: Readonly<Record<string, string | number | boolean>>;
}

export interface WireReplies {
  readonly authorize: AllowedRequest | RefusedRequest;
  /** `leaseMs` 0: not now. */
  readonly renew: { readonly leaseMs: number };
  readonly log: null;
}

export type CallMain = <Call extends keyof WireCalls>(call: Call, body: WireCalls[Call]) => Promise<WireReplies[Call]>;
