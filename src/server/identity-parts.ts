import type { RandomBytes } from '../base/random.ts';
import type { Instant } from '../clock/clock.ts';
import type { AllowedHost } from '../http/allowed-hosts.ts';
import { createOutwardReader } from '../http/outward-json.ts';
import { createFindCaller } from '../identity/entra/find-caller.ts';
import { createMintOnBehalf, createMintToken } from '../identity/entra/mint.ts';
import { openIssuerKeys } from '../identity/entra/issuer-keys.ts';
import type { MakeSigningKeys } from '../identity/entra/signing-keys.ts';
import { openSigningKeys } from '../identity/entra/signing-keys.ts';
import { openPendingSignIns } from '../identity/entra/pending-sign-ins.ts';
import { openRefreshTokens } from '../identity/entra/refresh-token.ts';
import { createTokenService, createUserTokenService } from '../identity/entra/token-service.ts';
import type { TokenExpiry } from '../identity/entra/token-verifier.ts';
import { createTokenVerifier } from '../identity/entra/token-verifier.ts';
import { createUserSignIn } from '../identity/entra/user-sign-in.ts';
import { openDirectory } from '../identity/principals/directory.ts';
import { openPrincipals } from '../identity/principals/principals.ts';
import { memberOfTable } from '../identity/principals/group.ts';
import { principalTable } from '../identity/principals/principal.ts';
import { userTable } from '../identity/principals/user.ts';
import { openTenants, tenantTable } from '../identity/tenants.ts';
import type { State } from '../state/state.ts';

/** All that says whose a token is. They have one owner whatever the id, so each has one mark. */
const directoryTables = [tenantTable, principalTable, userTable, memberOfTable];
const allIds = 'all';

export interface IdentityPartsOptions {
  readonly state: State;
  readonly randomBytes: RandomBytes;
  readonly wallClock: () => Instant;
  readonly monotonicMs: () => number;
  readonly tokenExpiry: TokenExpiry;
  /** Where keys of issuers elsewhere may be read. */
  readonly allowedHosts: readonly AllowedHost[];
  readonly makeKeys?: MakeSigningKeys | undefined;
}

/** Everything of identity, built over one state. */
export function openIdentityParts(options: IdentityPartsOptions) {
  const { state, randomBytes, wallClock, makeKeys } = options;
  const tenants = openTenants(state, randomBytes);
  const principals = openPrincipals(state, randomBytes);
  const directory = openDirectory(state, principals, randomBytes);
  const signingKeys = openSigningKeys({
    state,
    randomBytes,
    wallClock,
    ...(makeKeys === undefined ? {} : { makeKeys }),
  });
  const issueToken = createTokenService({ signingKeys, randomBytes, wallClock });
  const issueUserToken = createUserTokenService({ signingKeys, randomBytes, wallClock });
  const mintToken = createMintToken({ tenants, directory, issueToken });
  return {
    tenants,
    principals,
    directory,
    signingKeys,
    issuerKeys: openIssuerKeys(createOutwardReader(options), options.monotonicMs),
    issueToken,
    issueUserToken,
    userSignIn: createUserSignIn({ tenants, directory, monotonicMs: options.monotonicMs }),
    pendingSignIns: openPendingSignIns(randomBytes, options.monotonicMs),
    refreshTokens: openRefreshTokens(state, randomBytes),
    mintToken,
    mintOnBehalf: createMintOnBehalf({ tenants, directory, mintToken, issueUserToken }),
    findCaller: createFindCaller(directory),
    verifyToken: createTokenVerifier({
      ...options,
      ...{ signingKeys, tenants, directory },
      directoryMarks: () => directoryTables.map((table) => state.markOf?.(table, allIds)),
      markOfAll: () => state.markOfAll?.(),
    }),
  };
}

export type IdentityParts = ReturnType<typeof openIdentityParts>;
