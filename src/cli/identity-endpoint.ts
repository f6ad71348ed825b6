import { Option } from 'commander';
import { join } from 'node:path';
import { startSystemTimer } from '../http/timer.ts';
import { arcTokenDirectory, endpointForms } from '../identity/managed/endpoint-form.ts';
import type { WorkloadToken } from '../identity/managed/workload-issuer.ts';
import { clientDirectoryName } from '../server/data-directory-names.ts';
import type { IdentityEndpoint } from '../server/identity-endpoint-routes.ts';
import type { Environment } from './client-environment.ts';
import { openArcKeyFile } from './arc-key-file.ts';
import type { ControlClient } from './control-client.ts';
import { imdsAddress, openImdsAddress } from './imds-address.ts';
import { openTokenFile } from './token-file.ts';

export const identityOption = (): Option =>
  new Option(
    '--identity <NAME>',
    'act as this managed identity (its name, resource id or client id), as a program in Azure does, instead of as the application',
  );

/** What the server has, and `imds`: the address of a virtual machine's metadata itself. */
export const hostForms = [...endpointForms, 'imds'] as const;
export type HostForm = (typeof hostForms)[number];

/** @param forms which the command can keep up: the file of AKS has to be renewed, that of Arc removed, the address answered */
export const identityEndpointOption = (forms: readonly HostForm[]): Option =>
  new Option(
    '--identity-endpoint <FORM>',
    `with --identity: how programs are told of it, as in App Service, on a virtual machine (clients that honour AZURE_POD_IDENTITY_AUTHORITY_HOST)${forms.includes('aks') ? `, in AKS (a token file), by Azure Arc (a key in ${arcTokenDirectory}), or not at all (imds: at ${imdsAddress}, if this machine has that address)` : ''}`,
  )
    .choices(forms)
    .default('app-service');

/** An endpoint of one managed identity, and what programs are told of it. */
export interface OpenedIdentity {
  readonly variables: Environment;
  close(): Promise<void>;
}

/** @param environment that the program gets otherwise
 * @throws UserError when no managed identity has the name, or not in this form */
export async function openIdentity(
  client: ControlClient,
  identity: string,
  form: HostForm,
  environment: Environment,
): Promise<OpenedIdentity> {
  const asked = { identity, form: form === 'imds' ? 'vm' : form };
  // Both ends are of this package.
  const endpoint = (await client.call('POST', '/identity-endpoints', asked)) as IdentityEndpoint;
  const at = `/identity-endpoints/${endpoint.id}`;
  const close = async (): Promise<void> => {
    await client.call('DELETE', at);
  };
  const { proxyPort } = await client.environment();
  const url = `http://127.0.0.1:${proxyPort}${endpoint.path}`;
  const opened = await openBeside({ client, endpoint, form, at, url }).catch(async (error: unknown) => {
    await close();
    throw error;
  });
  return {
    variables: identityVariables(endpoint, form, opened?.place ?? url, environment),
    close: async () => {
      await opened?.close();
      await close();
    },
  };
}

/** What a form needs beside the server. @returns undefined when it needs nothing
 * @throws UserError where this machine does not let it be made */
async function openBeside({
  client,
  endpoint,
  form,
  at,
  url,
}: {
  readonly client: ControlClient;
  readonly endpoint: IdentityEndpoint;
  readonly form: HostForm;
  readonly at: string;
  readonly url: string;
}): Promise<{ readonly place: string; readonly close: () => Promise<void> } | undefined> {
  switch (form) {
    case 'app-service':
    case 'vm':
      return undefined;
    case 'arc':
      return { place: url, close: await openArcKeyFile(endpoint.keyFile ?? '', endpoint.header) };
    case 'imds':
      return { place: url, close: await openImdsAddress(url) };
    case 'aks': {
      const file = await openTokenFile({
        directory: join(client.dataDirectory, clientDirectoryName, `identity-${endpoint.id}`),
        fetchToken: async () => ((await client.call('POST', `${at}/token`)) as WorkloadToken).token,
        startTimer: startSystemTimer,
      });
      return { place: file.path, close: () => file.close() };
    }
  }
}

/** Instead of the application, which would win in every client. A user-assigned identity has to be named; clients take it from
 * `AZURE_CLIENT_ID`. @param place the URL of the endpoint, or the path of the file */
function identityVariables(
  { header, clientId, userAssigned, tenantId }: IdentityEndpoint,
  form: HostForm,
  place: string,
  environment: Environment,
): Environment {
  const noProxy = `${environment['NO_PROXY'] ?? ''},${imdsAddress}`;
  const forms = {
    // Under its names of today and of before.
    'app-service': { IDENTITY_ENDPOINT: place, IDENTITY_HEADER: header, MSI_ENDPOINT: place, MSI_SECRET: header },
    vm: { AZURE_POD_IDENTITY_AUTHORITY_HOST: place },
    imds: { NO_PROXY: noProxy, no_proxy: noProxy },
    aks: {
      AZURE_FEDERATED_TOKEN_FILE: place,
      AZURE_TENANT_ID: tenantId,
      AZURE_AUTHORITY_HOST: 'https://login.microsoftonline.com/',
    },
    // That the second is there tells clients of Arc; they ask the first alone.
    arc: { IDENTITY_ENDPOINT: place, IMDS_ENDPOINT: /^http:..[^/]*/.exec(place)?.[0] ?? '' },
  } as const satisfies Record<HostForm, Environment>;
  return {
    ...forms[form],
    AZURE_CLIENT_ID: userAssigned ? clientId : undefined,
    AZURE_CLIENT_SECRET: undefined,
    ARM_CLIENT_ID: undefined,
    ARM_CLIENT_SECRET: undefined,
  };
}
