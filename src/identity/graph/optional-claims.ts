import type { Json, JsonObject } from '../../base/json.ts';
import { standingOf } from '../entra/optional-claims.ts';
import type { OptionalClaim, OptionalClaims } from '../principals/optional-claims.ts';
import { optionalClaimKinds } from '../principals/optional-claims.ts';
import { BodyReader } from './body.ts';
import { graphErrors } from './graph-error.ts';

const resource = 'Application';

/** @returns undefined when the body says nothing of them; `none` when they are to go
 * @throws GraphError 400 for what is no claim, 501 for one that is not offered here */
export function readOptionalClaims(body: BodyReader): OptionalClaims | 'none' | undefined {
  if (!body.has('optionalClaims')) return undefined;
  const sent = body.object('optionalClaims');
  if (sent === undefined) return 'none';
  sent.refuseOthers([...optionalClaimKinds], ['saml2Token']);
  const [idToken = [], accessToken = []] = optionalClaimKinds.map((kind) =>
    (sent.list(kind) ?? []).map((item) => readClaim(kind, item)),
  );
  return { idToken, accessToken };
}

function readClaim(kind: keyof OptionalClaims, item: Json): OptionalClaim {
  const body = new BodyReader(item, 'OptionalClaim');
  body.refuseOthers(['name', 'essential', 'additionalProperties'], ['source']);
  const claim = {
    name: body.requiredText('name'),
    essential: body.flag('essential') ?? false,
    additionalProperties: body.texts('additionalProperties') ?? [],
  };
  const standing = standingOf(kind, claim);
  if (standing === 'unknown') throw graphErrors.invalidValue('optionalClaims', resource);
  const shown = [claim.name, ...claim.additionalProperties].join(' ').slice(0, 200);
  if (standing === 'notBuilt') throw graphErrors.notBuilt(`the optional claim '${shown}' of '${kind}'`);
  return claim;
}

export const showOptionalClaims = (claims: OptionalClaims | undefined): JsonObject | null =>
  claims === undefined
    ? null
    : { idToken: claims.idToken.map(show), accessToken: claims.accessToken.map(show), saml2Token: [] };

const show = ({ name, essential, additionalProperties }: OptionalClaim): JsonObject => ({
  ...{ name, source: null, essential, additionalProperties: [...additionalProperties] },
});
