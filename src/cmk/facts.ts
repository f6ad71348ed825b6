/** What was found on Azure, without judgement. Absent members were not found, or not there to be found. */
export interface Facts {
  readonly cluster?: ClusterFacts;
  /** Only when a user-assigned identity is asked for, and exists. */
  readonly userIdentity?: { readonly principalId: string; readonly tenantId?: string };
  readonly subscriptionTenantId?: string;
  readonly vault?: VaultFacts;
  /** There is no such vault, but a soft-deleted one. */
  readonly vaultIsDeleted: boolean;
  readonly key: KeyReading;
  readonly access: AccessReading;
}

export interface ClusterFacts {
  readonly id: string;
  readonly name: string;
  readonly location: string;
  readonly state: string;
  readonly stateReason: string;
  readonly provisioningState: string;
  readonly etag: string;
  readonly systemIdentity?: { readonly principalId: string; readonly tenantId?: string };
  readonly userIdentities: readonly { readonly id: string; readonly principalId?: string }[];
  /** Absent: the key is Microsoft's. */
  readonly key?: ClusterKey;
}

/** keyVaultProperties of a cluster; empty members are absent ones. */
export interface ClusterKey {
  readonly keyName: string;
  readonly keyVaultUri: string;
  readonly keyVersion?: string;
  readonly userIdentity?: string;
}

export interface VaultFacts {
  readonly id: string;
  readonly name: string;
  readonly uri: string;
  readonly location: string;
  readonly tenantId: string;
  readonly softDelete: boolean;
  readonly purgeProtection: boolean;
  readonly retentionDays?: number;
  readonly publicAccess: boolean;
  readonly firewallDenies: boolean;
  /** The firewall lets trusted services through. */
  readonly trustedServices: boolean;
  readonly model: 'policies' | 'roles';
  readonly policies: readonly VaultPolicy[];
}

export interface VaultPolicy {
  readonly objectId: string;
  readonly applicationId?: string;
  readonly keyPermissions: readonly string[];
}

export type KeyReading =
  | { readonly outcome: 'found'; readonly key: KeyFacts }
  /** @param deleted soft-deleted under this name */
  | { readonly outcome: 'missing'; readonly deleted: boolean }
  /** We may not read it: nothing is known. */
  | { readonly outcome: 'refused'; readonly message: string }
  | { readonly outcome: 'notAsked' };

export interface KeyFacts {
  readonly name: string;
  readonly version: string;
  readonly keyType: string;
  /** Bits of the modulus; only of RSA keys. */
  readonly sizeBits?: number;
  readonly enabled: boolean;
  readonly notBefore?: Date;
  readonly expiresOn?: Date;
  readonly operations: readonly string[];
  readonly tags?: Readonly<Record<string, string>>;
}

export type AccessReading =
  /** Roles: all assignments that reach the key. @see VaultFacts.policies for access policies, which come with the vault */
  | { readonly outcome: 'read'; readonly assignments: readonly AssignmentFacts[] }
  | { readonly outcome: 'refused'; readonly message: string }
  | { readonly outcome: 'notAsked' };

export interface AssignmentFacts {
  readonly scope: string;
  readonly roleName: string;
  /** Blocks of the role: what one takes away, another may still give. */
  readonly permissions: readonly {
    readonly dataActions: readonly string[];
    readonly notDataActions: readonly string[];
  }[];
  /** A condition that nobody here can evaluate. */
  readonly isConditional: boolean;
}

/** Nothing is under way, neither well nor badly ended. */
export const isSettled = ({ provisioningState, state }: ClusterFacts): boolean =>
  ['succeeded', 'failed', 'canceled'].includes(provisioningState.toLowerCase()) &&
  !['creating', 'starting', 'stopping', 'updating'].includes(state.toLowerCase());

/** The principal that a cluster goes to the vault as, as far as it exists. */
export const systemPrincipal = (facts: Facts): string | undefined => facts.cluster?.systemIdentity?.principalId;
