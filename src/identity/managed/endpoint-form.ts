/** How a program is given its identity: as App Service does, as a virtual machine does (IMDS), or as AKS does (a token in a file). */
export const endpointForms = ['app-service', 'vm', 'aks'] as const;
export type EndpointForm = (typeof endpointForms)[number];
