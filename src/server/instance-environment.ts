import type { ClusterName, HostName, Region, VaultName } from '../base/names.ts';
import type { ServerPorts } from './settings.ts';

/** What a client of this instance needs, credentials included: only for the holder of the control token. */
export interface InstanceEnvironment extends ServerPorts {
  readonly tenantId: string;
  readonly subscriptionId: string;
  /** Missing unless a second one was asked for. */
  readonly secondSubscriptionId?: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly objectId: string;
  /** Who signs in with a password. */
  readonly user?: { readonly objectId: string; readonly principalName: string; readonly password: string };
  /** Those whom seeds have named, with how they sign in. */
  readonly seededPrincipals?: readonly SeededPrincipal[];
  /** What programs are told of the seed that this start made: variables. */
  readonly seeded?: Readonly<Record<string, string>>;
  readonly caCertificate: string;
  /** Names that exist now, for hosts files. */
  readonly vaults: readonly VaultName[];
  readonly clusters: readonly NamedCluster[];
}

export interface NamedCluster {
  readonly name: ClusterName;
  readonly region: Region;
  /** Of its storage accounts. */
  readonly storageHosts: readonly HostName[];
}

/** Somebody whom a seed named, as the directory knows them. */
export interface SeededPrincipal {
  /** As the seed has it. */
  readonly name: string;
  readonly objectId: string;
  readonly type: 'User' | 'Group' | 'ServicePrincipal';
  /** Of a service principal or managed identity. */
  readonly clientId?: string;
  /** Of a user. */
  readonly userPrincipalName?: string;
  /** Client secret or password that was made for them: the directory itself has no more than a hash of it. */
  readonly secret?: string;
}
