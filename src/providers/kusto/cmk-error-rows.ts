/** Words of a message, exactly as the caller sent them. */
export interface NamedInMessage {
  readonly vaultUri: string;
  readonly keyName: string;
}

/** The article "Configure customer-managed keys using C#" (18 December 2019) is the only public list of these codes. The first
 * three messages end with a full stop, the other five do not. That a PUT with a key is answered with HTTP 400 was seen in real traffic;
 * the other statuses follow it, so that every SDK gets a typed code. Rows are in the order in which they are checked. */
export const cmkErrors = {
  CannotProvideKeyVaultPropertiesDuringCreation: {
    status: 400,
    text: () => 'Cannot provide KeyVaultProperties during cluster creation.',
  },
  KeyVaultPropertiesOnlyForSystemAssignedResources: {
    status: 400,
    text: () => 'KeyVaultProperties can be provided only for resources with SystemAssigned Identity.',
  },
  InvalidKeyVaultProperties: { status: 400, text: () => 'The provided KeyVaultProperties are invalid.' },
  KeyVaultNotFound: { status: 400, text: ({ vaultUri }: NamedInMessage) => `KeyVault '${vaultUri}' was not found` },
  IdentityDoesNotHaveAccessToKeyVault: {
    status: 400,
    text: ({ vaultUri }: NamedInMessage) => `Cluster identity does not have access to KeyVault '${vaultUri}'`,
  },
  KeyNotFound: {
    status: 400,
    text: ({ vaultUri, keyName }: NamedInMessage) => `Key '${keyName}' was not found in KeyVault '${vaultUri}'`,
  },
  KeyVaultNotSoftDeleteEnabled: {
    status: 400,
    text: ({ vaultUri }: NamedInMessage) => `KeyVault '${vaultUri}' is not Soft-Delete enabled`,
  },
  KeyVaultNotPurgeProtected: {
    status: 400,
    text: ({ vaultUri }: NamedInMessage) => `KeyVault '${vaultUri}' is not Purge Protected`,
  },
} as const satisfies Record<string, { readonly status: number; readonly text: (named: NamedInMessage) => string }>;

export type CmkErrorCode = keyof typeof cmkErrors;
export const cmkErrorCodes: readonly CmkErrorCode[] = Object.keys(cmkErrors).filter(
  (code): code is CmkErrorCode => code in cmkErrors,
);
