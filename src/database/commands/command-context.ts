import type { ClusterRole, DatabaseAccess, DatabaseRole, RoleHolder } from '../../authz/kusto-roles.ts';
import type { FollowerChange, FollowerConfiguration } from '../../authz/follower-overrides.ts';
import type { NamedPrincipal, PrincipalChange } from '../../authz/role-changes.ts';
import type { QueryRequest, ScanCounts } from '../../kql/query-request.ts';
import type { Guid } from '../../base/guid.ts';
import type { RandomBytes } from '../../base/random.ts';
import type { Clock, Instant } from '../../clock/clock.ts';
import type { ExportPlaces } from '../exports/export-places.ts';
import type { SourceOf } from '../ingest/data-source.ts';
import type { ClusterIdentity } from '../catalog/managed-identity.ts';
import type { QueuedBlobs } from '../queued/queued-operations.ts';
import type { ClusterData } from '../cluster-data.ts';
import type { Barred } from './barred-tables.ts';
import type { QueryEngine } from '../../kql/query-engine.ts';

/** Everything a management command works with. */
export interface CommandContext extends CommandAccess {
  readonly data: ClusterData;
  readonly engine: QueryEngine;
  /** The database of the request; `NetDefaultDB` and the like for commands about the whole cluster. */
  readonly database: string;
  readonly cluster: ClusterFacts;
  readonly clock: Clock;
  readonly randomBytes: RandomBytes;
  readonly clientRequestId: string;
  readonly activityId: Guid;
  readonly signal?: AbortSignal | undefined;
  readonly requests: CommandRequests;
  /** Data elsewhere, by its address. Absent: there is none. */
  readonly sourceOf?: SourceOf;
  /** Absent: nobody knows the directory. */
  readonly roles?: RoleSettings;
  /** Absent: nothing. */
  readonly barred?: Barred;
  /** Of the queries in the command. Absent: nobody limits it. */
  readonly memoryBytes?: QueryRequest['memoryBytes'];
  /** The same. */
  readonly hotOnly?: QueryRequest['hotOnly'];
  readonly threadsPercent?: QueryRequest['threadsPercent'];
  /** Managed identities of the cluster. Absent: nobody knows them. */
  readonly identities?: () => Promise<readonly ClusterIdentity[]>;
  /** Storage of the user's that rows are written to. Absent: there is none. */
  readonly exports?: ExportPlaces;
  /** Absent: nobody asks with a token. */
  readonly followers?: FollowerSettings;
  /** Which of the cluster's two endpoints was called; on localhost both are one. */
  readonly endpoint?: 'engine' | 'ingestion';
  /** What is kept of answers to queries. Absent: nothing is. */
  readonly results?: ResultsCacheView;
  /** What streaming ingestion has done in the life of this process, newest first. Absent: nobody counts. */
  readonly streamed?: () => readonly StreamedBucket[];
  /** Where queued ingestion puts its data. Absent: nobody told. */
  readonly ingestion?: IngestionEndpoint;
  /** Keeps the work of an `async` command going after its answer; errors never come out of `work`. */
  readonly background: (work: () => Promise<void>) => void;
}

/** Who calls, what they are here, and what the resource manager says of the cluster. */
export interface CommandAccess {
  readonly caller: CommandCaller;
  readonly clusterRoles: readonly ClusterRole[];
  readonly databases: readonly DatabaseAccess[];
  /** Of other clusters, which this one follows: what is in them is asked there. */
  readonly followed?: readonly {
    readonly name: string;
    readonly databaseId: Guid;
    readonly roles: readonly DatabaseRole[];
  }[];
  readonly principals: readonly RoleHolder[];
  readonly streamingIngestEnabled: boolean;
  readonly purgeEnabled: boolean;
}

/** What commands see of the cache of results. */
export interface ResultsCacheView {
  /** Sizes in characters of rows. */
  statistics(databaseId: Guid): {
    readonly hits: number;
    readonly misses: number;
    readonly capacity: number;
    readonly used: number;
    readonly count: number;
  };
  /** @returns how many answers there were */
  clear(databaseId: Guid): number;
}

/** Requests of streaming ingestion that are alike and came soon after one another. */
export interface StreamedBucket {
  readonly database: string;
  readonly table: string;
  /** `aadapp={application id};{tenant id}` */
  readonly principal: string;
  /** A JSON object of ingestion properties. */
  readonly properties: string;
  readonly firstOn: Instant;
  readonly lastOn: Instant;
  readonly count: number;
  /** Milliseconds. */
  readonly durations: Summed;
  /** Bytes of data that was not compressed. */
  readonly sizes: Summed;
  readonly rows: Summed;
  /** Of the first one. Absent: they succeeded. */
  readonly failure?:
    | {
        readonly kind: 'Permanent' | 'Transient';
        readonly code: string;
        readonly details: string;
        readonly rootActivityId: Guid;
      }
    | undefined;
}

export interface Summed {
  readonly sum: number;
  readonly least: number;
  readonly most: number;
}

/** Where clients put data that is to be ingested, and what says that it was them. */
export interface IngestionEndpoint {
  /** Addresses with a signature, by what they are for. */
  resources(): Promise<readonly { readonly type: string; readonly root: string }[]>;
  /** Addresses of containers for results, signed for reading and writing. */
  exportContainers(): Promise<readonly string[]>;
  identityToken(): Promise<string>;
  /** Puts blobs of the user's into the queue, for the caller. Durable when it resolves. @throws DataError `PayloadTooLarge` */
  enqueue(blobs: QueuedBlobs): Promise<Guid>;
}

/** Who knows principals, keeps roles of databases, and records what becomes of roles. */
export interface RoleSettings {
  /** @param status of what changes here, a role on an entity or who is blocked: how far that is. Absent: a role of the database changes
   * @returns the principals that the command names, and all who have a role in the cluster or a database */
  change(
    change: PrincipalChange,
    status?: 'Started' | 'Succeeded' | 'Failed',
  ): Promise<{ readonly principals: readonly NamedPrincipal[]; readonly holders: readonly RoleHolder[] }>;
}

/** What a cluster has set for databases that it follows. */
export interface FollowerSettings {
  /** Of all that the caller administers, without names. */
  tell(databases: readonly string[]): Promise<readonly FollowerConfiguration[]>;
  change(database: string, change: FollowerChange): Promise<readonly FollowerConfiguration[]>;
}

export interface CommandCaller {
  readonly objectId: Guid;
  readonly tenantId: Guid;
  readonly displayName: string;
  /** `aadapp={application id};{tenant id}` */
  readonly fqn: string;
  /** What else it is known by. Absent: nothing. */
  readonly memberOf?: readonly string[];
}

export interface ClusterFacts {
  readonly name: string;
  /** `https://{name}.{region}.kusto.windows.net` */
  readonly uri: string;
  /** Version of Kustody: `1.2.3`. */
  readonly version: string;
  readonly builtAt: Instant;
  readonly startedAt: Instant;
}

/** Queries and commands under way in all processes of the cluster, and those that ended in the life of its own. */
export interface CommandRequests {
  /** @param principal whose alone; undefined: whoever has sent it @returns how many were cancelled */
  cancel(clientRequestId: string, principal?: string): Promise<number>;
  /** Newest first. Absent: nobody keeps what `.show queries` tells. */
  list?(): Promise<readonly RequestView[]>;
  /** What can be under way at the same time, by kind, in the cluster or in the workload group of the request. Absent: nobody counts. */
  capacity?(scope: 'cluster' | 'workloadgroup'): readonly CapacityView[];
  /** How many a workload group without a policy can have under way. Absent: nobody counts. */
  defaultRateLimit?(): number;
}

export interface CapacityView {
  /** As `.show capacity` names it: `ingestions`. */
  readonly resource: string;
  readonly total: number;
  readonly consumed: number;
  /** The policy that says so: `CapacityPolicy/Ingestion`. */
  readonly origin: string;
}

export interface EndedRequest {
  readonly on: Instant;
  readonly milliseconds: number;
  readonly state: 'Completed' | 'Failed' | 'Cancelled' | 'Throttled';
  /** Empty when there was none. */
  readonly failure: string;
  readonly usage?: RequestUsage;
  /** Milliseconds of processors, as far as they can be told apart. Absent: they were not measured. */
  readonly cpuMs?: number;
}

/** What a query has read, and what it has answered: bytes as they went out. */
export interface RequestUsage {
  readonly scanned: ScanCounts;
  readonly tables: readonly { readonly rows: number; readonly bytes: number }[];
}

export interface RequestView {
  readonly clientRequestId: string;
  readonly text: string;
  readonly database: string;
  readonly startedOn: Instant;
  readonly activityId: Guid;
  readonly principal: string;
  readonly user: string;
  readonly application: string;
  readonly kind: 'query' | 'command' | 'ingestion';
  /** That it was classified into. Absent: `default`. */
  readonly workloadGroup?: string;
  /** It was sent to another cluster, which follows this one. */
  readonly throughFollower?: true;
  /** Absent: it is under way. */
  readonly ended?: EndedRequest;
}
