import type { JsonObject } from '../../base/json.ts';
import type { OptionalClaim, OptionalClaims } from '../principals/optional-claims.ts';
import type { User } from '../principals/user.ts';

type Kind = keyof OptionalClaims;

interface ClaimRow {
  /** Missing: of both. */
  readonly kind?: Kind;
  /** What may stand in `additionalProperties`. */
  readonly properties?: readonly string[];
  /** @returns undefined where the user has none: then the claim is left out */
  readonly ofUser: (user: User, claim: OptionalClaim) => string | number | undefined;
  readonly ofApplication?: string;
}

const includeUserToken = 'include_user_token';

/** Claims that applications may ask for, of which this directory knows the value.
 * @see Microsoft identity platform "Optional claims reference" */
const rows: Readonly<Record<string, ClaimRow>> = {
  // Of members; there are no guests.
  acct: { ofUser: () => 0 },
  email: { ofUser: ({ texts }) => texts.mail },
  family_name: { ofUser: ({ texts }) => texts.surname },
  given_name: { ofUser: ({ texts }) => texts.givenName },
  idtyp: {
    kind: 'accessToken',
    properties: [includeUserToken],
    ofUser: (_user, { additionalProperties }) => (additionalProperties.includes(includeUserToken) ? 'user' : undefined),
    ofApplication: 'app',
  },
  preferred_username: { ofUser: ({ userPrincipalName }) => userPrincipalName },
  upn: { ofUser: ({ userPrincipalName }) => userPrincipalName },
};

/** The others of the reference. */
const otherClaims: ReadonlySet<string> = new Set([
  ...['acrs', 'aud', 'auth_time', 'ctry', 'fwd', 'groups', 'in_corp', 'ipaddr', 'login_hint', 'nickname', 'onprem_sid'],
  ...['pwd_exp', 'pwd_url', 'sid', 'tenant_ctry', 'tenant_region_scope', 'verified_primary_email'],
  ...['verified_secondary_email', 'vnet', 'xms_cc', 'xms_edov', 'xms_pdl', 'xms_pl', 'xms_tpl', 'ztdid'],
]);

/** Whether an application may ask for it: `notBuilt` is what the service has beyond this. */
export function standingOf(kind: Kind, claim: OptionalClaim): 'known' | 'notBuilt' | 'unknown' {
  const row = Object.hasOwn(rows, claim.name) ? rows[claim.name] : undefined;
  if (row === undefined) return otherClaims.has(claim.name) ? 'notBuilt' : 'unknown';
  if (row.kind !== undefined && row.kind !== kind) return 'notBuilt';
  return claim.additionalProperties.every((one) => row.properties?.includes(one) === true) ? 'known' : 'notBuilt';
}

/** @param of the user, or undefined where an application got the token for itself */
export function optionalClaimsOf(claims: readonly OptionalClaim[] | undefined, of: User | undefined): JsonObject {
  const found = (claims ?? []).map((claim) => {
    const row = rows[claim.name];
    return [claim.name, of === undefined ? row?.ofApplication : row?.ofUser(of, claim)] as const;
  });
  return Object.fromEntries(found.filter(([, value]) => value !== undefined));
}
