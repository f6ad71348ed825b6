import type { Base64Url } from '../base/base64url.ts';
import { fromBase64Url } from '../base/base64url.ts';
import type { Guid } from '../base/guid.ts';
import { parseGuid } from '../base/guid.ts';
import type { Json, JsonObject } from '../base/json.ts';
import { isJsonObject } from '../base/json.ts';
import type { VersionedKeyId } from '../base/key-id.ts';
import { parseHostName, parseKeyName, parseKeyVersion } from '../base/names.ts';
import type { Moment } from '../clock/monotonic-clock.ts';
import { longAgo, parseMoment } from '../clock/monotonic-clock.ts';
import type { Table } from '../state/state.ts';
import type { ClusterKeyStatus, Custody, CustomerKey, Suspension } from './cluster-keys.ts';
import { keyCheckBytes } from './cluster-key.ts';
import type { KeyFailure, KeyFailureCause, KeyFailureKind } from './key-wrapper.ts';
import type { Lease, TwoClocks } from './lease.ts';

/** Everything about the key of one cluster, in one record: what ARM, the wire and the engine read is this. Record id: the cluster id. */
export interface ClusterKeyRecord {
  readonly format: 1;
  readonly clusterId: Guid;
  /** Counts cluster keys, from 1: a change of custody makes another one, and a change of the own key of a database. */
  readonly generation: number;
  readonly custody: Custody;
  /** The key version that wraps the cluster key. */
  readonly kid: VersionedKeyId;
  /** The cluster key, RSA-OAEP-256 under `kid`. */
  readonly wrapped: Base64Url;
  /** Tells the right cluster key from any other. */
  readonly check: Base64Url;
  readonly lease?: Lease;
  readonly suspension?: Suspension;
  readonly warning?: string;
  /** The cluster was stopped: nobody checks its key until it starts again. */
  readonly stopped: boolean;
  /** Set while a change of custody wraps the DEKs anew: nobody adds one meanwhile. `change` tells it from every other change. */
  readonly replacing?: { readonly since: Moment; readonly change?: Guid };
}

export const clusterKeyTable: Table<ClusterKeyRecord> = { name: 'cluster-keys', parse: parseClusterKeyRecord };

export function clusterKeyStatus(record: ClusterKeyRecord): ClusterKeyStatus {
  return {
    custody: record.custody,
    kid: record.kid,
    generation: record.generation,
    ...(record.suspension === undefined ? {} : { suspension: record.suspension }),
    ...warningOf(record.warning),
  };
}

/** The record without what checks have found out: lease, suspension, warning. */
export const bareRecord = (record: ClusterKeyRecord): Omit<ClusterKeyRecord, 'lease' | 'suspension' | 'warning'> => ({
  format: record.format,
  clusterId: record.clusterId,
  generation: record.generation,
  custody: record.custody,
  kid: record.kid,
  wrapped: record.wrapped,
  check: record.check,
  stopped: record.stopped,
  ...(record.replacing === undefined ? {} : { replacing: record.replacing }),
});

/** The record after the end of a change of custody, however it ended. */
export function withoutReplacing(record: ClusterKeyRecord): ClusterKeyRecord {
  const { format, clusterId, generation, custody, kid, wrapped, check, stopped, lease, suspension } = record;
  return {
    ...{ format, clusterId, generation, custody, kid, wrapped, check, stopped },
    ...(lease === undefined ? {} : { lease }),
    ...(suspension === undefined ? {} : { suspension }),
    ...warningOf(record.warning),
  };
}

export const warningOf = (warning: string | undefined): { readonly warning?: string } =>
  warning === undefined ? {} : { warning };

/** Whether two records name the same wrapped key, reached in the same way: what a vault said of one is true of the other. */
export function isSameWrap(left: ClusterKeyRecord, right: ClusterKeyRecord): boolean {
  return (
    left.wrapped === right.wrapped &&
    left.kid.vaultHost === right.kid.vaultHost &&
    left.kid.name === right.kid.name &&
    left.kid.version === right.kid.version &&
    customerIdentity(left.custody) === customerIdentity(right.custody)
  );
}

const customerIdentity = (custody: Custody): Guid | undefined =>
  custody.kind === 'customer' ? custody.key.identity : undefined;

/** @throws Error for a record that this version cannot have written */
export function parseClusterKeyRecord(value: Json): ClusterKeyRecord {
  const object = objectOf(value, 'record');
  if (object.format !== 1) throw new Error('The record of a cluster key was written by a newer Kustody.');
  const generation = numberOf(object.generation, 'generation');
  if (!Number.isSafeInteger(generation) || generation < 1) throw broken('generation');
  return {
    format: 1,
    clusterId: guidOf(object.clusterId, 'clusterId'),
    generation,
    custody: custodyOf(object.custody),
    kid: kidOf(object.kid),
    wrapped: bytesOf(object.wrapped, 'wrapped', [256, 384, 512]),
    check: bytesOf(object.check, 'check', [keyCheckBytes]),
    ...leaseOf(object.lease),
    ...(object.suspension === undefined ? {} : { suspension: suspensionOf(object.suspension) }),
    ...(object.warning === undefined ? {} : { warning: textOf(object.warning, 'warning') }),
    stopped: object.stopped === true,
    ...(object.replacing === undefined ? {} : { replacing: replacingOf(objectOf(object.replacing, 'replacing')) }),
  };
}

function replacingOf({ since, change }: JsonObject): NonNullable<ClusterKeyRecord['replacing']> {
  const known = typeof change === 'string' ? parseGuid(change) : undefined;
  return { since: parseMoment(since) ?? longAgo, ...(known === undefined ? {} : { change: known }) };
}

function custodyOf(value: Json | undefined): Custody {
  const object = objectOf(value, 'custody');
  if (object.kind === 'microsoftManaged') return { kind: 'microsoftManaged' };
  if (object.kind !== 'customer') throw broken('custody.kind');
  const key = objectOf(object.key, 'custody.key');
  const vaultHost = parseHostName(textOf(key.vaultHost, 'vaultHost'));
  const keyName = parseKeyName(textOf(key.keyName, 'keyName'));
  if (vaultHost === undefined || keyName === undefined) throw broken('custody.key');
  const customerKey: CustomerKey = {
    vaultUri: textOf(key.vaultUri, 'vaultUri'),
    vaultHost,
    keyName,
    ...(key.keyVersion === undefined ? {} : { keyVersion: versionOf(key.keyVersion) }),
    identity: guidOf(key.identity, 'identity'),
    ...(key.userIdentity === undefined ? {} : { userIdentity: textOf(key.userIdentity, 'userIdentity') }),
  };
  return { kind: 'customer', key: customerKey };
}

function kidOf(value: Json | undefined): VersionedKeyId {
  const object = objectOf(value, 'kid');
  const vaultHost = parseHostName(textOf(object.vaultHost, 'kid.vaultHost'));
  const name = parseKeyName(textOf(object.name, 'kid.name'));
  if (vaultHost === undefined || name === undefined) throw broken('kid');
  return { vaultHost, name, version: versionOf(object.version) };
}

function versionOf(value: Json | undefined): VersionedKeyId['version'] {
  const version = parseKeyVersion(textOf(value, 'version'));
  if (version === undefined) throw broken('version');
  return version;
}

/** A lease of an earlier version of Kustody has no real time: it has ended. */
function leaseOf(value: Json | undefined): { readonly lease?: Lease } {
  if (value === undefined) return {};
  const object = objectOf(value, 'lease');
  const unwrapped = twoClocksOf(object.unwrapped);
  const outage = object.outage === undefined ? undefined : objectOf(object.outage, 'lease.outage');
  const at = outage && twoClocksOf(outage.at);
  if (unwrapped === undefined || (outage !== undefined && at === undefined)) return {};
  return { lease: { unwrapped, ...(at === undefined ? {} : { outage: { at, failure: failureOf(outage?.failure) } }) } };
}

function suspensionOf(value: Json): Suspension {
  const object = objectOf(value, 'suspension');
  return {
    since: textOf(object.since, 'since'),
    failure: failureOf(object.failure),
    reason: textOf(object.reason, 'reason'),
  };
}

/** Kinds and causes are ours, sealed by us: their spelling is not checked again. */
function failureOf(value: Json | undefined): KeyFailure {
  const object = objectOf(value, 'failure');
  return {
    outcome: 'failed',
    kind: textOf(object.kind, 'failure.kind') as KeyFailureKind,
    cause: textOf(object.cause, 'failure.cause') as KeyFailureCause,
    ...(object.status === undefined ? {} : { status: numberOf(object.status, 'failure.status') }),
    message: textOf(object.message, 'failure.message'),
  };
}

function twoClocksOf(value: Json | undefined): TwoClocks | undefined {
  const object = objectOf(value, 'time');
  const real = parseMoment(object.real);
  return real && { kustody: numberOf(object.kustody, 'kustody time'), real };
}

function bytesOf(value: Json | undefined, what: string, lengths: readonly number[]): Base64Url {
  const text = textOf(value, what);
  const bytes = fromBase64Url(text);
  if (bytes === undefined || !lengths.includes(bytes.byteLength)) throw broken(what);
  return text as Base64Url;
}

function objectOf(value: Json | undefined, what: string): JsonObject {
  if (!isJsonObject(value)) throw broken(what);
  return value;
}

function textOf(value: Json | undefined, what: string): string {
  if (typeof value !== 'string' || value.length > 4000) throw broken(what);
  return value;
}

function numberOf(value: Json | undefined, what: string): number {
  if (typeof value !== 'number') throw broken(what);
  return value;
}

function guidOf(value: Json | undefined, what: string): Guid {
  const guid = parseGuid(textOf(value, what));
  if (guid === undefined) throw broken(what);
  return guid;
}

const broken = (what: string): Error => new Error(`The record of a cluster key is damaged: ${what}.`);
