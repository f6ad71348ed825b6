import type { VerifyToken } from '../authz/caller.ts';
import { systemRandomBytes } from '../base/random.ts';
import type { Json } from '../base/json.ts';
import type { Instant } from '../clock/clock.ts';
import { instant } from '../clock/clock.ts';
import { StateConflictError } from '../state/state-store.ts';
import type { State, Table } from '../state/state.ts';
import { writeRecord } from '../state/state.ts';
import { createMintToken } from './entra/mint.ts';
import { openSigningKeys } from './entra/signing-keys.ts';
import { createTokenService } from './entra/token-service.ts';
import type { TokenExpiry } from './entra/token-verifier.ts';
import { createTokenVerifier } from './entra/token-verifier.ts';
import { openPrincipals } from './principals/principals.ts';
import { openTenants } from './tenants.ts';

/** A `State` in memory: JSON in, JSON out, as a real one. */
export function memoryState(): State {
  const records = new Map<string, { version: number; text: string }>();
  let lastVersion = 0;
  const keyOf = (table: string, id: string): string => `${table}\n${id}`;
  return {
    get: (table, id) => {
      const found = records.get(keyOf(table.name, id));
      return Promise.resolve(
        found && { id, version: found.version, value: table.parse(JSON.parse(found.text) as Json) },
      );
    },
    list: (table) =>
      Promise.resolve(
        [...records]
          .filter(([key]) => key.startsWith(`${table.name}\n`))
          .map(([key, { version, text }]) => ({
            id: key.slice(table.name.length + 1),
            version,
            value: table.parse(JSON.parse(text) as Json),
          })),
      ),
    commit: ({ expect = [], write }) => {
      for (const { table, id, expect: version } of [...expect, ...write]) {
        if ((records.get(keyOf(table.name, id))?.version ?? null) !== version) {
          return Promise.reject(new StateConflictError(table.name, id));
        }
      }
      for (const { table, id, put } of write) {
        if (put === null) records.delete(keyOf(table.name, id));
        else records.set(keyOf(table.name, id), { version: ++lastVersion, text: JSON.stringify(put) });
      }
      return Promise.resolve();
    },
  };
}

const keysTable: Table<Json> = { name: 'entraSigningKeys', parse: (value) => value };

/** Signing keys made once per test process: making them takes longer than most tests. */
let readyKeys: Promise<Json> | undefined;
async function makeKeys(wallClock: () => Instant): Promise<Json> {
  const state = memoryState();
  await openSigningKeys({ state, randomBytes: systemRandomBytes, wallClock }).load();
  return (await state.get(keysTable, 'keys'))?.value ?? null;
}

/** Identity with one tenant, one application and one managed identity, and a wall clock that stands still until moved. */
export async function startIdentity(
  options: { readonly tokenExpiry?: TokenExpiry; readonly now?: Instant; readonly ownKeys?: boolean } = {},
) {
  const state = memoryState();
  const wall = { now: options.now ?? instant(Date.UTC(2026, 4, 1, 12, 0, 0, 250)) };
  const wallClock = (): Instant => wall.now;
  const randomBytes = systemRandomBytes;
  if (options.ownKeys !== true) {
    readyKeys ??= makeKeys(wallClock);
    await state.commit({ write: [writeRecord(keysTable, 'keys', null, await readyKeys)] });
  }
  const tenants = openTenants(state, randomBytes);
  const principals = openPrincipals(state, randomBytes);
  const signingKeys = openSigningKeys({ state, randomBytes, wallClock });
  const issueToken = createTokenService({ signingKeys, randomBytes, wallClock });
  const mintToken = createMintToken({ tenants, principals, issueToken });
  const tenant = await tenants.create({
    displayName: 'Kustody',
    domains: ['kustody.onmicrosoft.com'],
    hidden: false,
    createdAt: wall.now,
  });
  const { tenantId } = tenant;
  const application = await principals.create({ tenantId, displayName: 'ci', kind: 'application' });
  const added = await principals.addSecret(application.objectId, instant(wall.now + 86_400_000));
  const managed = await principals.create({
    tenantId,
    displayName: 'mycluster',
    kind: 'managedIdentity',
    resourceId: '/subscriptions/s/resourcegroups/rg/providers/Microsoft.Kusto/clusters/mycluster',
  });
  const newVerifier = (): VerifyToken =>
    createTokenVerifier({ signingKeys, tenants, principals, wallClock, ...options });
  return {
    ...{ state, wall, wallClock, randomBytes, tenants, principals, signingKeys, issueToken, mintToken, newVerifier },
    ...{ tenant, application, managed, secret: added?.secret ?? '', secretKeyId: added?.keyId },
    verifyToken: newVerifier(),
    grantOptions: { tenants, principals, issueToken, wallClock },
  };
}

export type Identity = Awaited<ReturnType<typeof startIdentity>>;
