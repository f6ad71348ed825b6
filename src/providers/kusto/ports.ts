import type { Caller, ManagedIdentities } from '../../authz/caller.ts';
import type { Guid } from '../../base/guid.ts';
import type { HostName } from '../../base/names.ts';
import type { RandomBytes } from '../../base/random.ts';
import type { Clock } from '../../clock/clock.ts';
import type { ClusterKeys } from '../../encryption/cluster-keys.ts';
import type { State, StateWrite } from '../../state/state.ts';
import type { OperationFaults } from './operation-record.ts';

/** A user-assigned identity, as its own provider knows it. */
export interface UserAssignedIdentity {
  readonly principalId: Guid;
  readonly clientId: Guid;
}

export type PrincipalType = 'App' | 'Group' | 'User';

/** A principal that Entra ID knows. */
export interface KnownPrincipal {
  readonly objectId: Guid;
  /** Applications and managed identities. */
  readonly appId?: Guid;
  readonly displayName: string;
  readonly tenantId: Guid;
  /** Shown beside the id; empty when nobody gave the tenant a name. */
  readonly tenantName: string;
}

/** What a cluster and its databases hold, as the data plane knows it. */
export interface ClusterContents {
  /** Writes that remove everything a database holds; blobs that no record names any more are removed later by their owner. */
  removeDatabase(clusterId: Guid, databaseId: Guid): Promise<readonly StateWrite[]>;
  /** The same for a whole cluster, besides its keys. */
  removeCluster(clusterId: Guid): Promise<readonly StateWrite[]>;
  /** @returns what its data takes at rest; undefined when nobody can tell now (the cluster is suspended) */
  databaseBytes(clusterId: Guid, databaseId: Guid): Promise<number | undefined>;
}

/** For a control plane without a data plane: clusters hold nothing. */
export const noContents: ClusterContents = {
  removeDatabase: () => Promise.resolve([]),
  removeCluster: () => Promise.resolve([]),
  databaseBytes: () => Promise.resolve(0),
};

/** An application of the tenant of a vault outside of Kustody, which stands there for an identity of ours. */
export interface OutsideAccount {
  readonly tenantId: Guid;
  readonly clientId: Guid;
}

/** A script for the engine of a cluster, run with the rights of the one who asked for it. */
export interface ScriptRun {
  readonly clusterId: Guid;
  readonly database: string;
  readonly script: string;
  readonly continueOnErrors: boolean;
  readonly caller: Caller;
}

/** `unsupported`: a command that cannot stand in a script. `unavailable`: the cluster may not use its key now. */
export type ScriptOutcome =
  | { readonly outcome: 'ran' }
  | {
      readonly outcome: 'failed';
      readonly kind: 'unauthorized' | 'unsupported' | 'command';
      readonly message: string;
    }
  | { readonly outcome: 'unavailable' };

/** Everything that Microsoft.Kusto needs of others. */
export interface KustoPorts {
  readonly state: State;
  readonly clock: Clock;
  /** By the machine's clock, as storage tells the time: milliseconds since 1970. */
  readonly machineNow: () => number;
  readonly randomBytes: RandomBytes;
  readonly keys: ClusterKeys;
  readonly identities: ManagedIdentities;
  /** By resource id, compared without case. */
  readonly userAssignedIdentity: (resourceId: string) => Promise<UserAssignedIdentity | undefined>;
  /** @param id an object id or application id, or the name of a user or group */
  readonly findPrincipal: (type: PrincipalType, id: string, tenantId: Guid) => Promise<KnownPrincipal | undefined>;
  /** @returns undefined for a vault of this Kustody */
  readonly outsideAccount: (vault: HostName, identity: Guid) => Promise<OutsideAccount | undefined>;
  /** By its id or one of its domains. */
  readonly findTenant: (idOrDomain: string) => Promise<Guid | undefined>;
  /** Whether the user said where a storage account is. */
  readonly isMappedAccount: (name: string) => boolean;
  readonly contents: ClusterContents;
  readonly runScript: (run: ScriptRun) => Promise<ScriptOutcome>;
  readonly faults: OperationFaults;
}
