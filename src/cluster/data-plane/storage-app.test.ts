import type { Server } from 'node:http';
import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newGuid } from '../../base/new-guid.ts';
import { systemRandomBytes } from '../../base/random.ts';
import { createLog } from '../../http/logging.ts';
import { accountNames, storageHost } from '../../database/queued/storage-accounts.ts';
import type { StorageAppPorts } from './storage-app.ts';
import { createStorageApp, storageOperations } from './storage-app.ts';
import type { SasGrant, SasResource } from './storage/sas.ts';
import { signedQuery } from './storage/sas.ts';
import type { StorageOperation } from './storage/storage-operation.ts';

// Every operation of the accounts against every address that is wrong in one respect, over HTTP. Storage that is not asked needs no cluster: an
// address that is right gets as far as the name, of which there is nothing.

const clusterId = newGuid(systemRandomBytes);
const [account = '', otherAccount = ''] = accountNames(clusterId);
const key = (byte: number): Buffer => Buffer.alloc(64, byte);
const at = Date.UTC(2026, 0, 1, 12);
const hour = 3_600_000;
let server: Server;

beforeAll(async () => {
  const keys = {
    kind: 'storageKeys',
    accounts: [key(1), key(2)].map((one) => one.toString('base64url')),
    identity: '',
  };
  const ports = {
    ...{ clusterId, randomBytes: systemRandomBytes, wallClock: () => at, queued: () => undefined },
    call: () => Promise.resolve({ leaseMs: hour, now: at }),
    lease: { asking: () => () => undefined },
    clock: { tell: () => undefined },
    host: { tell: () => undefined, data: () => Promise.resolve({ queued: { ...unasked, keys: () => keys } }) },
    log: createLog({ level: 'silent', destination: process.stderr, wallClock: () => at }),
  };
  const app = createStorageApp(ports as unknown as StorageAppPorts);
  server = createServer((request, response) => app.handle(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const never = (): never => {
  throw new Error('what lies in the accounts is asked for');
};
const unasked = {
  blobs: { find: never },
  messages: { peek: never, take: never, delete: never },
};

interface Asked {
  readonly operation: StorageOperation;
  readonly resource: SasResource;
  readonly grant: SasGrant;
  /** A good address for it. */
  readonly query: string;
}
interface Sent {
  readonly query: string;
  readonly headers?: Readonly<Record<string, string>>;
}

function askedOf(operation: StorageOperation): Asked {
  const { service, permissions } = operation;
  const resource = { service, account, name: 'nothing1' };
  const grant = { permissions: permissions.slice(0, 1), startsAt: at - hour, endsAt: at + hour };
  return { operation, resource, grant, query: signedQuery(key(1), resource, grant) };
}

function send({ operation, resource }: Asked, { query, headers = {} }: Sent): Promise<string> {
  const { comp, matches, method, rest, service } = operation;
  const path = ['', 'b', 'messages', `messages/${clusterId}`].find((one) => rest.test(one)) ?? '';
  const more = ['', '&peekonly=true', '&popreceipt=x'].find((one) => matches?.(new URLSearchParams(one)) ?? true) ?? '';
  const target = `/${resource.name}${service === 'table' ? path : `/${path}`}?${query}${comp ? `&comp=${comp}` : ''}${more}`;
  return new Promise((resolve, reject) => {
    const { port } = server.address() as AddressInfo;
    const sent = { host: storageHost(account, service), 'x-ms-blob-type': 'BlockBlob', ...headers };
    const request = httpRequest({ port, host: '127.0.0.1', method, path: target, headers: sent }, (response) => {
      response.resume();
      response.on('end', () => resolve(`${response.statusCode ?? 0} ${String(response.headers['x-ms-error-code'])}`));
    });
    request.on('error', reject).end();
  });
}

const failed = '403 AuthenticationFailed';
const signed = (
  { resource, grant }: Asked,
  more: { of?: Partial<SasResource>; by?: number; with?: Partial<SasGrant> },
) => signedQuery(key(more.by ?? 1), { ...resource, ...more.of }, { ...grant, ...more.with });
const changed = ({ query }: Asked, fields: Readonly<Record<string, string>>): string => {
  const all = new URLSearchParams(query);
  for (const [name, value] of Object.entries(fields)) all.set(name, value);
  return all.toString();
};
/** Of a key that a principal has got for itself, in whose name the address is then. */
const delegated = {
  ...{ skoid: newGuid(systemRandomBytes), sktid: newGuid(systemRandomBytes), skt: '2026-01-01T11:00:00Z' },
  ...{ ske: '2026-01-02T11:00:00Z', sks: 'b', skv: '2022-11-02' },
};
/** All permissions that there are, but those that are enough. */
const others = ({ permissions }: StorageOperation): string =>
  'racwdlupxyteomi'
    .split('')
    .filter((letter) => !permissions.includes(letter))
    .join('');

const wrong: readonly (readonly [string, string, (asked: Asked) => Sent])[] = [
  ['no signature', '401 NoAuthenticationInformation', () => ({ query: '' })],
  ['that is over', failed, (a) => ({ query: signed(a, { with: { endsAt: at } }) })],
  ['that ends before it begins', failed, (a) => ({ query: signed(a, { with: { endsAt: at - 2 * hour } }) })],
  ['that does not hold yet', failed, (a) => ({ query: signed(a, { with: { startsAt: at + 1_000 } }) })],
  ['whose end was moved', failed, (a) => ({ query: changed(a, { se: '2030-01-01T00:00:00Z' }) })],
  ['whose begin was moved', failed, (a) => ({ query: changed(a, { st: '2020-01-01T00:00:00Z' }) })],
  ['with more permissions than were signed', failed, (a) => ({ query: changed(a, { sp: 'racwdup' }) })],
  [
    'with every other permission',
    '403 AuthorizationPermissionMismatch',
    (a) => ({ query: signed(a, { with: { permissions: others(a.operation) } }) }),
  ],
  ['of another name', failed, (a) => ({ query: signed(a, { of: { name: 'other' } }) })],
  ['of the other account', failed, (a) => ({ query: signed(a, { of: { account: otherAccount }, by: 2 }) })],
  ['by the key of the other account', failed, (a) => ({ query: signed(a, { by: 2 }) })],
  [
    'of another service',
    failed,
    (a) => ({ query: signed(a, { of: { service: a.resource.service === 'blob' ? 'queue' : 'blob' } }) }),
  ],
  ['of an older version', failed, (a) => ({ query: changed(a, { sv: '2012-02-12' }) })],
  [
    'of the whole account',
    failed,
    (a) => ({ query: changed(a, { ss: 'bqt', srt: 'sco' }).replace(/&sig=[^&]*/, '&sig=AAAA') }),
  ],
  ['of a key of delegation', failed, (a) => ({ query: changed(a, { ...delegated, sig: 'AAAA' }) })],
  ['of an access policy', failed, (a) => ({ query: changed(a, { si: 'policy' }) })],
  ['signed twice', failed, (a) => ({ query: `${a.query}&sig=AAAA` })],
  ['with an empty signature', failed, (a) => ({ query: changed(a, { sig: '' }) })],
  [
    'and a token',
    '401 InvalidAuthenticationInfo',
    (a) => ({ query: a.query, headers: { authorization: 'Bearer a.b.c' } }),
  ],
  ['and a shared key', failed, (a) => ({ query: a.query, headers: { authorization: `SharedKey ${account}:AAAA` } })],
];

describe.each(storageOperations.map((operation) => [operation.id, operation] as const))('%s', (_id, operation) => {
  const asked = askedOf(operation);
  it('takes an address that is right, for whatever of its permissions', async () => {
    for (const permissions of operation.permissions) {
      const query = signed(asked, { with: { permissions } });
      expect(await send(asked, { query })).toBe('404 ResourceNotFound');
    }
  });

  it('refuses every address that is wrong in one respect', async () => {
    const found: string[] = [];
    for (const [what, answer, make] of wrong) {
      const given = await send(asked, make(asked));
      if (given !== answer) found.push(`an address ${what}: ${given}`);
    }
    expect(found).toEqual([]);
  });
});
