import { describe, expect, it } from 'vitest';
import { readCacheUse } from './cache-use.ts';
import { readDataPlaneCall } from './data-plane-calls.ts';
import { ProtocolError } from './message.ts';
import { readStateCall } from './state-calls.ts';
import { readReply } from './supervisor-replies.ts';
import { readVaultCall } from './vault-calls.ts';

const id = '0f8fad5b-d9cb-469f-a165-70867728950e';
const host = 'contoso.vault.azure.net';
const failed = { outcome: 'failed', kind: 'refusal', cause: 'keyDisabled', message: 'Disabled.' };
const fullFailed = { ...failed, status: 403, region: 'eastus' };
const key = {
  kid: { vaultHost: host, name: 'Key-1', version: '0123456789abcdef0123456789abcdef' },
  ...{ keyType: 'RSA', enabled: true, keyOperations: ['wrapKey'], recoveryLevel: 'Recoverable' },
};
const fullKey = { ...key, bits: 2048, notBefore: 1, expires: 2, region: 'eastus' };
const newWrap = { wrapped: new Uint8Array(256), check: new Uint8Array(16) };
const write = [{ table: 'cluster-catalog', id: `${id}/head`, expect: null, put: { any: ['thing'] } }];
const problem = { step: 'merge', error: 'Error', since: 1, times: 1 };
const extent = {
  ...{ extentId: id, dekId: id, rowCount: 1, sealedBytes: 2, minCreatedOn: 3, maxCreatedOn: 4 },
};
const requestLine = {
  ...{ plane: 'kusto', method: 'POST', route: '/v2/rest/query', status: 200, ms: 1.5 },
  ...{ requestId: id, correlationId: id, traceId: '4bf92f3577b34da6a3ce929d0e0e4736' },
};

type Sample = readonly [name: string, read: (value: unknown) => unknown, sample: object];

const replies = (call: keyof typeof readReply, ...samples: readonly object[]): readonly Sample[] =>
  samples.map((sample) => [`the answer to ${call}`, readReply[call], sample]);

/** Of each message at least one with everything that it may have, and one with nothing that it need not have. */
const samples: readonly Sample[] = [
  ...replies('configure', { outcome: 'ready' }),
  ...replies('describe', { outcome: 'described', key }, { outcome: 'described', key: fullKey }, failed, fullFailed),
  ...replies(
    'preflight',
    { outcome: 'usable', key: fullKey },
    { outcome: 'vaultNotFound', why: 'noSuchHost' },
    { outcome: 'vaultNotFound', why: 'otherRegion', found: 'westus' },
    { outcome: 'noAccess', operation: 'wrapKey', failure: failed },
    { outcome: 'keyNotFound', failure: fullFailed },
    { outcome: 'softDeleteOff' },
    { outcome: 'purgeProtectionOff' },
    { outcome: 'wrongType', found: 'EC' },
    { outcome: 'notUsableNow', why: 'disabled' },
    { outcome: 'notUsableNow', why: 'expired', at: 1 },
    { outcome: 'unavailable', failure: failed },
  ),
  ...replies('open', { outcome: 'opened' }, failed),
  ...replies('make', { outcome: 'made', ...newWrap, write }, failed),
  ...replies('rewrap', { outcome: 'rewrapped', ...newWrap }, { outcome: 'currentKeyLost', failure: failed }),
  ...replies('replace', { outcome: 'replaced', ...newWrap, write }, { outcome: 'ended' }),
  ...replies('adopt', { outcome: 'adopted' }, { outcome: 'absent' }),
  ...replies('forget', { outcome: 'done' }),
  ...replies('serveData', { outcome: 'listening' }),
  ...replies('serveLocalhost', { outcome: 'listening' }),
  ...replies(
    'inventory',
    { outcome: 'listed', databases: [{ name: 'db', tables: [{ name: 't', loggedRows: 1, extents: [extent] }] }] },
    { outcome: 'unavailable' },
  ),
  ...replies(
    'findExtent',
    { outcome: 'found', blob: `clusters/${id}`, sealedBytes: 1, encryptionData: '{}' },
    { outcome: 'missing' },
  ),
  ...replies(
    'upkeep',
    { outcome: 'notOpen' },
    { outcome: 'done', removed: [id], problems: { count: 1, first: [problem] } },
    {
      ...{ outcome: 'done', removed: [] },
      problems: {
        count: 1,
        first: [{ ...problem, table: { databaseId: id, tableId: id }, unreadableExtents: 2 }],
      },
    },
  ),
  ...replies(
    'rest',
    { outcome: 'busy' },
    { outcome: 'idle', upkeep: 'unknown', databaseBytes: [{ databaseId: id, bytes: 1 }] },
    { outcome: 'idle', upkeep: {}, databaseBytes: [] },
    { outcome: 'idle', upkeep: { dueAt: 1 }, databaseBytes: [] },
  ),
  ...replies('putBack', { outcome: 'done' }),
  ...replies('databaseBytes', { outcome: 'known', bytes: 1 }, { outcome: 'notOpen' }),
  ...replies('drain', { outcome: 'drained' }),
  ...replies('shutDown', { outcome: 'told' }),
  ['resolve', readVaultCall.resolve, { host }],
  ['token', readVaultCall.token, { identity: id, host, audience: 'https://vault.azure.net' }],
  ['token', readVaultCall.token, { identity: id, host, audience: 'https://vault.azure.net', authority: 'https://a' }],
  ['stateGet', readStateCall.stateGet, { table: 't', id: `${id}/1` }],
  ['stateList', readStateCall.stateList, { table: 't', prefix: `${id}/` }],
  ['stateList', readStateCall.stateList, { table: 't', prefix: `${id}/`, after: `${id}/1`, limit: 10 }],
  ['stateCommit', readStateCall.stateCommit, { generation: 1, expect: [{ table: 't', id, expect: 3 }], write }],
  ['stateStage', readStateCall.stateStage, { change: id, write }],
  ['authorize', readDataPlaneCall.authorize, {}],
  ['renew', readDataPlaneCall.renew, {}],
  ['log', readDataPlaneCall.log, { method: 'request', name: 'request', fields: requestLine }],
  ['log', readDataPlaneCall.log, { method: 'request', name: 'request', fields: { ...requestLine, aborted: true } }],
  ['log', readDataPlaneCall.log, { method: 'event', name: 'cluster-started', fields: { any: 1 } }],
  ['cacheUse', readCacheUse, { hits: 1, misses: 2, readBytes: 3, evictedBytes: 4 }],
];

/** What the other process may write as it likes. */
const isFree = (path: string): boolean => path.endsWith('/put') || path === '/fields';

const otherKinds: readonly unknown[] = [undefined, null, true, 'x'.repeat(9_000), Number.NaN, -1.5, [], {}, () => 1];

/** Each with one place that is not as it should be. */
function* wrongShapes(value: unknown, path = ''): Generator<readonly [path: string, value: unknown]> {
  for (const other of otherKinds) if (kindOf(other) !== kindOf(value)) yield [`${path} = ${String(other)}`, other];
  if (typeof value === 'string') yield [`${path} too long`, 'x'.repeat(9_000)];
  if (typeof value === 'number') yield [`${path} = NaN`, Number.NaN];
  if (value instanceof Uint8Array) {
    yield [`${path} too short`, value.subarray(1)];
  } else if (Array.isArray(value)) {
    for (const [wherein, wrong] of wrongShapes(value[0], `${path}/0`)) if (value.length > 0) yield [wherein, [wrong]];
  } else if (typeof value === 'object' && value !== null) {
    yield [`${path} with an unknown member`, { ...value, unknownMember: 1 }];
    for (const [name, member] of Object.entries(value)) {
      const place = `${path}/${name}`;
      yield [`${place} absent`, Object.fromEntries(Object.entries(value).filter(([other]) => other !== name))];
      for (const [wherein, wrong] of isFree(place) ? [] : wrongShapes(member, place))
        yield [wherein, { ...value, [name]: wrong }];
    }
  }
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (value instanceof Uint8Array) return 'bytes';
  return Array.isArray(value) ? 'array' : typeof value;
}

const optional =
  /\/(status|region|bits|notBefore|expires|found|at|first\/0\/table|unreadableExtents|dueAt|after|limit|authority|aborted)( absent| = undefined)$/;

/** Other shapes that are right, too. */
const isRight = (wherein: string): boolean =>
  optional.test(wherein) || wherein.endsWith('/expect = null') || wherein === '/upkeep = [object Object]';

describe('a message', () => {
  it.each(samples)('%s is read as it was sent', (_name, read, sample) => {
    expect(read(sample)).toEqual(sample);
  });

  it.each(samples)('%s of any other shape is refused', (_name, read, sample) => {
    const taken = [...wrongShapes(sample)]
      .filter(([wherein]) => !isRight(wherein))
      .filter(([, wrong]) => !refuses(() => read(wrong)))
      .map(([wherein]) => wherein);
    expect(taken).toEqual([]);
  });

  it('with a value that is not one of those that there are is refused', () => {
    expect(() => readReply.open({ ...failed, cause: 'becauseISaySo' })).toThrow(ProtocolError);
    expect(() => readReply.open({ ...failed, kind: 'whim' })).toThrow(ProtocolError);
    expect(() => readVaultCall.resolve({ host: 'a host' })).toThrow(ProtocolError);
    expect(() => readVaultCall.token({ identity: 'me', host, audience: '' })).toThrow(ProtocolError);
    expect(() => readStateCall.stateGet({ table: 't', id: 'x'.repeat(401) })).toThrow(ProtocolError);
    expect(() => readStateCall.stateCommit({ generation: 1.5, expect: [], write: [] })).toThrow(ProtocolError);
    expect(() => readReply.upkeep({ outcome: 'done', removed: ['all'], problems: { count: 0, first: [] } })).toThrow(
      ProtocolError,
    );
  });

  it('that is refused is not quoted', () => {
    expect(() => readVaultCall.resolve({ host: 'secret value' })).toThrow(
      'A cluster process sent a message that nobody understands: resolve.',
    );
  });
});

function refuses(read: () => unknown): boolean {
  try {
    read();
    return false;
  } catch (error) {
    return error instanceof ProtocolError;
  }
}
