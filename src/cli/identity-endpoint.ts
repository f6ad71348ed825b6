import { Option } from 'commander';
import type { IdentityEndpoint } from '../server/identity-endpoint-routes.ts';
import type { Environment } from './client-environment.ts';
import type { ControlClient } from './control-client.ts';

export const identityOption = (): Option =>
  new Option(
    '--identity <NAME>',
    'act as this managed identity (its name, resource id or client id), as a program in App Service does, instead of as the application',
  );

/** An endpoint of one managed identity, and what programs are told of it. */
export interface OpenedIdentity {
  readonly variables: Environment;
  close(): Promise<void>;
}

/** @throws UserError when no managed identity has the name */
export async function openIdentity(client: ControlClient, identity: string): Promise<OpenedIdentity> {
  // Both ends are of this package.
  const endpoint = (await client.call('POST', '/identity-endpoints', { identity })) as IdentityEndpoint;
  const { proxyPort } = await client.environment();
  return {
    variables: identityVariables(endpoint, `http://127.0.0.1:${proxyPort}${endpoint.path}`),
    close: async () => {
      await client.call('DELETE', `/identity-endpoints/${endpoint.id}`);
    },
  };
}

/** Instead of the application, which would win in every client: the endpoint, under its names of today and of before. A user-assigned
 * identity has to be named; clients take it from `AZURE_CLIENT_ID`. */
function identityVariables({ header, clientId, userAssigned }: IdentityEndpoint, url: string): Environment {
  return {
    ...{ IDENTITY_ENDPOINT: url, IDENTITY_HEADER: header, MSI_ENDPOINT: url, MSI_SECRET: header },
    AZURE_CLIENT_ID: userAssigned ? clientId : undefined,
    AZURE_CLIENT_SECRET: undefined,
    ARM_CLIENT_ID: undefined,
    ARM_CLIENT_SECRET: undefined,
  };
}
