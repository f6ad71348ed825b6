import type { VerifyToken } from '../authz/caller.ts';
import { systemRandomBytes } from '../base/random.ts';
import type { Json } from '../base/json.ts';
import type { Guid } from '../base/guid.ts';
import type { Instant } from '../clock/clock.ts';
import { instant } from '../clock/clock.ts';
import { MemoryStateStore } from '../state/memory/memory-state-store.ts';
import { RootKey } from '../state/root-key.ts';
import { SealedState } from '../state/sealed/sealed-state.ts';
import type { State, StateWrite, Table } from '../state/state.ts';
import { writeRecord } from '../state/state.ts';
import type { UnmetPolicy } from './entra/conditional-access.ts';
import { createMintToken } from './entra/mint.ts';
import type { ReadJson } from '../http/outward-json.ts';
import { OutwardError } from '../http/outward-json.ts';
import { openIssuerKeys } from './entra/issuer-keys.ts';
import { openSigningKeys } from './entra/signing-keys.ts';
import { openPendingSignIns } from './entra/pending-sign-ins.ts';
import { openRefreshTokens } from './entra/refresh-token.ts';
import { createTokenService, createUserTokenService } from './entra/token-service.ts';
import type { TokenExpiry } from './entra/token-verifier.ts';
import { createTokenVerifier } from './entra/token-verifier.ts';
import { createUserSignIn } from './entra/user-sign-in.ts';
import { openDirectory } from './principals/directory.ts';
import type { TrustedIssuer } from './principals/federated-credential.ts';
import { openPrincipals } from './principals/principals.ts';
import { openTenants } from './tenants.ts';

/** A real sealed state, in memory. */
export function memoryState(): Promise<State> {
  const rootKey = new RootKey(systemRandomBytes(32));
  return SealedState.open({ store: new MemoryStateStore(), rootKey, randomBytes: systemRandomBytes });
}

const keyTables = ['entraSigningKeys', 'entraPrivateKey'].map((name): Table<Json> => ({
  name,
  parse: (value) => value,
}));

/** Signing keys made once per test process: making them takes longer than most tests. */
let readyKeys: Promise<readonly StateWrite[]> | undefined;
async function makeKeys(wallClock: () => Instant): Promise<readonly StateWrite[]> {
  const state = await memoryState();
  await openSigningKeys({ state, randomBytes: systemRandomBytes, wallClock }).load();
  const records = await Promise.all(keyTables.map(async (table) => ({ table, found: await state.list(table) })));
  return records.flatMap(({ table, found }) => found.map(({ id, value }) => writeRecord(table, id, null, value)));
}

/** Identity with one tenant, one application and one managed identity, and a wall clock that stands still until moved. */
export async function startIdentity(
  options: {
    readonly tokenExpiry?: TokenExpiry;
    readonly now?: Instant;
    readonly ownKeys?: boolean;
    readonly readJson?: ReadJson;
  } = {},
) {
  const state = await memoryState();
  const wall = { now: options.now ?? instant(Date.UTC(2026, 4, 1, 12, 0, 0, 250)) };
  const wallClock = (): Instant => wall.now;
  const randomBytes = systemRandomBytes;
  if (options.ownKeys !== true) {
    readyKeys ??= makeKeys(wallClock);
    await state.commit({ write: await readyKeys });
  }
  const tenants = openTenants(state, randomBytes);
  const principals = openPrincipals(state, randomBytes);
  const directory = openDirectory(state, principals, randomBytes);
  const signingKeys = openSigningKeys({ state, randomBytes, wallClock });
  const issueToken = createTokenService({ signingKeys, randomBytes, wallClock });
  const mintToken = createMintToken({ tenants, directory, issueToken });
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
  /** Managed identities that somebody got tokens of. */
  const proved = new Set<Guid>();
  /** By the id of an identity's resource. */
  const identityTrust = new Map<string, readonly TrustedIssuer[]>();
  /** What keeps users from tokens. */
  const policies: { unmet?: UnmetPolicy } = {};
  const readJson: ReadJson = options.readJson ?? ((url) => Promise.reject(new OutwardError('notAllowed', url, 'No.')));
  const newVerifier = (): VerifyToken =>
    createTokenVerifier({ signingKeys, tenants, directory, wallClock, ...options });
  return {
    ...{
      state,
      wall,
      wallClock,
      randomBytes,
      tenants,
      principals,
      directory,
      signingKeys,
      issueToken,
      mintToken,
      newVerifier,
    },
    ...{ tenant, application, managed, secret: added?.secret ?? '', secretKeyId: added?.keyId },
    ...{ identityTrust, proved, policies, verifyToken: newVerifier() },
    grantOptions: {
      ...{ tenants, principals, directory, issueToken, wallClock },
      ...{ signingKeys, issuerKeys: openIssuerKeys(readJson, wallClock) },
      identityProved: (objectId: Guid) => void proved.add(objectId),
      findUnmetPolicy: () => policies.unmet,
      trustOfIdentity: (resourceId: string) => Promise.resolve(identityTrust.get(resourceId) ?? []),
      issueUserToken: createUserTokenService({ signingKeys, randomBytes, wallClock }),
      userSignIn: createUserSignIn({ tenants, directory, monotonicMs: wallClock }),
      pendingSignIns: openPendingSignIns(randomBytes, wallClock),
      refreshTokens: openRefreshTokens(state, randomBytes),
    },
  };
}

export type Identity = Awaited<ReturnType<typeof startIdentity>>;
