import { Type } from '@sinclair/typebox';
import type { RouteRow } from '../http/route-rows.ts';
import * as shapes from './control-shapes.ts';
import { faultRuleSchema } from './faults.ts';
import { sentPrincipalsSchema } from './seeded-principals.ts';

const realClock = { RealClock: 409 };

/** The control API, in the order of its page: the app takes no other route, sessions get those that say so, and docs/api.md and
 * docs/openapi.json are made from it. */
export const controlRows: readonly RouteRow[] = [
  {
    ...{ method: 'GET', path: '/healthz', access: 'anybody', answer: shapes.healthShape },
    says: 'It runs.',
  },
  {
    ...{ method: 'GET', path: '/readyz', access: 'anybody', answer: shapes.readyShape },
    says: 'Everything that a start does is done, its seed too, the state answers within 2 s and takes writes, the clock of its database is that of this machine by 5 s, and where extents are kept answers, too; else status 503.',
  },
  {
    ...{ method: 'GET', path: '/metrics', access: 'token', mediaType: 'text/plain' },
    says: 'Requests, clusters, the cache of extents and the process, for Prometheus.',
  },
  {
    ...{ method: 'GET', path: '/status', access: 'session', answer: shapes.statusShape },
    says: 'Version, ports, clock, and hosts that programs asked for in vain.',
  },
  {
    ...{ method: 'GET', path: '/environment', access: 'token', answer: shapes.environmentShape },
    says: 'What clients need to come here, with the secrets that they sign in with.',
  },
  {
    ...{ method: 'GET', path: '/clock', access: 'session', answer: shapes.clockShape },
    says: 'The Kustody clock. With a state in PostgreSQL, that of the database, within `databaseErrorSeconds`.',
  },
  {
    ...{ method: 'POST', path: '/clock/advance', access: 'session', answer: shapes.clockShape },
    ...{ body: shapes.secondsShape, errors: { ...realClock, InvalidDuration: 400 } },
    says: 'Moves a virtual clock forward, at most 200 years.',
  },
  {
    ...{ method: 'POST', path: '/clock/freeze', access: 'session', answer: shapes.clockShape, errors: realClock },
    says: 'Stops a virtual clock.',
  },
  {
    ...{ method: 'POST', path: '/clock/resume', access: 'session', answer: shapes.clockShape, errors: realClock },
    says: 'Lets a virtual clock go on.',
  },
  {
    ...{ method: 'POST', path: '/clock/accept', access: 'session', answer: shapes.clockShape },
    errors: { ClockAhead: 409 },
    says: 'Takes a jump of the real clock as true: what was held because of it happens.',
  },
  {
    ...{
      method: 'GET',
      path: '/faults',
      access: 'session',
      answer: Type.Object({ faults: Type.Array(faultRuleSchema) }),
    },
    says: 'Faults that are switched on.',
  },
  {
    ...{ method: 'POST', path: '/faults', access: 'session', body: faultRuleSchema, answer: faultRuleSchema },
    errors: { InvalidFault: 400 },
    says: 'Switches one on. The answer is the rule as it is kept.',
  },
  {
    ...{ method: 'DELETE', path: '/faults', access: 'session' },
    answer: Type.Object({ faults: Type.Array(faultRuleSchema, { maxItems: 0 }) }),
    says: 'Switches all off.',
  },
  {
    ...{ method: 'POST', path: '/check-keys', access: 'session', answer: shapes.checkedKeysShape },
    says: 'All clusters ask for their keys now, and not when it is their time.',
  },
  {
    ...{ method: 'GET', path: '/clusters', access: 'session', answer: shapes.clustersShape },
    query: { contents: '`false`: without what each holds, for which a cluster at rest wakes up' },
    says: 'Every cluster with its key, its databases, tables and extents: counts and ids, never a row.',
  },
  {
    ...{ method: 'POST', path: '/clusters/:cluster/rewrap-copy', access: 'token', body: shapes.copiedWrapShape },
    ...{ answer: shapes.rewrappedCopyShape },
    errors: { InvalidCopy: 400, ClusterNotFound: 404, RewrapRefused: 409, KeyUnavailable: 409 },
    says: 'The wrapped key of a backup of a cluster, under the version of the key that the cluster has now.',
  },
  {
    ...{ method: 'POST', path: '/backup', access: 'token', status: 202, answer: shapes.backupShape },
    ...{
      body: shapes.backupAskedShape,
      errors: {
        InvalidBackup: 400,
        BackupRunning: 409,
        RootKeyRotating: 409,
        BackupNotBuilt: 409,
      },
    },
    says: 'Begins a backup of the instance, or of one cluster, as of one moment, into a directory of this machine.',
  },
  {
    ...{ method: 'GET', path: '/backup', access: 'token', answer: shapes.backupShape, errors: { NoBackup: 404 } },
    says: 'How far the backup is, or what came of it.',
  },
  {
    ...{ method: 'POST', path: '/root-key/rotate', access: 'token', status: 202, answer: shapes.rootKeyShape },
    errors: { RotationRunning: 409, RewrapRunning: 409, BackupRunning: 409 },
    says: 'Begins to seal every record of the state under another root key, or goes on with it. No key is sent: the server has both.',
  },
  {
    ...{ method: 'POST', path: '/root-key/rewrap', access: 'token', body: shapes.rewrapAskedShape },
    ...{
      answer: shapes.rewrappedRootKeyShape,
      errors: {
        ...{ InvalidKeyId: 400, RootKeyNotInVault: 409, OwnVault: 409, VaultNotNamed: 409 },
        ...{ OtherWrapper: 409, OtherRootKey: 409, KeyUnavailable: 409, WrappedMeanwhile: 409 },
        ...{ RotationRunning: 409, RootKeyRotating: 409, RewrapRunning: 409, BackupRunning: 409 },
      },
    },
    says: 'Lets the key version `kid` of a vault outside wrap the root key, instead of the one that has; with `oldKid` only if that one has. The root key stays. Both the same in the answer: it had done so already.',
  },
  {
    ...{ method: 'GET', path: '/root-key', access: 'token', answer: shapes.rootKeyShape },
    says: 'Which root key seals the state, by an id, and where it is kept; whether records are sealed under two, how far that is, or what came of it.',
  },
  {
    ...{ method: 'GET', path: '/root-key/wrapped', access: 'token', answer: shapes.wrappedRootKeyShape },
    says: 'The root key that seals the state, as the key version `kid` of a vault outside has wrapped it: no secret without the use of that. Nothing where no vault has.',
  },
  {
    ...{ method: 'GET', path: '/clusters/:cluster/extents/:extent', access: 'session' },
    mediaType: 'application/octet-stream',
    errors: { InvalidExtentId: 400, ClusterNotFound: 404, ExtentNotFound: 404, ClusterNotServing: 409 },
    says: 'The sealed bytes of an extent, as they lie at rest; `x-ms-meta-encryptiondata` says what opens them.',
  },
  {
    ...{ method: 'GET', path: '/vaults', access: 'session', answer: shapes.vaultsShape },
    says: 'Every vault with its keys and their versions, deleted ones included; hosts of vaults outside.',
  },
  {
    ...{ method: 'GET', path: '/audit/events', access: 'session', answer: shapes.eventsShape },
    query: {
      vault: 'of this vault',
      resource: 'of this resource, by its id',
      operation: 'of this operation',
      from: 'not before this time, ISO 8601',
      to: 'before this time, ISO 8601',
      after: 'with a greater number: `next` of the page before',
      last: 'so many of the newest instead, at most 1000',
    },
    errors: { InvalidTime: 400, InvalidNumber: 400 },
    says: "The audit log in Azure's schemas, the oldest first, at most 1000 at once.",
  },
  {
    ...{ method: 'POST', path: '/audit/check', access: 'session', status: 202, answer: shapes.auditCheckShape },
    ...{ body: shapes.knownPointShape, errors: { InvalidPoint: 400, CheckRunning: 409 } },
    says: 'Begins to verify the chain of the whole log, against a point that was noted before where one is given.',
  },
  {
    ...{ method: 'GET', path: '/audit/check', access: 'session', answer: shapes.auditCheckShape },
    errors: { NoCheck: 404 },
    says: 'How far the check is, or what it found.',
  },
  {
    ...{ method: 'GET', path: '/traffic', access: 'session', answer: shapes.trafficShape },
    query: {
      after: 'with a greater `sequence`; a `last` below it is that of a new process',
      host: 'to this host',
      failed: '`true`: with a status from 400 on, or broken off',
    },
    errors: { InvalidNumber: 400 },
    says: 'The last requests that planes answered, the oldest first.',
  },
  {
    ...{ method: 'POST', path: '/traffic/bodies', access: 'session', answer: shapes.recordingShape },
    ...{ body: shapes.recordingAskedShape, errors: { InvalidSpan: 400 } },
    says: 'Begins to keep bodies, without secrets, of the next `requests` (100) within `seconds` (300), in memory.',
  },
  {
    ...{ method: 'DELETE', path: '/traffic/bodies', access: 'session', answer: shapes.recordingShape },
    says: 'Ends that, and forgets the bodies that were kept.',
  },
  {
    ...{ method: 'GET', path: '/drill', access: 'session', answer: shapes.drillRunShape },
    says: 'The last drill of this process, as far as it is known.',
  },
  {
    ...{ method: 'POST', path: '/drill', access: 'session', status: 202, answer: shapes.drillRunShape },
    ...{ body: shapes.drillWaysShape, errors: { NoSuchWay: 400, DrillUnderWay: 409 } },
    says: 'Begins a drill, of all ways to lose a key or of some, in an instance of its own.',
  },
  {
    ...{ method: 'DELETE', path: '/drill', access: 'session', answer: shapes.drillRunShape },
    says: 'Ends the drill that is under way: what it made is taken away.',
  },
  {
    ...{ method: 'GET', path: '/drill/cells/:way/:cell', access: 'session', answer: shapes.drillCellShape },
    errors: { NoSuchCell: 404 },
    says: 'What came of one action, with its requests and answers.',
  },
  {
    ...{ method: 'GET', path: '/proof/key', access: 'session', answer: shapes.proofKeyShape },
    says: 'Who signs the proofs of this instance.',
  },
  {
    ...{ method: 'POST', path: '/proof/sign', access: 'token', answer: shapes.proofSignatureShape },
    ...{ body: shapes.digestShape, errors: { InvalidDigest: 400 } },
    says: 'Signs a document that the caller has made.',
  },
  {
    ...{ method: 'POST', path: '/proof/scan', access: 'session', answer: shapes.scanShape },
    ...{ body: shapes.canariesShape, errors: { InvalidCanaries: 400, ScanUnderWay: 429 } },
    says: 'Looks through every file of the data directory for texts of 6 to 256 bytes; ends when the client leaves.',
  },
  {
    ...{ method: 'GET', path: '/upgrade', access: 'token', answer: shapes.upgradeShape },
    says: 'The format that the state is written in, what finishing an upgrade would write, and which formats each node knows.',
  },
  {
    ...{ method: 'POST', path: '/upgrade/finish', access: 'token', answer: shapes.upgradeShape },
    errors: { NodesKnowLess: 409 },
    says: 'Writes the newest format that this node knows from now on, if all nodes that live know it: no older version serves the state then.',
  },
  {
    ...{ method: 'GET', path: '/upkeep', access: 'token', answer: shapes.upkeepShape },
    says: 'The room for opened extents, and what the upkeep of open clusters could not do.',
  },
  {
    ...{ method: 'POST', path: '/queued-ingestion/flush', access: 'token', answer: shapes.settledShape },
    errors: { ClusterNotServing: 409 },
    says: 'What waits in the queues of all clusters becomes rows now.',
  },
  {
    ...{ method: 'POST', path: '/snapshots', access: 'token', answer: shapes.idShape },
    errors: { SnapshotRefused: 409 },
    says: 'Takes a snapshot of the instance.',
  },
  {
    ...{ method: 'POST', path: '/snapshots/:id/restore', access: 'token', answer: shapes.idShape },
    errors: { SnapshotRefused: 409 },
    says: 'Goes back to it.',
  },
  {
    ...{ method: 'DELETE', path: '/snapshots/:id', access: 'token', answer: shapes.idShape },
    errors: { SnapshotRefused: 409 },
    says: 'Forgets it.',
  },
  {
    ...{ method: 'PUT', path: '/principals', access: 'token', body: sentPrincipalsSchema, answer: shapes.emptyShape },
    errors: { InvalidPrincipals: 400, TooManyPrincipals: 409 },
    says: 'Remembers how principals sign in that a seed has made.',
  },
  {
    ...{ method: 'POST', path: '/identity-endpoints', access: 'token', answer: shapes.endpointShape },
    body: shapes.endpointAskedShape,
    errors: {
      ...{ InvalidIdentity: 400, InvalidEndpointForm: 400, IdentityNotUserAssigned: 400, IdentityNotFound: 404 },
      ...{ IdentityAmbiguous: 409, TooManyIdentityEndpoints: 429 },
    },
    says: 'Opens an endpoint that gives tokens of a managed identity, as App Service, a virtual machine, AKS or Arc has it.',
  },
  {
    ...{ method: 'POST', path: '/identity-endpoints/:id/token', access: 'token', answer: shapes.workloadTokenShape },
    errors: { EndpointNotFound: 404 },
    says: 'A fresh token for the file of a program in AKS.',
  },
  {
    ...{ method: 'DELETE', path: '/identity-endpoints/:id', access: 'token', answer: shapes.idShape },
    says: 'Closes it.',
  },
  {
    ...{ method: 'POST', path: '/portal-links', access: 'token', answer: shapes.linkShape },
    says: 'A link that opens the portal once, within two minutes.',
  },
];
