import type { Caller, TokenVerdict, VerifyToken } from '../authz/caller.ts';
import type { Soon } from '../base/soon.ts';
import { soon } from '../base/soon.ts';
import type { VaultSettings } from './vault-directory.ts';
import { VaultError, vaultError } from './vault-error.ts';

const keyVaultResource = 'https://vault.azure.net';

/** What a token for a vault may be made out to: the resource, without a trailing slash, or the application id of Key Vault. */
const keyVaultAudiences: readonly string[] = [keyVaultResource, 'cfa8b339-82a2-471a-a3c9-0fc0be7a4093'];

/** @returns who calls
 * @throws VaultError 401 with the challenge, whatever is wrong with the token */
export const checkToken = (
  verifyToken: VerifyToken,
  vault: VaultSettings,
  authorization: string | undefined,
): Soon<Caller> => soon(verifyToken(authorization, keyVaultAudiences), (verdict) => callerIn(vault, verdict));

function callerIn(vault: VaultSettings, verdict: TokenVerdict): Caller {
  switch (verdict.outcome) {
    case 'valid':
      if (verdict.caller.tenantId === vault.tenantId) return verdict.caller;
      throw challenged(vault, vaultError('wrongIssuer', vault.tenantId, verdict.caller.issuer));
    case 'missing':
      throw challenged(vault, vaultError('missingToken'));
    case 'expired':
      throw challenged(vault, vaultError('tokenExpired'));
    case 'wrongAudience':
      throw challenged(vault, vaultError('wrongAudience', keyVaultAudiences, verdict.found));
    case 'wrongIssuer':
      throw challenged(vault, vaultError('wrongIssuer', vault.tenantId, verdict.found));
    case 'malformed':
    case 'badSignature':
    case 'unknownPrincipal':
      throw challenged(vault, vaultError('invalidToken'));
  }
}

/** The SDKs read this text with parsers of their own: quoted values, comma and one space, nothing after the tenant. */
function challenged(vault: VaultSettings, error: VaultError): VaultError {
  return new VaultError(error.status, error.code, error.inner, error.message, {
    'www-authenticate': `Bearer authorization="https://login.microsoftonline.com/${vault.tenantId}", resource="${keyVaultResource}"`,
  });
}
