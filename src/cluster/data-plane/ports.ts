import type { FastifyReply, FastifyRequest } from 'fastify';
import type { RandomBytes } from '../../base/random.ts';
import type { CommandContext } from '../../database/commands/command-context.ts';
import type { Instant } from '../../clock/clock.ts';
import type { TargetOf } from '../../database/exports/export-target.ts';
import type { SourceOf } from '../../database/ingest/data-source.ts';
import type { DataPlaneSettings } from '../messages/supervisor-calls.ts';
import type { Activity } from './activity.ts';
import type { FollowedClock } from './followed-clock.ts';
import type { ClusterHost } from './cluster-host.ts';
import type { LeaseWatch } from './cluster-session.ts';
import type { Log } from '../../http/logging.ts';
import type { StartTimer } from '../../http/timer.ts';
import type { ClassifiedRequests } from './requests/classify-request.ts';
import type { ResultsCache } from './answers/results-cache.ts';
import type { RunningRequests } from './requests/running-requests.ts';
import type { StreamingHistory } from './requests/streaming-history.ts';
import type { AllowedRequest, CallMain } from '../messages/data-plane-calls.ts';

/** What the routes of one cluster's data plane work with. */
export interface DataPlanePorts {
  readonly call: CallMain;
  readonly settings: DataPlaneSettings;
  readonly host: ClusterHost;
  readonly clock: FollowedClock;
  /** When this process began to serve, on the Kustody clock. */
  readonly startedAt: () => Instant;
  readonly lease: LeaseWatch;
  readonly running: RunningRequests;
  readonly results: ResultsCache;
  readonly streamed: StreamingHistory;
  readonly classified: ClassifiedRequests;
  readonly activity: Activity;
  readonly log: Log;
  /** Data elsewhere, by its address. */
  readonly sourceOf: SourceOf;
  /** Storage of the user's, by its address. */
  readonly targetOf: TargetOf;
  /** Something is in the queue of what is to be ingested. */
  readonly queued: () => void;
  readonly randomBytes: RandomBytes;
  readonly startTimer: StartTimer;
  readonly monotonicMs: () => number;
  readonly wallClock: () => number;
}

/** A request that has been let in. */
export interface AdmittedRequest {
  readonly access: AllowedRequest;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly endpoint: CommandContext['endpoint'];
  /** What the catalog says of the sender was held against the request. */
  readonly isCatalogRead: boolean;
  /** Of a process that only reads: all that was committed before the request is in use once it resolves, with whether it can be. */
  readonly isCurrent?: Promise<boolean>;
}
