import type { TokenCredential } from '@azure/core-auth';
import { isJsonObject } from '../base/json.ts';
import type { InstanceEnvironment } from '../server/control-plane.ts';
import { callLocal, succeeded } from '../server/local-client.ts';

/** Signs in as the instance's application. Clients keep the token that they have; this keeps none. */
export const ownCredential = (environment: InstanceEnvironment): TokenCredential => ({
  getToken: async (scopes) => {
    const form = new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: environment.clientId,
      client_secret: environment.clientSecret,
      scope: typeof scopes === 'string' ? scopes : scopes.join(' '),
    });
    const answer = await callLocal(environment, {
      host: 'login.microsoftonline.com',
      method: 'POST',
      path: `/${environment.tenantId}/oauth2/v2.0/token`,
      form: form.toString(),
    });
    const { access_token: token, expires_in: seconds } = tokenOf(succeeded(answer));
    return { token, expiresOnTimestamp: Date.now() + seconds * 1000 };
  },
});

function tokenOf(value: unknown): { readonly access_token: string; readonly expires_in: number } {
  const token = isJsonObject(value) ? value['access_token'] : undefined;
  const seconds = isJsonObject(value) ? value['expires_in'] : undefined;
  if (typeof token !== 'string' || typeof seconds !== 'number') throw new Error('The answer holds no token.');
  return { access_token: token, expires_in: seconds };
}

/** What a token for a host is asked for. */
export function scopeOf(host: string): string | undefined {
  if (host.endsWith('.vault.azure.net')) return 'https://vault.azure.net/.default';
  if (host.endsWith('.kusto.windows.net')) return 'https://kusto.kusto.windows.net/.default';
  if (host === 'management.azure.com') return 'https://management.azure.com/.default';
  return host === 'graph.microsoft.com' ? 'https://graph.microsoft.com/.default' : undefined;
}
