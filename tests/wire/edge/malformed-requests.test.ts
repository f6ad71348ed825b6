import fc from 'fast-check';
import { Agent } from 'node:https';
import { PassThrough } from 'node:stream';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Json } from '../../../src/base/json.ts';
import { isJsonObject } from '../../../src/base/json.ts';
import { vaultOperations } from '../../../src/vault/plane/vault-operations.ts';
import { allArmOperations } from '../../support/arm-operations.ts';
import { damaged, oddText, sampleOf } from '../../support/malformed.ts';
import type { HostAnswer } from '../../support/server-fixture.ts';
import { startServerFixture } from '../../support/server-fixture.ts';

// Random requests at every operation of the vaults' plane and the resource manager, each with something wrong: nothing that a client sends
// may end in a 500, a broken connection, an answer in another shape or memory that does not come back.

/** Of a run, half at each of the two planes. */
const requests = Math.ceil(Number(process.env['KUSTODY_MALFORMED'] ?? 600) / 2);
/** Asked for by turns, as many at once as there are connections: those that wait, as for an object that is being deleted, hold up no others. */
const requestsEach = 32;
const vault = 'malformed-vault';
const vaultHost = `${vault}.vault.azure.net`;
const arm = 'management.azure.com';
const log = new PassThrough();
const logged: string[] = [];
const agent = new Agent({ keepAlive: true, maxSockets: 8 });
let fixture: Awaited<ReturnType<typeof startServerFixture>>;
let tokens: Readonly<Record<string, string>>;
let group = '';

beforeAll(async () => {
  log.on('data', (part: Buffer) => logged.push(...part.toString().split('\n')));
  fixture = await startServerFixture({ log: { level: 'warn', destination: log } });
  tokens = {
    [arm]: await fixture.tokenFor('https://management.azure.com'),
    [vaultHost]: await fixture.tokenFor('https://vault.azure.net'),
  };
  const { subscriptionId, tenantId, objectId } = fixture.environment;
  group = `/subscriptions/${subscriptionId}/resourceGroups/malformed`;
  const permissions = { keys: ['all'], secrets: ['all'], certificates: ['all'] };
  await put(group, '2022-09-01', { location: 'eastus' });
  await put(`${group}/providers/Microsoft.KeyVault/vaults/${vault}`, '2023-07-01', {
    location: 'eastus',
    properties: {
      tenantId,
      sku: { family: 'A', name: 'standard' },
      accessPolicies: [{ tenantId, objectId, permissions }],
    },
  });
});
afterAll(async () => {
  agent.destroy();
  await fixture[Symbol.asyncDispose]();
});

async function put(path: string, version: string, body: unknown): Promise<void> {
  const answer = await ask({ host: arm, method: 'PUT', path: `${path}?api-version=${version}`, body });
  expect([200, 201, 202]).toContain(answer.status);
}

interface Asked {
  readonly host: string;
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

const ask = (asked: Asked): Promise<HostAnswer> => fixture.send({ ...asked, agent, token: tokens[asked.host] ?? '' });

/** Without halves of surrogates, which no address can have. */
const wellFormed = (text: string): string => Buffer.from(text).toString();

/** What a placeholder of a path stands for, mostly something that is there. */
const known = (placeholder: string): string => {
  const { subscriptionId, tenantId } = fixture.environment;
  const values: Readonly<Record<string, string>> = {
    subscriptionId,
    tenantId,
    resourceGroupName: 'malformed',
    vaultName: vault,
    name: 'thing',
    version: '0123456789abcdef0123456789abcdef',
    location: 'eastus',
  };
  return values[placeholder] ?? 'thing';
};

const segment = (placeholder: string): fc.Arbitrary<string> =>
  fc.oneof({ arbitrary: fc.constant(undefined), weight: 9 }, oddText).map((odd) => {
    if (placeholder === 'scope') return group.slice(1);
    return encodeURIComponent(wellFormed(odd ?? known(placeholder)));
  });

const pathOf = (template: string): fc.Arbitrary<string> => {
  const pieces = template.split(/\{(\w+)\}/);
  return fc
    .tuple(...pieces.map((piece, index) => (index % 2 === 0 ? fc.constant(piece) : segment(piece))))
    .map((parts) => `/${parts.join('').replace(/^\/+/, '')}`);
};

const texts = fc.oneof(fc.constantFrom('eastus', 'thing', 'RSA', 'A', 'standard', '2031-01-01T00:00:00Z'), oddText);
const version = (good: string): fc.Arbitrary<string> =>
  fc.oneof(
    { arbitrary: fc.constant(good), weight: 8 },
    fc.constantFrom('', '2099-01-01', '7.4&api-version=1'),
    oddText,
  );
const method = (own: string): fc.Arbitrary<string> =>
  fc.oneof(
    { arbitrary: fc.constant(own), weight: 9 },
    fc.constantFrom('GET', 'PUT', 'POST', 'PATCH', 'DELETE', 'OPTIONS'),
  );
const headers = fc.oneof(
  { arbitrary: fc.constant<Record<string, string>>({}), weight: 8 },
  fc.constantFrom<Record<string, string>>(
    { 'content-type': 'text/plain' },
    { 'content-type': 'application/json; charset=latin1' },
    { 'if-match': '"x"' },
    { 'if-none-match': '*' },
    { 'x-ms-client-request-id': 'a'.repeat(600) },
    { accept: 'application/xml' },
    { 'content-encoding': 'gzip' },
  ),
);

/** Most of the good ones make a key on a curve: one of RSA takes longer than all the rest of a hundred requests. */
const keyBody = {
  kty: 'EC',
  key_size: 2048,
  key_ops: ['encrypt'],
  attributes: { enabled: true, exp: 4_000_000_000, nbf: 1, recoverableDays: 90 },
  tags: { a: 'b' },
  alg: 'RSA-OAEP',
  value: 'AAAA',
  digest: 'AAAA',
  signature: 'AAAA',
  crv: 'P-256',
  key: { kty: 'RSA', n: 'AAAA', e: 'AQAB' },
  lifetimeActions: [{ trigger: { timeAfterCreate: 'P30D' }, action: { type: 'rotate' } }],
  policy: {
    key_props: { kty: 'EC', crv: 'P-256' },
    issuer: { name: 'Self' },
    x509_props: { subject: 'CN=a', validity_months: 12 },
  },
  contacts: [{ email: 'a@b.c' }],
  provider: 'Test',
};

const keyBodies = fc.oneof(
  { arbitrary: fc.constant(keyBody), weight: 9 },
  fc.constant({ ...keyBody, kty: 'RSA', policy: { ...keyBody.policy, key_props: { kty: 'RSA', key_size: 2048 } } }),
);

/** JSON with something wrong in it, and now and then no JSON at all. */
const bodyFrom = (whole: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
  fc.oneof(
    { arbitrary: whole.chain((value) => damaged(JSON.parse(JSON.stringify(value)) as Json)), weight: 8 },
    whole,
    fc.constantFrom('{', '[]', 'null', '""', '{"a":1,}', '\ufeff{}', 'a=b', '{"a":1e999}', '['.repeat(9_000)),
    fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
    fc.constant(undefined),
  );

const vaultRequest: fc.Arbitrary<Asked> = fc
  .constantFrom(...vaultOperations)
  .chain((row) =>
    fc
      .tuple(method(row.method), pathOf(row.path), version('7.5'), bodyFrom(keyBodies), headers)
      .map(([verb, path, apiVersion, body, sent]) =>
        asked(vaultHost, verb, `${path}?api-version=${apiVersion}`, body, sent),
      ),
  );

// Clusters have processes of their own, which is another test's matter: none is ever made.
const armRows = allArmOperations().filter(({ id }) => !/^Clusters_(CreateOrUpdate|Start|Delete)$/.test(id));
const armRequest: fc.Arbitrary<Asked> = fc.constantFrom(...armRows).chain((row) => {
  const own = row.path.includes('Microsoft.Kusto')
    ? '2024-04-13'
    : row.path.includes('KeyVault')
      ? '2023-07-01'
      : '2022-09-01';
  const whole = sampleOf(row.body?.schema, texts);
  return fc
    .tuple(method(row.method), pathOf(row.path), version(own), bodyFrom(whole), headers)
    .map(([verb, path, apiVersion, body, sent]) => asked(arm, verb, `${path}?api-version=${apiVersion}`, body, sent));
});

const asked = (host: string, verb: string, path: string, body: unknown, sent: Record<string, string>): Asked => ({
  ...{ host, method: verb, headers: sent },
  path: path.replaceAll(/[^!-~]/gu, (character) => encodeURIComponent(wellFormed(character))),
  ...(verb === 'GET' || body === undefined ? {} : { body }),
});

/** @throws what is wrong with an answer */
function judge({ method: verb }: Asked, { status, body, text }: HostAnswer): void {
  if (status < 400 || (verb === 'HEAD' && status < 500)) return;
  const error = isJsonObject(body) ? (body as { error?: { code?: unknown; message?: unknown } }).error : undefined;
  if (status >= 500) expect([status, error?.code]).toEqual([501, 'NotImplemented']);
  expect({ status, text: text.slice(0, 200), code: typeof error?.code, message: typeof error?.message }).toMatchObject({
    code: 'string',
    message: 'string',
  });
}

function heapBytes(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}

describe('requests with something wrong', () => {
  it.each([
    ['Key Vault', vaultRequest, { host: vaultHost, method: 'GET', path: '/keys?api-version=7.5' }],
    ['the resource manager', armRequest, { host: arm, method: 'GET', path: '/subscriptions?api-version=2022-12-01' }],
  ])(
    'are refused by name, as %s does',
    async (_plane, request, good) => {
      const run = (numRuns: number) =>
        fc.assert(
          fc.asyncProperty(fc.array(request, { minLength: requestsEach, maxLength: requestsEach }), async (several) => {
            const answers = await Promise.all(several.map(ask));
            several.forEach((one, index) => judge(one, answers[index] as HostAnswer));
          }),
          { numRuns, endOnFailure: true },
        );
      await run(Math.ceil(requests / (4 * requestsEach)));
      const before = heapBytes();
      await run(Math.ceil((requests * 3) / (4 * requestsEach)));
      expect(heapBytes() - before).toBeLessThan(32 * 2 ** 20);
      expect(logged.filter((line) => /"level":"error"/.test(line))).toEqual([]);
      expect((await ask(good)).status).toBe(200);
    },
    600_000,
  );
});
