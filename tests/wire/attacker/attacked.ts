import { readFileSync, rmSync } from 'node:fs';
import { Agent, request as httpsRequest } from 'node:https';
import { join } from 'node:path';
import { connect as tlsConnect } from 'node:tls';
import { CompactSign, decodeJwt } from 'jose';
import { systemRandomBytes } from '../../../src/base/random.ts';
import { instant } from '../../../src/clock/clock.ts';
import { createInstance } from '../../../src/server/instance.ts';
import { openIdentityParts } from '../../../src/server/identity-parts.ts';
import { rootKeyFileName } from '../../../src/server/data-directory-names.ts';
import { openRootKeyFile } from '../../../src/state/root-key.ts';
import { stateTables } from '../../../src/server/state-tables.ts';
import { SealedState } from '../../../src/state/sealed/sealed-state.ts';
import { SqliteStateStore } from '../../../src/state/sqlite/sqlite-state-store.ts';
import { quickDirectory } from '../../support/quick-directory.ts';
import { startServerFixture } from '../../support/server-fixture.ts';

export const hosts = {
  arm: 'management.azure.com',
  vault: 'attackedvault.vault.azure.net',
  otherVault: 'secondvault.vault.azure.net',
  cluster: 'attacked.eastus.kusto.windows.net',
  entra: 'login.microsoftonline.com',
  control: 'localhost',
} as const;
export const audiences = {
  arm: 'https://management.azure.com',
  vault: 'https://vault.azure.net',
  cluster: 'https://kusto.kusto.windows.net',
} as const;
export const db = 'db1';

/** A database that only the owner may see. No hexadecimal digits alone: a random GUID in an answer must not look like it. */
const unseen = 'Unseen';

export interface Person {
  readonly objectId: string;
  readonly appId: string;
  readonly tenantId: string;
  readonly secret: string;
}

/** What an attack came to: the status, and the code in the shape of the plane. */
export interface Outcome {
  readonly status: number;
  readonly code: string;
  readonly text: string;
}

/** A data directory that knows, before its server first starts, some more people than its owner, and whose signing key this process has:
 * tokens can be made that are wrong in one respect only. */
async function preparedDirectory() {
  const directory = quickDirectory('kustody-attacked-');
  const store = SqliteStateStore.open(directory);
  const rootKey = openRootKeyFile(join(directory, rootKeyFileName), systemRandomBytes);
  const state = await SealedState.open({ store, rootKey, randomBytes: systemRandomBytes, tables: stateTables });
  const wallClock = () => instant(Date.now());
  const identity = openIdentityParts({
    state,
    randomBytes: systemRandomBytes,
    wallClock,
    monotonicMs: wallClock,
    tokenExpiry: () => false,
    allowedHosts: [],
  });
  const instance = await createInstance(
    { state, randomBytes: systemRandomBytes, ...identity, wallNow: wallClock() },
    true,
  );
  const elsewhere = await identity.tenants.create({
    ...{ displayName: 'Elsewhere', domains: ['elsewhere.example'], hidden: false, createdAt: wallClock() },
  });
  const person = async (displayName: string, tenantId = instance.tenantId): Promise<Person> => {
    const { objectId, appId } = await identity.principals.create({ tenantId, displayName, kind: 'application' });
    const added = await identity.principals.addSecret(objectId, instant(Date.now() + 86_400_000));
    return { objectId, appId, tenantId, secret: added?.secret ?? '' };
  };
  const people = {
    viewer: await person('viewer'),
    otherViewer: await person('another viewer'),
    ingestor: await person('ingestor'),
    contributor: await person('contributor on one cluster'),
    nobody: await person('nobody'),
    ofRoot: await person('whoever has a role at /'),
    foreigner: await person('foreigner', elsewhere.tenantId),
  };
  const { signing, published } = await identity.signingKeys.load();
  await state.close();
  await store.close();
  return { directory, people, signing, certificate: published[0]?.certificate ?? '', service: instance.service };
}

/** One instance for all attacks, with two vaults, a cluster with two databases, people with roles, and its log at hand. */
export async function startAttacked() {
  const prepared = await preparedDirectory();
  const { directory, people, signing } = prepared;
  const log: string[] = [];
  const fixture = await startServerFixture({
    dataDirectory: directory,
    log: { level: 'debug', destination: { write: (line) => void log.push(line) } },
  });
  const { environment, server } = fixture;
  const ca = readFileSync(server.caFile, 'utf8');
  const owner: Person = {
    ...{ objectId: environment.objectId, appId: environment.clientId },
    ...{ tenantId: environment.tenantId, secret: environment.clientSecret },
  };
  const tokens = new Map<string, Promise<string>>();
  const newToken = async (audience: string, { tenantId, appId, secret }: Person): Promise<string> => {
    const form = { grant_type: 'client_credentials', client_id: appId, client_secret: secret };
    const answer = await fixture.send({
      ...{ host: hosts.entra, method: 'POST', path: `/${tenantId}/oauth2/v2.0/token` },
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ ...form, scope: `${audience}/.default` }).toString(),
    });
    return (answer.body as { access_token: string }).access_token;
  };
  const tokenFor = (audience: string, person: Person = owner): Promise<string> => {
    const key = `${person.appId} ${audience}`;
    const known = tokens.get(key) ?? newToken(audience, person);
    tokens.set(key, known);
    return known;
  };

  const subscription = `/subscriptions/${environment.subscriptionId}`;
  const group = `${subscription}/resourceGroups/rg1`;
  const cluster = `${group}/providers/Microsoft.Kusto/clusters/attacked`;
  const versionOf = (path: string): string =>
    path.includes('Microsoft.Authorization')
      ? '2022-04-01'
      : path.includes('Microsoft.Kusto')
        ? '2024-04-13'
        : path.includes('Microsoft.KeyVault')
          ? '2023-02-01'
          : path.includes('Microsoft.ManagedIdentity')
            ? '2023-01-31'
            : '2021-04-01';
  /** On a connection that is kept, as good clients do. */
  const kept = new Agent({ keepAlive: true });
  const ask = (host: string, method: string, path: string, token: string, body: unknown, more: object = {}) =>
    attempt({ port: server.port, ca, agent: kept }, host, method, path, {
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...more },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
  const withVersion = (path: string, version: string): string =>
    `${path}${path.includes('?') ? '&' : '?'}api-version=${version}`;
  const arm = async (method: string, path: string, body?: unknown, person: Person = owner): Promise<Outcome> =>
    ask(hosts.arm, method, withVersion(path, versionOf(path)), await tokenFor(audiences.arm, person), body);
  const vault = async (method: string, path: string, body?: unknown, host: string = hosts.vault): Promise<Outcome> =>
    ask(host, method, withVersion(path, '7.4'), await tokenFor(audiences.vault), body);
  const post = async (
    path: string,
    body: unknown,
    person: Person = owner,
    headers = {},
    host: string = hosts.cluster,
  ) => ask(host, 'POST', path, await tokenFor(audiences.cluster, person), body, headers);

  const made = async (outcome: Promise<Outcome>): Promise<void> => {
    const { status, text } = await outcome;
    if (status >= 300) throw new Error(`${status} ${text}`);
  };
  await made(arm('PUT', group, { location: 'eastus' }));
  for (const name of ['attackedvault', 'secondvault']) {
    const policy = { tenantId: owner.tenantId, objectId: owner.objectId, permissions: { keys: ['all'] } };
    const properties = {
      ...{ tenantId: owner.tenantId, sku: { family: 'A', name: 'standard' } },
      ...{ enableSoftDelete: true, enableRbacAuthorization: false, accessPolicies: [policy] },
    };
    await made(arm('PUT', `${group}/providers/Microsoft.KeyVault/vaults/${name}`, { location: 'eastus', properties }));
    await made(vault('POST', '/keys/k/create', { kty: 'RSA' }, `${name}.vault.azure.net`));
  }
  await made(
    arm('PUT', cluster, {
      ...{ location: 'eastus', sku: { name: 'Standard_E8ads_v5', tier: 'Standard', capacity: 2 } },
      properties: { enableStreamingIngest: true, enablePurge: true },
    }),
  );
  for (const name of [db, unseen])
    await made(arm('PUT', `${cluster}/databases/${name}`, { location: 'eastus', kind: 'ReadWrite' }));
  const roles = [
    [db, 'viewer', 'Viewer'],
    [db, 'otherViewer', 'Viewer'],
    [db, 'ingestor', 'Ingestor'],
  ] as const;
  for (const [database, name, role] of roles) {
    const { objectId, tenantId } = people[name];
    const properties = { principalId: objectId, principalType: 'App', role, tenantId };
    await made(arm('PUT', `${cluster}/databases/${database}/principalAssignments/${name}`, { properties }));
  }
  const mgmt = (csl: string, person?: Person, database = db) =>
    post('/v1/rest/mgmt', { db: database, csl }, person ?? owner);
  const query = (csl: string, person?: Person, more: object = {}) =>
    post('/v1/rest/query', { db, csl, ...more }, person ?? owner);
  await made(mgmt('.create table Rows (n: long, s: string, d: dynamic)'));
  await made(mgmt('.alter table Rows policy streamingingestion enable'));
  await made(mgmt('.ingest inline into table Rows <| 1,one,"{""k"":1}"'));
  await made(mgmt('.create table Hidden (n: long)', owner, unseen));

  return {
    ...{
      ...fixture,
      ...prepared,
      log,
      ca,
      owner,
      tokenFor,
      arm,
      vault,
      post,
      mgmt,
      query,
      group,
      cluster,
      subscription,
    },
    /** A token that the instance's own key signed, whatever it says. */
    async forge(claims: Record<string, unknown>, audience: string, header: Record<string, unknown> = {}) {
      const payload = { ...decodeJwt(await tokenFor(audience)), ...claims };
      return new CompactSign(new TextEncoder().encode(JSON.stringify(payload)))
        .setProtectedHeader({ alg: 'RS256', typ: 'JWT', kid: signing.kid, ...header })
        .sign(signing.key);
    },
    /** Bytes as they are, on a connection of their own; whatever comes back until it ends. */
    raw(host: string, ...pieces: readonly (string | Uint8Array)[]): Promise<string> {
      return new Promise((resolve) => {
        const answer: Buffer[] = [];
        const socket = tlsConnect({ host: '127.0.0.1', port: server.port, servername: host, ca });
        socket.on('secureConnect', () => {
          for (const piece of pieces) socket.write(piece);
        });
        socket.on('data', (piece: Buffer) => answer.push(piece));
        socket.on('error', () => undefined); // a reset is an end too
        socket.on('close', () => resolve(Buffer.concat(answer).toString()));
      });
    },
    /** A request on a connection of its own. */
    attempt: (host: string, method: string, path: string, sent: Sent = {}): Promise<Outcome> =>
      attempt({ port: server.port, ca, agent: false }, host, method, path, sent),
    /** The same on a connection that is kept. */
    keep: (host: string, method: string, path: string, sent: Sent = {}): Promise<Outcome> =>
      attempt({ port: server.port, ca, agent: kept }, host, method, path, sent),
    /** The instance is alive and its planes do their work. */
    async serves(): Promise<readonly number[]> {
      const answers = [arm('GET', group), vault('GET', '/keys/k'), query('Rows | where n == 1 and s == "one" | count')];
      // The row that was put there at the start, and no other.
      const [, , rows] = await Promise.all(answers);
      if (rows?.text.includes('"Rows":[[1]]') !== true) throw new Error(rows?.text);
      return (await Promise.all(answers)).map(({ status }) => status);
    },
    [Symbol.asyncDispose]: async () => {
      kept.destroy();
      await fixture[Symbol.asyncDispose]();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

export type Attacked = Awaited<ReturnType<typeof startAttacked>>;

interface Sent {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

function attempt(
  to: { readonly port: number; readonly ca: string; readonly agent: Agent | false },
  host: string,
  method: string,
  path: string,
  { headers = {}, body }: Sent,
): Promise<Outcome> {
  const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
  return new Promise((resolve, reject) => {
    const request = httpsRequest(
      {
        ...{ ...to, host: '127.0.0.1', servername: host, method, path },
        headers: { host, accept: 'application/json', ...length, ...headers },
      },
      (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('end', () => resolve(outcome(response.statusCode ?? 0, Buffer.concat(parts).toString())));
      },
    );
    request.on('error', reject);
    request.end(body);
  });
}

export function outcome(status: number, text: string): Outcome {
  let code = /<Code>(\w+)<\/Code>/.exec(text)?.[1] ?? '';
  try {
    const told = JSON.parse(text) as { error?: unknown; 'odata.error'?: unknown; error_codes?: number[] };
    const { error = told['odata.error'], error_codes: numbers } = told;
    if (numbers !== undefined) code = `AADSTS${numbers.join()}`;
    else if (typeof error === 'object' && error !== null && 'code' in error) code = String(error.code);
  } catch {
    // an answer without JSON has no code
  }
  return { status, code, text };
}
