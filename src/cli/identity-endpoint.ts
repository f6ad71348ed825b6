import { Option } from 'commander';
import { join } from 'node:path';
import { startSystemTimer } from '../http/timer.ts';
import type { EndpointForm } from '../identity/managed/endpoint-form.ts';
import type { WorkloadToken } from '../identity/managed/workload-issuer.ts';
import { clientDirectoryName } from '../server/data-directory-names.ts';
import type { IdentityEndpoint } from '../server/identity-endpoint-routes.ts';
import type { Environment } from './client-environment.ts';
import type { ControlClient } from './control-client.ts';
import { openTokenFile } from './token-file.ts';

export const identityOption = (): Option =>
  new Option(
    '--identity <NAME>',
    'act as this managed identity (its name, resource id or client id), as a program in Azure does, instead of as the application',
  );

/** @param forms which the command can keep up: the file of AKS has to be renewed */
export const identityEndpointOption = (forms: readonly EndpointForm[]): Option =>
  new Option(
    '--identity-endpoint <FORM>',
    'with --identity: how programs are told of it, as in App Service, on a virtual machine (clients that honour AZURE_POD_IDENTITY_AUTHORITY_HOST) or in AKS (a token file)',
  )
    .choices(forms)
    .default('app-service');

/** An endpoint of one managed identity, and what programs are told of it. */
export interface OpenedIdentity {
  readonly variables: Environment;
  close(): Promise<void>;
}

/** @throws UserError when no managed identity has the name, or not in this form */
export async function openIdentity(
  client: ControlClient,
  identity: string,
  form: EndpointForm,
): Promise<OpenedIdentity> {
  // Both ends are of this package.
  const endpoint = (await client.call('POST', '/identity-endpoints', { identity, form })) as IdentityEndpoint;
  const at = `/identity-endpoints/${endpoint.id}`;
  const close = async (): Promise<void> => {
    await client.call('DELETE', at);
  };
  const { proxyPort } = await client.environment();
  const url = `http://127.0.0.1:${proxyPort}${endpoint.path}`;
  if (form !== 'aks') return { variables: identityVariables(endpoint, url), close };
  const file = await openTokenFile({
    directory: join(client.dataDirectory, clientDirectoryName, `identity-${endpoint.id}`),
    fetchToken: async () => ((await client.call('POST', `${at}/token`)) as WorkloadToken).token,
    startTimer: startSystemTimer,
  }).catch(async (error: unknown) => {
    await close();
    throw error;
  });
  return {
    variables: identityVariables(endpoint, file.path),
    close: async () => {
      await file.close();
      await close();
    },
  };
}

/** Instead of the application, which would win in every client. A user-assigned identity has to be named; clients take it from
 * `AZURE_CLIENT_ID`. @param place the URL of the endpoint, or the path of the file */
function identityVariables(endpoint: IdentityEndpoint, place: string): Environment {
  const { header, clientId, userAssigned, form, tenantId } = endpoint;
  const forms = {
    // Under its names of today and of before.
    'app-service': { IDENTITY_ENDPOINT: place, IDENTITY_HEADER: header, MSI_ENDPOINT: place, MSI_SECRET: header },
    vm: { AZURE_POD_IDENTITY_AUTHORITY_HOST: place },
    aks: {
      AZURE_FEDERATED_TOKEN_FILE: place,
      AZURE_TENANT_ID: tenantId,
      AZURE_AUTHORITY_HOST: 'https://login.microsoftonline.com/',
    },
  } as const satisfies Record<EndpointForm, Environment>;
  return {
    ...forms[form],
    AZURE_CLIENT_ID: userAssigned ? clientId : undefined,
    AZURE_CLIENT_SECRET: undefined,
    ARM_CLIENT_ID: undefined,
    ARM_CLIENT_SECRET: undefined,
  };
}
