import type { Json } from '../../base/json.ts';
import { recordFields } from '../record-fields.ts';

/** A claim that tokens have because an application asks for it. */
export interface OptionalClaim {
  readonly name: string;
  /** Said by its owner and shown again; changes no token. */
  readonly essential: boolean;
  readonly additionalProperties: readonly string[];
}

export const optionalClaimKinds = ['idToken', 'accessToken'] as const;

/** Of ID tokens that an application gets, and of access tokens that are for it. */
export type OptionalClaims = Readonly<Record<(typeof optionalClaimKinds)[number], readonly OptionalClaim[]>>;

/** @returns undefined for a record without any */
export function parseOptionalClaims(value: Json | undefined): OptionalClaims | undefined {
  if (value === undefined) return undefined;
  const fields = recordFields(value, 'application (optional claims)');
  const read = (kind: keyof OptionalClaims): readonly OptionalClaim[] =>
    fields.list(kind).map((item) => {
      const claim = recordFields(item, 'application (optional claim)');
      return {
        name: claim.text('name'),
        essential: claim.flag('essential'),
        additionalProperties: claim.list('additionalProperties').map(String),
      };
    });
  return { idToken: read('idToken'), accessToken: read('accessToken') };
}
