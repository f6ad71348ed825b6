/** What `az keyvault create` gives who makes a vault with access policies. */
export const vaultOwnerPermissions = { keys: ['all'], secrets: ['all'], certificates: ['all'] } as const;
