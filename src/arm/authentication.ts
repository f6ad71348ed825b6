import type { Caller, TokenVerdict, VerifyToken } from '../authz/caller.ts';
import type { Guid } from '../base/guid.ts';
import { ArmError } from './arm-error.ts';

/** The three names of the resource manager in tokens, with and without the slash that old clients add. */
export const armAudiences: readonly string[] = [
  'https://management.core.windows.net/',
  'https://management.core.windows.net',
  'https://management.azure.com/',
  'https://management.azure.com',
];

type Refusal = Exclude<TokenVerdict, { outcome: 'valid' }>;

interface RefusalText {
  readonly code: string;
  readonly text: string;
}

const invalidToken: RefusalText = { code: 'InvalidAuthenticationToken', text: 'The access token is invalid.' };

function textOf(refusal: Refusal): RefusalText {
  switch (refusal.outcome) {
    case 'missing':
      return { code: 'AuthenticationFailed', text: "Authentication failed. The 'Authorization' header is missing." };
    case 'malformed':
    case 'badSignature':
    case 'unknownPrincipal':
      return invalidToken;
    case 'expired':
      return { code: 'ExpiredAuthenticationToken', text: 'The access token has expired.' };
    case 'wrongAudience':
      return {
        code: 'InvalidAuthenticationTokenAudience',
        text:
          `The access token has been obtained for wrong audience or resource '${printable(refusal.found)}'. ` +
          `It should exactly match with one of the allowed audiences ${armAudiences.map((audience) => `'${audience}'`).join(',')}.`,
      };
    case 'wrongIssuer':
      return {
        code: 'InvalidAuthenticationTokenTenant',
        text: `The access token is from the wrong issuer '${printable(refusal.found)}'.`,
      };
  }
}

/** @param tenantId where the client should get its token; asked for only by a challenge
 * @throws ArmError 401 with the challenge from which clients learn the tenant */
export async function authenticate(
  verifyToken: VerifyToken,
  authorization: string | undefined,
  tenantId: () => Promise<Guid>,
): Promise<Caller> {
  const verdict = await verifyToken(authorization, armAudiences);
  if (verdict.outcome === 'valid') return verdict.caller;
  const { code, text } = textOf(verdict);
  throw new ArmError(401, code, text, { headers: { 'www-authenticate': challengeHeader(await tenantId(), text) } });
}

/** A token of one tenant for a subscription that trusts another. */
export function wrongTenant(found: string, tenantId: Guid): ArmError {
  const text =
    `The access token is from the wrong issuer '${found}'. It must match the tenant 'https://sts.windows.net/${tenantId}/' associated with this subscription. ` +
    `Please use the authority (URL) 'https://login.windows.net/${tenantId}' to get the token.`;
  const headers = { 'www-authenticate': challengeHeader(tenantId, 'The access token is from the wrong issuer.') };
  return new ArmError(401, 'InvalidAuthenticationTokenTenant', text, { headers });
}

/** What a token says about itself is the sender's text. */
const printable = (text: string): string => text.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 256);

const challengeHeader = (tenantId: Guid, description: string): string =>
  `Bearer authorization_uri="https://login.windows.net/${tenantId}", error="invalid_token", ` +
  `error_description="${description.replaceAll('"', "'")}"`;
