import { Type } from '@sinclair/typebox';
import type {
  CachingModification,
  FollowerChange,
  FollowerConfiguration,
  HotSpans,
} from '../../authz/follower-overrides.ts';
import type { Sharing } from '../../authz/database-sharing.ts';
import type { MintToken } from '../../authz/caller.ts';
import type { ClusterRole, DatabaseAccess, DatabaseRole, RoleHolder } from '../../authz/kusto-roles.ts';
import { databaseRoles, entityKinds } from '../../authz/kusto-roles.ts';
import type { NamedPrincipal, PrincipalChange } from '../../authz/role-changes.ts';
import type { Guid } from '../../base/guid.ts';
import type { HostName } from '../../base/names.ts';
import type { ClusterIdentity } from '../../database/catalog/managed-identity.ts';
import type { OutwardHost } from '../../http/outward-host.ts';
import { seenBytesMax } from '../../http/shown-body.ts';
import type { CatalogChangesReply } from './catalog-changes.ts';
import { changesCall } from './catalog-changes.ts';
import type { ExportReply } from './exports.ts';
import { exportCall } from './exports.ts';
import type { Message } from './message.ts';
import type { CancelElsewhereCall, EndedElsewhereCall, ShownRequests } from './requests-elsewhere.ts';
import { guid, hostName, list, number, object, oneOf, reader, text } from './message.ts';

/** Who sent a request. */
export interface RequestCaller {
  readonly objectId: Guid;
  readonly tenantId: Guid;
  readonly displayName: string;
  /** `aadapp={application id};{tenant id}`, as commands show principals. */
  readonly fqn: string;
  /** Its groups, `aadgroup={object id};{tenant id}`, and a user's name, `aaduser={user principal name}`. */
  readonly memberOf: readonly string[];
}

/** What a cluster runs on in Azure, by its SKU: its limits are counted from it. */
export interface Machines {
  readonly coresPerNode: number;
  readonly nodes: number;
}

/** New blobs of a storage account become rows of a database. */
export interface BlobConnection {
  readonly connectionId: string;
  readonly databaseId: Guid;
  /** Of storage, by its name. */
  readonly account: string;
  /** The managed identity that reads it. */
  readonly identity: Guid;
  /** Milliseconds on the Kustody clock. */
  readonly createdOn: number;
  /** What was written earlier is none of its: milliseconds on the clock of the machine. */
  readonly since: number;
  readonly isMultiDatabase: boolean;
  /** What the metadata of a blob does not say. Absent: nobody has said. */
  readonly table?: string;
  readonly mapping?: string;
  readonly format?: string;
  readonly ignoreFirstRecord: boolean;
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

export interface CachingOverride {
  readonly kind: CachingModification;
  readonly database?: HotSpans;
  readonly tables: Readonly<Record<string, HotSpans>>;
}

/** What a follower has of a database. */
export interface SharedDatabase {
  /** In the follower. */
  readonly name: string;
  readonly databaseId: Guid;
  readonly sharing: Sharing;
  /** What the follower has set in place of the leader's caching policies, or beside them. */
  readonly caching: CachingOverride;
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
  /** Somebody has asked to see bodies of requests. */
  readonly wantsBodies?: true;
  /** To a process that only reads, which asked for it: as of the question, or later. */
  readonly catalog?: CatalogChangesReply;
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
  /** Of a process that only reads: what has changed since is told with the answer. */
  catalog: Type.Optional(changesCall),
});

/** A request is for a database that the cluster follows. */
const routeCall = object({ leaderId: guid });

const modification = oneOf(['Union', 'Replace', 'None']);

const followerChange = Type.Union([
  object({
    what: Type.Literal('principals'),
    action: oneOf(['add', 'drop']),
    role: oneOf(databaseRoles),
    principals: list(text(1_000), 200),
    notes: text(1_000),
  }),
  object({ what: oneOf(['principalsKind', 'cachingKind']), kind: modification }),
  object({
    what: Type.Literal('caching'),
    tables: list(text(1_024), 1_000),
    hot: Type.Union([Type.Null(), object({ rows: text(40), index: text(40) })]),
  }),
  object({ what: Type.Literal('prefetch'), on: Type.Boolean() }),
]);

/** Somebody asks what the follower has set for databases that it follows, or changes that of one. Without names: of all that the caller
 * administers. */
const followerCall = object({
  authorization: Type.Optional(Type.String()),
  databases: list(text(1_024), 1_000),
  change: Type.Optional(followerChange),
});

/** Which managed identities the cluster has. */
const identitiesCall = object({});

/** Which data connections of the cluster blobs come through. */
const connectionsCall = object({});

/** Storage of the user's is asked as one of them. */
const storageTokenCall = object({ identity: guid });

/** Storage of the user's is asked as the sender of a request, with the token that the request came with. `authorization`: the header's value. */
const impersonationCall = object({ authorization: Type.String() });

/** A chunk of a result or an acknowledgement is about to go out after the lease that was known has ended. */
const renewCall = object({});

/** A blob waits to be ingested that a principal has uploaded: what they are here now. */
const uploaderCall = object({ objectId: guid, tenantId: guid, isUser: Type.Boolean() });

/** A role, or who is blocked, is changed by a command of a principal. `status`: of what changes in the process, how far that is. */
const roleCall = object({
  caller: uploaderCall,
  requestId: guid,
  status: Type.Optional(oneOf(['Started', 'Succeeded', 'Failed'])),
  change: Type.Union([
    object({
      ...{ command: text(100), database: text(1_024) },
      entity: Type.Optional(object({ kind: oneOf(entityKinds), name: text(1_024) })),
      ...{ action: oneOf(['add', 'drop', 'set']), role: oneOf(databaseRoles) },
      ...{ principals: list(text(1_000), 200), notes: text(1_000) },
    }),
    object({
      ...{ command: text(100), scope: Type.Literal('cluster'), action: oneOf(['add', 'drop']) },
      principals: list(text(1_000), 1),
    }),
  ]),
});

/** A line of the log about a request. */
const requestLine = object({
  ...{ plane: oneOf(['kusto', 'storage']), method: text(100), route: text(4_000) },
  ...{ status: number, ms: number, requestId: guid, correlationId: guid },
  traceId: Type.Optional(text(32)),
  aborted: Type.Optional(Type.Literal(true)),
});

/** `…` for a character that is hidden makes it no longer than it was in bytes, but for escapes. */
const seenBody = object({ bytes: number, text: Type.Optional(text(4 * seenBytesMax)) });

/** What is seen of a request beside its line. */
const seenRequest = object({
  ...{ host: text(253), path: text(1_000) },
  ...{ clientRequestId: Type.Optional(text(128)), code: Type.Optional(text(128)), message: Type.Optional(text(501)) },
  ...{ callerId: Type.Optional(text(36)), appId: Type.Optional(text(36)) },
  bodies: Type.Optional(object({ request: Type.Optional(seenBody), answer: Type.Optional(seenBody) })),
});

/** Values that no line may have are left out, the rest of the line is written. */
const logFields = Type.Unsafe<Readonly<Record<string, unknown>>>(Type.Object({}));

/** Somebody names data on a host elsewhere. */
const outwardHostCall = object({ host: hostName, port: number });

const logCall = Type.Union([
  object({
    ...{ method: Type.Literal('request'), name: Type.Literal('request'), fields: requestLine },
    seen: Type.Optional(seenRequest),
  }),
  object({ method: oneOf(['event', 'warning', 'failure']), name: text(100), fields: logFields }),
]);

export type LogCall = Message<typeof logCall>;

/** What the data plane in a cluster process asks of its main process. */
export interface DataPlaneCalls {
  readonly authorize: Message<typeof authorizeCall>;
  readonly renew: Record<string, never>;
  readonly uploader: Message<typeof uploaderCall>;
  readonly route: Message<typeof routeCall>;
  readonly follower: {
    readonly authorization?: string;
    readonly databases: readonly string[];
    readonly change?: FollowerChange;
  };
  readonly role: {
    readonly caller: Message<typeof uploaderCall>;
    readonly requestId: Guid;
    readonly status?: 'Started' | 'Succeeded' | 'Failed';
    readonly change: PrincipalChange;
  };
  readonly identities: Record<string, never>;
  readonly connections: Record<string, never>;
  readonly storageToken: Message<typeof storageTokenCall>;
  readonly impersonation: Message<typeof impersonationCall>;
  readonly outwardHost: Message<typeof outwardHostCall>;
  readonly exported: Message<typeof exportCall>;
  readonly log: LogCall;
  readonly requestsElsewhere: Record<string, never>;
  readonly cancelElsewhere: CancelElsewhereCall;
  readonly endedElsewhere: EndedElsewhereCall;
}

/** @throws ProtocolError */
export const readDataPlaneCall = {
  authorize: reader('authorize', authorizeCall),
  renew: reader('renew', renewCall),
  uploader: reader('uploader', uploaderCall),
  route: reader('route', routeCall),
  follower: reader('follower', followerCall),
  role: reader('role', roleCall),
  identities: reader('identities', identitiesCall),
  connections: reader('connections', connectionsCall),
  storageToken: reader('storageToken', storageTokenCall),
  impersonation: reader('impersonation', impersonationCall),
  outwardHost: reader('outwardHost', outwardHostCall),
  exported: reader('exported', exportCall),
  log: reader('log', logCall),
};

export interface DataPlaneReplies {
  readonly authorize: AllowedRequest | RefusedRequest;
  /** `leaseMs` 0: not now. `now`: on the Kustody clock. */
  readonly renew: { readonly leaseMs: number; readonly now: number };
  readonly uploader: AllowedRequest | RefusedRequest;
  readonly route: LeaderRoute;
  readonly follower: FollowerAnswer;
  readonly role: RoleAnswer;
  readonly identities: readonly ClusterIdentity[];
  /** With all databases of the cluster. `now`: on the Kustody clock. */
  readonly connections: {
    readonly connections: readonly BlobConnection[];
    readonly databases: readonly DatabaseAccess[];
    readonly now: number;
  };
  readonly storageToken: Awaited<ReturnType<MintToken>>;
  readonly impersonation: Awaited<ReturnType<MintToken>>;
  readonly outwardHost: OutwardHost;
  readonly exported: ExportReply;
  readonly log: null;
  readonly requestsElsewhere: ShownRequests;
  /** How many were cancelled. */
  readonly cancelElsewhere: { readonly count: number };
  readonly endedElsewhere: null;
}

export type FollowerAnswer =
  | { readonly outcome: 'told'; readonly databases: readonly FollowerConfiguration[] }
  | { readonly outcome: 'refused'; readonly kind: RefusedRequest['kind'] | 'badRequest'; readonly message: string };

/** `principals`: those that the command names; `holders`: all of the cluster and its databases, as of now. */
export type RoleAnswer =
  | {
      readonly outcome: 'done';
      readonly principals: readonly NamedPrincipal[];
      readonly holders: readonly RoleHolder[];
    }
  | { readonly outcome: 'refused'; readonly kind: RefusedRequest['kind'] | 'badRequest'; readonly message: string };

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
