/** How a program is given its identity: as App Service does, as a virtual machine does (IMDS), as AKS does (a token in a file), or as a
 * server that Azure Arc manages (a key in a file). */
export const endpointForms = ['app-service', 'vm', 'aks', 'arc'] as const;
export type EndpointForm = (typeof endpointForms)[number];

/** What clients put behind `AZURE_POD_IDENTITY_AUTHORITY_HOST`. */
export const imdsPath = '/metadata/identity/oauth2/token';

/** Clients read keys of Azure Arc in no other directory. */
export const arcTokenDirectory = '/var/opt/azcmagent/tokens';
