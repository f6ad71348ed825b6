import type { Guid } from '../../base/guid.ts';
import { parseGuid } from '../../base/guid.ts';
import type { Json } from '../../base/json.ts';
import { isJsonObject } from '../../base/json.ts';
import type { VersionedKeyId } from '../../base/key-id.ts';
import { parseKeyId } from '../../base/key-id.ts';
import type { HostName, KeyName } from '../../base/names.ts';
import { parseHostName } from '../../base/names.ts';
import type { CustomerKey, KeyPreflight } from '../../encryption/cluster-keys.ts';
import type { KeyDescription, KeyFailure, KeyFailureCause, KeyFailureKind } from '../../encryption/key-wrapper.ts';
import type { KeyTarget, WrappedClusterKey } from '../../encryption/rotation.ts';
import type { BlobPlace } from '../../storage/blob-place.ts';
import type { ExtentCall, ExtentReply, InventoryCall, InventoryReply } from './inventory-protocol.ts';
import { extentReplyOf, inventoryReplyOf } from './inventory-protocol.ts';
import type { Fields } from './message-fields.ts';
import type { TokenTarget } from '../process/vault-key-wrapper.ts';
import { numberOf, objectOf, outcomeOf, ProtocolError, textOf } from './message-fields.ts';
import type { Edge } from '../process/host-route.ts';
import type { RestReply } from './rest-protocol.ts';
import { restReplyOf } from './rest-protocol.ts';
import type { UpkeepReply } from './upkeep-protocol.ts';
import { upkeepReplyOf } from './upkeep-protocol.ts';

/** What the supervisor asks of a cluster process. Key bytes never appear here: only wrapped ones and check values. */
export interface SupervisorCalls {
  /** Always first. Without a cluster the process keeps no keys and only asks vaults. */
  readonly configure: {
    readonly clusterId: Guid | undefined;
    /** It answers `open` and `rewrap` for any cluster and forgets the key with the answer; it never becomes the process of one. */
    readonly visitsKeys: boolean;
    readonly edge: Edge;
    readonly vaultTimeoutMs: number;
    /** Where sealed extents are kept; undefined: this server has no place for data. */
    readonly blobs: BlobPlace | undefined;
  };
  readonly describe: {
    readonly identity: Guid;
    readonly key: { readonly vaultHost: HostName; readonly name: KeyName; readonly version?: string };
  };
  readonly preflight: { readonly key: CustomerKey; readonly region: string; readonly nowSeconds: number };
  /** Unwraps the recorded key and keeps it as `generation`. */
  readonly open: { readonly current: WrappedClusterKey; readonly generation: number };
  /** Makes a key; kept aside until `adopt`. */
  readonly make: { readonly target: KeyTarget };
  readonly rewrap: { readonly current: WrappedClusterKey; readonly target: KeyTarget };
  /** `change` goes with everything that is written for it. */
  readonly replace: { readonly current: WrappedClusterKey; readonly target: KeyTarget; readonly change: Guid };
  /** The change is committed: the key kept aside, known by its check value, is the cluster's now. */
  readonly adopt: { readonly generation: number; readonly check: Uint8Array };
  /** The change was given up: the key kept aside is wiped. */
  readonly forget: { readonly check: Uint8Array };
  /** Opens the data plane of the cluster; connections are handed over afterwards. Once per process. */
  readonly serveData: DataPlaneSettings;
  /** Takes connections to `localhost` besides. Once per process, and only in that of the cluster that has this name. */
  readonly serveLocalhost: LocalhostSettings;
  /** What the cluster holds, without any row. Its data plane is open. */
  readonly inventory: InventoryCall;
  /** Where an extent lies, and what opens it for whoever has the key. */
  readonly findExtent: ExtentCall;
  /** From time to time: databases that were deleted go, and merging and expiring goes on, behind the answer. */
  readonly upkeep: {
    readonly now: number;
    readonly dropped: readonly Guid[];
    /** Nothing goes for its age: the clock is doubtful. */
    readonly destructionHeld: boolean;
    /** What the resource manager knows: the data is opened when it is not. */
    readonly open?: InventoryCall['databases'];
  };
  /** Whether the process may go, because nobody has needed it for so long. */
  readonly rest: { readonly idleMs: number };
  /** The stored data was put back to an earlier state, with the Kustody clock. */
  readonly putBack: { readonly now: number };
  readonly databaseBytes: { readonly databaseId: Guid };
  /** Tells whoever waits for an answer why there will be none; no row goes out any more. The process is ended then. */
  readonly farewell: Farewell;
}

/** Why a cluster ends to serve. */
export type Farewell = { readonly kind: 'suspended'; readonly reason: string } | { readonly kind: 'stopped' };

export interface LocalhostSettings {
  /** A leaf for localhost and the loopback addresses, with its chain and key. */
  readonly chainPem: string;
  readonly privateKeyPem: string;
  /** @see DataPlaneSettings */
  readonly listenPath: string;
}

export interface DataPlaneSettings {
  readonly clusterName: string;
  /** The engine's name and the one with `ingest-`. */
  readonly hosts: readonly HostName[];
  /** A leaf for exactly these names, with its chain and key. */
  readonly chainPem: string;
  readonly privateKeyPem: string;
  /** Where the process listens besides, since only a listening server watches its timeouts: an abstract Unix socket. */
  readonly listenPath: string;
  /** `dist/kql-process.js`. */
  readonly parserScript: string;
  /** The user's directory for start-up snapshots of the parser; undefined: there are none. */
  readonly parserSnapshots: string | undefined;
  /** Where the user's database of places lies, absolute; undefined: there is none. */
  readonly geoipDatabase: string | undefined;
  /** On a tmpfs: where extents lie opened. Undefined: `/dev/shm`. */
  readonly memoryDirectory: string | undefined;
  /** Of Kustody; the time of its build in ticks. */
  readonly version: { readonly version: string; readonly builtAt: bigint };
}

/** A write of the cluster's own tables, as the process asks for it; the table by name. */
export interface RemoteWrite {
  readonly table: string;
  readonly id: string;
  readonly expect: number | null;
  readonly put: Json;
}

export interface NewWrap {
  readonly wrapped: Uint8Array;
  readonly check: Uint8Array;
}

export interface SupervisorReplies {
  readonly configure: { readonly outcome: 'ready' };
  readonly describe: { readonly outcome: 'described'; readonly key: KeyDescription } | KeyFailure;
  readonly preflight: KeyPreflight;
  readonly open: { readonly outcome: 'opened' } | KeyFailure;
  readonly make: ({ readonly outcome: 'made'; readonly write: readonly RemoteWrite[] } & NewWrap) | KeyFailure;
  readonly rewrap: ({ readonly outcome: 'rewrapped' } & NewWrap) | Lost | KeyFailure;
  readonly replace:
    | ({ readonly outcome: 'replaced'; readonly write: readonly RemoteWrite[] } & NewWrap)
    | Lost
    /** That change is not under way any more. */
    | { readonly outcome: 'ended' }
    | KeyFailure;
  /** `absent`: there is no such key here (any more); the process holds none until the next `open`. */
  readonly adopt: { readonly outcome: 'adopted' | 'absent' };
  readonly forget: { readonly outcome: 'done' };
  readonly serveData: { readonly outcome: 'listening' };
  readonly serveLocalhost: { readonly outcome: 'listening' };
  readonly inventory: InventoryReply;
  readonly findExtent: ExtentReply;
  /** `notOpen`: nobody has needed the data yet. */
  readonly upkeep: UpkeepReply;
  readonly rest: RestReply;
  readonly putBack: { readonly outcome: 'done' };
  readonly databaseBytes: { readonly outcome: 'known'; readonly bytes: number } | { readonly outcome: 'notOpen' };
  readonly farewell: { readonly outcome: 'told' };
}

interface Lost {
  readonly outcome: 'currentKeyLost';
  readonly failure: KeyFailure;
}

export type SupervisorCall = keyof SupervisorCalls;

/** What a cluster process asks of its supervisor. */
export interface ProcessCalls {
  readonly resolve: { readonly host: HostName };
  readonly token: { readonly identity: Guid; readonly host: HostName } & TokenTarget;
}

/** Reads what a process answers: the supervisor believes no process blindly. @throws ProtocolError */
export const replyParsers: { readonly [Call in SupervisorCall]: (value: unknown) => SupervisorReplies[Call] } = {
  configure: (value) => ({ outcome: outcomeOf(value, 'ready') }),
  describe: (value) => {
    const reply = objectOf(value);
    if (reply.outcome === 'failed') return failureOf(reply);
    return { outcome: outcomeOf(reply, 'described'), key: descriptionOf(reply.key) };
  },
  preflight: preflightOf,
  open: (value) => {
    const reply = objectOf(value);
    return reply.outcome === 'failed' ? failureOf(reply) : { outcome: outcomeOf(reply, 'opened') };
  },
  make: (value) => {
    const reply = objectOf(value);
    if (reply.outcome === 'failed') return failureOf(reply);
    return { outcome: outcomeOf(reply, 'made'), ...newWrapOf(reply), write: writesOf(reply.write) };
  },
  rewrap: (value) => {
    const reply = objectOf(value);
    if (reply.outcome === 'failed') return failureOf(reply);
    if (reply.outcome === 'currentKeyLost') return { outcome: 'currentKeyLost', failure: failureOf(reply.failure) };
    return { outcome: outcomeOf(reply, 'rewrapped'), ...newWrapOf(reply) };
  },
  replace: (value) => {
    const reply = objectOf(value);
    if (reply.outcome === 'failed') return failureOf(reply);
    if (reply.outcome === 'currentKeyLost') return { outcome: 'currentKeyLost', failure: failureOf(reply.failure) };
    if (reply.outcome === 'ended') return { outcome: 'ended' };
    return { outcome: outcomeOf(reply, 'replaced'), ...newWrapOf(reply), write: writesOf(reply.write) };
  },
  adopt: (value) => ({ outcome: objectOf(value).outcome === 'adopted' ? 'adopted' : outcomeOf(value, 'absent') }),
  forget: (value) => ({ outcome: outcomeOf(value, 'done') }),
  serveData: (value) => ({ outcome: outcomeOf(value, 'listening') }),
  serveLocalhost: (value) => ({ outcome: outcomeOf(value, 'listening') }),
  inventory: inventoryReplyOf,
  findExtent: extentReplyOf,
  upkeep: upkeepReplyOf,
  rest: restReplyOf,
  putBack: (value) => ({ outcome: outcomeOf(value, 'done') }),
  farewell: (value) => ({ outcome: outcomeOf(value, 'told') }),
  databaseBytes: (value) => {
    const reply = objectOf(value);
    return reply.outcome === 'notOpen'
      ? { outcome: 'notOpen' }
      : { outcome: outcomeOf(reply, 'known'), bytes: numberOf(reply.bytes) };
  },
};

export const processCallParsers: { readonly [Call in keyof ProcessCalls]: (value: unknown) => ProcessCalls[Call] } = {
  resolve: (value) => ({ host: hostOf(objectOf(value).host) }),
  token: (value) => {
    const call = objectOf(value);
    const identity = parseGuid(textOf(call.identity, 36));
    if (identity === undefined) throw new ProtocolError('identity');
    const authority = call.authority === undefined ? undefined : textOf(call.authority, 300);
    return { identity, host: hostOf(call.host), audience: textOf(call.audience, 300), authority };
  },
};

function hostOf(value: unknown): HostName {
  const host = parseHostName(textOf(value, 253));
  if (host === undefined) throw new ProtocolError('host');
  return host;
}

function bytesOf(value: unknown, lengths: readonly number[]): Uint8Array {
  if (!(value instanceof Uint8Array) || !lengths.includes(value.byteLength)) throw new ProtocolError('bytes');
  return value;
}

const newWrapOf = (reply: Fields): NewWrap => ({
  wrapped: bytesOf(reply.wrapped, [256, 384, 512]),
  check: bytesOf(reply.check, [16]),
});

const kinds: readonly KeyFailureKind[] = ['refusal', 'outage', 'integrity'];

function failureOf(value: unknown): KeyFailure {
  const failure = objectOf(value);
  const kind = kinds.find((known) => known === failure.kind);
  if (failure.outcome !== 'failed' || kind === undefined) throw new ProtocolError('failure');
  return {
    outcome: 'failed',
    kind,
    cause: textOf(failure.cause, 40) as KeyFailureCause,
    ...(failure.status === undefined ? {} : { status: numberOf(failure.status) }),
    message: textOf(failure.message, 1000),
    ...(failure.region === undefined ? {} : { region: textOf(failure.region, 100) }),
  };
}

function versionedKidOf(value: unknown): VersionedKeyId {
  const kid = objectOf(value);
  const text = `https://${textOf(kid.vaultHost, 253)}/keys/${textOf(kid.name, 127)}/${textOf(kid.version, 32)}`;
  const key = parseKeyId(text);
  if (key?.version === undefined) throw new ProtocolError('kid');
  return { ...key, version: key.version };
}

function descriptionOf(value: unknown): KeyDescription {
  const key = objectOf(value);
  const operations: unknown = key.keyOperations;
  if (!Array.isArray(operations) || operations.length > 32) throw new ProtocolError('key_ops');
  return {
    kid: versionedKidOf(key.kid),
    keyType: textOf(key.keyType, 40),
    ...(key.bits === undefined ? {} : { bits: numberOf(key.bits) }),
    enabled: key.enabled === true,
    ...(key.notBefore === undefined ? {} : { notBefore: numberOf(key.notBefore) }),
    ...(key.expires === undefined ? {} : { expires: numberOf(key.expires) }),
    keyOperations: operations.map((operation) => textOf(operation, 40)),
    recoveryLevel: textOf(key.recoveryLevel, 100),
    ...(key.region === undefined ? {} : { region: textOf(key.region, 100) }),
  };
}

const operations = ['get', 'wrapKey', 'unwrapKey'] as const;
const reasons = ['disabled', 'expired', 'notYetValid'] as const;

function preflightOf(value: unknown): KeyPreflight {
  const reply = objectOf(value);
  switch (reply.outcome) {
    case 'usable':
      return { outcome: 'usable', key: descriptionOf(reply.key) };
    case 'vaultNotFound': {
      const found = reply.found === undefined ? {} : { found: textOf(reply.found, 100) };
      return { outcome: 'vaultNotFound', why: reply.why === 'otherRegion' ? 'otherRegion' : 'noSuchHost', ...found };
    }
    case 'noAccess': {
      const operation = operations.find((known) => known === reply.operation);
      if (operation === undefined) throw new ProtocolError('operation');
      return { outcome: 'noAccess', operation, failure: failureOf(reply.failure) };
    }
    case 'keyNotFound':
    case 'unavailable':
      return { outcome: reply.outcome, failure: failureOf(reply.failure) };
    case 'softDeleteOff':
    case 'purgeProtectionOff':
      return { outcome: reply.outcome };
    case 'wrongType':
      return { outcome: 'wrongType', found: textOf(reply.found, 100) };
    case 'notUsableNow': {
      const why = reasons.find((known) => known === reply.why);
      if (why === undefined) throw new ProtocolError('why');
      return { outcome: 'notUsableNow', why, ...(reply.at === undefined ? {} : { at: numberOf(reply.at) }) };
    }
    default:
      throw new ProtocolError('preflight');
  }
}

const writesMax = 200_000;

function writesOf(value: unknown): readonly RemoteWrite[] {
  if (!Array.isArray(value) || value.length > writesMax) throw new ProtocolError('writes');
  return value.map((item: unknown) => {
    const write = objectOf(item);
    const put = write.put;
    if (put !== null && !isJsonObject(put)) throw new ProtocolError('write');
    const expect = write.expect === null ? null : numberOf(write.expect);
    return { table: textOf(write.table, 100), id: textOf(write.id, 400), expect, put };
  });
}
