import type { ArrayOptions, TSchema } from '@sinclair/typebox';
import { Type } from '@sinclair/typebox';
import { longestRecording } from '../http/body-recording.ts';

/** What the control API answers. Times are ISO 8601 on the Kustody clock. */
const text = Type.String();
const whole = Type.Integer({ minimum: 0 });
const number = Type.Number();
const flag = Type.Boolean();
const guid = Type.String({ format: 'uuid' });
const time = Type.String({ format: 'date-time' });
const maybe = <T extends TSchema>(schema: T) => Type.Optional(schema);
const list = <T extends TSchema>(items: T, options: ArrayOptions = {}) => Type.Array(items, options);
const shape = (members: Record<string, TSchema>) => Type.Object(members, { additionalProperties: false });
const oneOf = (...values: readonly string[]) => Type.Union(values.map((value) => Type.Literal(value)));

export const clockShape = shape({
  ...{ now: time, virtual: flag, frozen: flag, aheadSeconds: number, unaccountedSeconds: number },
  // With a state in PostgreSQL: how far its clock may be from what is taken for it.
  databaseErrorSeconds: maybe(number),
  heldJump: maybe(shape({ from: time, to: time })),
});

export const statusShape = shape({
  ...{ version: text, pid: whole, port: whole, proxyPort: whole, kustoPort: whole, clock: clockShape },
  state: maybe(shape({ address: text, keeps: text, failover: text })),
  blobs: maybe(shape({ address: text })),
  refusedHosts: list(shape({ host: text, why: oneOf('foreign', 'absent'), times: whole })),
});

export const upgradeShape = shape({
  ...{ written: whole, newest: whole, pending: list(shape({ format: whole, says: text })), refusal: maybe(text) },
  nodes: list(
    shape({
      ...{ id: maybe(guid), host: text, version: text, oldest: whole, newest: whole },
      ...{ serves: flag, live: flag, silentMs: whole },
    }),
  ),
});

const keyOf = {
  ...{ kid: text, outsideVault: flag, followsLatest: flag, generation: whole, unwrappedOn: maybe(time) },
  suspension: maybe(shape({ since: time, reason: text })),
  warning: maybe(text),
};

const extent = shape({
  ...{ extentId: guid, dekId: guid, rowCount: whole, sealedBytes: whole },
  // Milliseconds on the Kustody clock.
  ...{ minCreatedOn: number, maxCreatedOn: number },
});

export const clustersShape = shape({
  clusters: list(
    shape({
      ...{ clusterId: guid, resourceId: text, name: text, host: maybe(text), databaseNames: list(text), state: text },
      ...{ custody: oneOf('microsoftManaged', 'customer'), ...keyOf },
      databaseKeys: maybe(list(shape({ databaseId: guid, name: text, ...keyOf }))),
      databases: maybe(
        list(shape({ name: text, tables: list(shape({ name: text, loggedRows: whole, extents: list(extent) })) })),
      ),
      exports: maybe(
        list(
          shape({
            ...{ format: Type.Literal(1), container: text, rows: whole, bytes: whole, blobs: whole },
            ...{ firstOn: time, lastOn: time, notEnded: whole },
          }),
        ),
      ),
      notListed: maybe(text),
    }),
  ),
});

const keyVersion = shape({
  ...{ version: text, current: flag, enabled: flag, createdOn: time, notBefore: maybe(time), expiresOn: maybe(time) },
});

export const vaultsShape = shape({
  vaults: list(
    shape({
      ...{ name: text, resourceId: text, state: text, purgedOn: maybe(time) },
      keys: list(shape({ name: text, purgedOn: maybe(time), versions: list(keyVersion) })),
    }),
  ),
  outside: list(text),
});

const standing = { kid: text, outsideVault: flag, suspended: flag, reason: maybe(text), warning: maybe(text) };

export const checkedKeysShape = shape({
  clusters: list(
    shape({
      ...{ clusterId: guid, resourceId: text, custody: oneOf('microsoftManaged', 'customer'), ...standing },
      databases: maybe(list(shape({ name: text, ...standing }))),
    }),
  ),
});

export const copiedWrapShape = shape({ kid: text, wrapped: text, check: text, place: text });
export const rewrappedCopyShape = shape({ kid: text, wrapped: maybe(text) });

export const backupAskedShape = shape({ to: text, cluster: maybe(text) });
const counted = (name: string) => shape({ [name]: whole, bytes: whole, digest: text });
export const backupShape = shape({
  ...{ to: text, phase: maybe(text), done: maybe(whole), failure: maybe(text) },
  manifest: maybe(
    shape({
      ...{ format: whole, side: oneOf('a', 'b'), state: text, takenOn: time, source: text },
      ...{ records: counted('records'), blobs: counted('blobs') },
      rootKeyKid: maybe(text),
      cluster: maybe(
        shape({
          ...{ clusterId: guid, name: text, kid: text, databases: list(list(text)) },
          catalog: shape({ records: whole, digest: text }),
        }),
      ),
    }),
  ),
});

/** Of a vault, with the full id of the key version that has wrapped it. */
const rootKeyPlaceShape = shape({
  ...{ place: oneOf('file', 'environment', 'descriptor', 'elsewhere', 'vault'), kid: maybe(text) },
});

export const rootKeyShape = shape({
  ...{ id: text, kept: rootKeyPlaceShape, oldId: maybe(text), oldKept: maybe(rootKeyPlaceShape) },
  ...{ resealing: flag, running: flag, done: maybe(whole), failure: maybe(text) },
  rotated: maybe(
    shape({
      ...{ oldKey: oneOf('destroyed', 'wrapped', 'elsewhere') },
      ...{ records: maybe(whole), resealed: maybe(whole), damaged: maybe(whole) },
    }),
  ),
});

/** Base64url; empty where no vault has wrapped it. */
export const wrappedRootKeyShape = shape({ kid: maybe(text), wrapped: maybe(text) });
export const rewrapAskedShape = shape({ kid: text, oldKid: maybe(text) });
/** Full ids of key versions. */
export const rewrappedRootKeyShape = shape({ from: text, to: text });

/** The event itself is in Azure's schema: of a vault's operations, or of the activity log. */
export const eventsShape = shape({
  events: list(shape({ sequence: whole, event: Type.Object({}, { additionalProperties: true }) })),
  next: maybe(whole),
});

export const auditCheckShape = shape({
  ...{ read: whole, of: whole, failure: maybe(text) },
  report: maybe(
    shape({
      ...{ records: whole, events: whole, from: whole, next: whole, hash: text },
      findings: list(Type.Object({}, { additionalProperties: true })),
    }),
  ),
});

export const recordingShape = shape({ recording: flag, secondsLeft: whole, requestsLeft: whole, bytesLeft: whole });
export const recordingAskedShape = shape({
  seconds: maybe(Type.Integer({ minimum: 1, maximum: longestRecording.seconds })),
  requests: maybe(Type.Integer({ minimum: 1, maximum: longestRecording.requests })),
});
const seenBody = maybe(shape({ bytes: whole, text: maybe(text) }));
export const trafficShape = shape({
  requests: list(
    shape({
      ...{ sequence: whole, time, plane: text, method: text, host: text, path: text, operation: text },
      ...{ status: whole, ms: number, requestId: text, correlationId: text, clientRequestId: maybe(text) },
      ...{ callerId: maybe(text), appId: maybe(text), code: maybe(text), message: maybe(text), aborted: maybe(flag) },
      bodies: maybe(shape({ request: seenBody, answer: seenBody })),
    }),
  ),
  ...{ last: whole, kept: whole, bodies: recordingShape },
});

const outcome = {
  kind: maybe(oneOf('served', 'refused', 'cutOff')),
  ...{ error: maybe(text), status: maybe(whole), message: maybe(text), seconds: maybe(whole) },
};
export const drillRunShape = shape({
  state: oneOf('none', 'running', 'cancelling', 'over', 'cancelled', 'failed'),
  ...{ run: whole, ok: maybe(flag), message: maybe(text) },
  rows: list(
    shape({
      ...{ way: text, title: text, state: oneOf('waiting', 'underWay', 'ended'), problems: list(text) },
      cells: Type.Record(text, shape(outcome)),
    }),
  ),
});
export const drillWaysShape = shape({ only: maybe(list(text, { minItems: 1 })) });
export const drillCellShape = shape({
  ...{ way: text, cell: text, ...outcome, leftOut: whole },
  exchanges: list(
    shape({
      ...{ method: text, host: text, path: text, request: maybe(text), status: maybe(whole), answer: text },
    }),
  ),
});

const signer = { algorithm: Type.Literal('Ed25519'), publicKey: text, fingerprint: text };
export const proofKeyShape = shape(signer);
export const proofSignatureShape = shape({ ...signer, value: text });
export const digestShape = shape({ sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }) });

export const canariesShape = shape({ canaries: list(text, { minItems: 1, maxItems: 8 }) });
export const scanShape = shape({
  ...{ files: whole, bytes: whole, matchCount: whole, unreadableCount: whole, unreadable: list(text) },
  matches: list(
    shape({ file: text, canary: text, form: oneOf('UTF-8', 'UTF-16LE', 'UTF-16BE', 'base64'), offset: whole }),
  ),
});

export const upkeepShape = shape({
  memoryFiles: Type.Union([shape({ bytes: whole, isSmall: flag }), Type.Null()]),
  clusters: list(
    shape({
      ...{ clusterId: guid, problemCount: whole },
      problems: list(Type.Object({ since: time }, { additionalProperties: true })),
    }),
  ),
});

export const endpointAskedShape = shape({
  ...{ identity: text, form: maybe(oneOf('app-service', 'vm', 'aks', 'arc')) },
});
export const endpointShape = shape({
  ...{ id: guid, form: text, path: text, header: text, keyFile: maybe(text) },
  ...{ clientId: guid, tenantId: guid, userAssigned: flag },
});
export const workloadTokenShape = shape({ token: text, expiresOn: number });

export const idShape = shape({ id: text });
export const secondsShape = shape({ seconds: Type.Number({ minimum: 0, maximum: 6_324_480_000 }) });
export const knownPointShape = shape({ known: maybe(Type.String({ pattern: '^\\d{1,15}:[0-9a-f]{64}$' })) });
export const linkShape = shape({ path: text, expiresInSeconds: whole, isBuilt: flag });
export const healthShape = shape({ status: Type.Literal('ok') });
export const readyShape = shape({ ready: flag, reason: maybe(text) });
export const settledShape = shape({ settled: whole });
export const emptyShape = shape({});
/** With secrets: how everybody signs in who is known to this instance. */
export const environmentShape = Type.Object(
  {
    ...{ tenantId: guid, subscriptionId: guid, clientId: guid, clientSecret: text, objectId: guid },
    ...{ caCertificate: text, port: whole, proxyPort: whole, kustoPort: whole },
  },
  { additionalProperties: true },
);
