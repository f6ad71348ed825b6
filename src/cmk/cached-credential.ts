import type { AccessToken, GetTokenOptions, TokenCredential } from '@azure/core-auth';

/** A token this close to its end is asked for anew. */
const marginMs = 5 * 60_000;

/** Every client asks for tokens by itself, and a chain of credentials begins each time with those that are not there: one that waits for an
 * answer of the machine's metadata service would be waited for once per client. Here once per resource. */
export function cachedCredential(credential: TokenCredential, now: () => number): TokenCredential {
  const held = new Map<string, AccessToken>();
  return {
    getToken: async (scopes, options: GetTokenOptions = {}) => {
      const { tenantId, claims, enableCae } = options;
      const key = JSON.stringify([scopes, tenantId, enableCae]);
      const token = held.get(key);
      // Claims are a refusal of the token that is held.
      if (token !== undefined && claims === undefined && token.expiresOnTimestamp - now() > marginMs) return token;
      const fresh = await credential.getToken(scopes, options);
      if (fresh !== null) held.set(key, fresh);
      return fresh;
    },
  };
}
