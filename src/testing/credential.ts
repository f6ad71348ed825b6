import type { TokenCredential } from '@azure/core-auth';
import { isJsonObject } from '../base/json.ts';
import type { InstanceEnvironment } from '../server/instance-environment.ts';
import { callLocal, succeeded } from '../server/local-client.ts';

/** Signs in as the instance's application. */
export const ownCredential = (environment: InstanceEnvironment): TokenCredential =>
  secretCredential(environment, environment);

/** Signs in as an application. */
export const secretCredential = (
  environment: InstanceEnvironment,
  { clientId, clientSecret }: { readonly clientId: string; readonly clientSecret: string },
): TokenCredential =>
  formCredential(environment, {
    ...{ grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret },
  });

/** The Azure CLI: a public client, which users sign in with. */
const publicClientId = '04b07795-8ddb-461a-bbee-02f9e1bf7b46';

/** Signs in as a user. */
export const passwordCredential = (
  environment: InstanceEnvironment,
  { username, password }: { readonly username: string; readonly password: string },
): TokenCredential =>
  formCredential(environment, { ...{ grant_type: 'password', client_id: publicClientId }, username, password });

/** Clients keep the token that they have; this keeps none. */
const formCredential = (
  environment: InstanceEnvironment,
  members: Readonly<Record<string, string>>,
): TokenCredential => ({
  getToken: async (scopes) => {
    const form = new URLSearchParams({ ...members, scope: typeof scopes === 'string' ? scopes : scopes.join(' ') });
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
