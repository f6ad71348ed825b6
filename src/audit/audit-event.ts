import type { Guid } from '../base/guid.ts';

/** Who asked, as the verified token said. */
export interface AuditCaller {
  readonly objectId: Guid;
  readonly appId?: Guid;
  readonly tenantId: Guid;
  readonly displayName: string;
  /** Set when a user stands behind the token. */
  readonly principalName?: string;
  /** Of a managed identity: ids of the resource that it is of, and of the one that uses it. */
  readonly identityResourceId?: string;
  readonly usedByResourceId?: string;
}

/** What a vault was asked, and how it ended. No value, key or token is part of it. */
export interface VaultFacts {
  readonly kind: 'vault';
  readonly vaultId: Guid;
  readonly vaultName: string;
  /** Of the vault, in the casing that answers of the resource manager show. */
  readonly resourceId: string;
  /** As the service's diagnostic logs call it: `KeyUnwrap`. */
  readonly operation: string;
  /** Missing for what the vault does by itself. */
  readonly apiVersion?: string;
  /** Of the object, with its version once that is known; missing for lists. */
  readonly id?: string;
  readonly status: number;
  /** Code and inner code of the error when the operation was refused. */
  readonly error?: { readonly code: string; readonly inner?: string };
  readonly caller: AuditCaller;
  readonly clientAddress: string;
  /** The client's `User-Agent`, cut. */
  readonly clientInfo?: string;
  /** Made of the operation's path and the object that it names; other parameters are left out. */
  readonly requestUri?: string;
  /** What let the caller in. */
  readonly access?: 'policy' | 'role';
  readonly assignmentId?: string;
}

/** One step of a request to the resource manager that changes something. */
export interface AdministrativeFacts {
  readonly kind: 'administrative';
  readonly tenantId: Guid;
  readonly subscriptionId?: string;
  readonly resourceGroupName?: string;
  /** `Microsoft.KeyVault` */
  readonly resourceProvider: string;
  /** `Microsoft.KeyVault/vaults` */
  readonly resourceType: string;
  readonly resourceId: string;
  /** What a role must allow: `Microsoft.KeyVault/vaults/write`. */
  readonly action: string;
  /** The operation as this instance has it: `Vaults_CreateOrUpdate`. */
  readonly operation: string;
  readonly method: string;
  readonly requestUri: string;
  /** `Started` is durable before anything is done; the other three end it. */
  readonly status: 'Started' | 'Accepted' | 'Succeeded' | 'Failed';
  /** Of the answer; missing while it is only started. */
  readonly httpStatus?: number;
  readonly error?: { readonly code: string };
  /** JSON of what was asked for, where it says what right somebody gets; with `Started`. */
  readonly requestBody?: string;
  /** JSON of what was taken away; with the end. */
  readonly responseBody?: string;
  readonly caller: AuditCaller;
  readonly clientAddress: string;
  /** The role assignment that allowed it. */
  readonly evidence?: AuditEvidence;
}

export interface AuditEvidence {
  readonly role: string;
  readonly roleAssignmentScope: string;
  readonly roleAssignmentId: Guid;
  readonly roleDefinitionId: Guid;
  readonly principalId: Guid;
  readonly principalType: string;
}

/** A role in a database, or on something in it, that a command of the data plane has given or taken. */
export interface RoleFacts {
  readonly kind: 'role';
  /** Of the database, or of the cluster. */
  readonly resourceId: string;
  /** As the official parser calls the command: `AddTableRole`. */
  readonly operation: string;
  /** `database`, `table T`, `cluster` */
  readonly on: string;
  /** `Admin`; `Blocked` where somebody is denied, whatever roles they have. */
  readonly role: string;
  /** As the command named them. */
  readonly principals: readonly string[];
  /** `Started` is durable before a change in the process of the cluster; what is changed with its event has `Succeeded` alone. */
  readonly status: 'Started' | 'Succeeded' | 'Failed';
  readonly caller: AuditCaller;
}

/** Rows that a cluster writes into storage of its user's, where no key of the cluster protects them. */
export interface ExportFacts {
  readonly kind: 'export';
  readonly operation: 'DataExport';
  /** Of the cluster. */
  readonly resourceId: string;
  readonly clusterName: string;
  readonly database: string;
  /** Without signature and key. */
  readonly container: string;
  /** `Started` is durable before anything is there. */
  readonly status: 'Started' | 'Succeeded' | 'Failed';
  /** Of all that is there when it ended. */
  readonly rows?: number;
  readonly bytes?: number;
  readonly caller: AuditCaller;
}

/** A copy of the whole instance, or of one cluster, sealed under its root key: what it holds is not taken away by what is done to the instance's keys afterwards. */
export interface InstanceCopyFacts {
  readonly kind: 'instanceCopy';
  /** `InstanceMove`: the copy is what a move has left behind. `InstanceRestore`: the instance itself came from one.
   * `InstanceTakenBack`: it was moved there, and is served here again since that was lost. */
  readonly operation:
    | 'InstanceBackup'
    | 'InstanceMove'
    | 'InstanceRestore'
    | 'InstanceTakenBack'
    | 'ClusterBackup'
    | 'ClusterBackupRewrap'
    | 'ClusterRestore';
  /** Where the copy is, in words: a directory, addresses; no secret. */
  readonly place: string;
  /** `Started` is durable before anything is there. `Refused`: nobody said yes to the rollback, so there is nothing. */
  readonly status: 'Started' | 'Succeeded' | 'Failed' | 'Refused';
  readonly caller: AuditCaller;
}

/** Another root key seals the state of the instance from now on, or a key in a vault has wrapped the one that does, or is to. */
export interface RootKeyFacts {
  readonly kind: 'rootKey';
  /** `RootKeyWrap`: it lies in the state from now on, as a key in a vault has wrapped it. `RootKeyRewrap`: as another version has. */
  readonly operation: 'RootKeyRotation' | 'RootKeyWrap' | 'RootKeyRewrap';
  /** What the keys are known by in this state, hex; they say nothing of the keys themselves. */
  readonly from: string;
  readonly to: string;
  /** Full ids of the key versions in vaults that have wrapped them, where some have. */
  readonly fromKid?: string;
  readonly toKid?: string;
  /** `Started` is durable before anything is sealed under the new key, or wrapped by it; one that was interrupted starts again when it goes on. */
  readonly status: 'Started' | 'Succeeded' | 'Failed';
  readonly caller: AuditCaller;
}

export type AuditFacts = VaultFacts | AdministrativeFacts | RoleFacts | ExportFacts | InstanceCopyFacts | RootKeyFacts;

export interface AuditEvent {
  /** ISO time on the Kustody clock. */
  readonly time: string;
  readonly requestId: Guid;
  readonly correlationId: Guid;
  /** From the arrival of the request until it was recorded. */
  readonly durationMs: number;
  readonly facts: AuditFacts;
}

/** An event with its place in the log: 1 for the first there ever was. */
export interface NumberedEvent {
  readonly sequence: number;
  readonly event: AuditEvent;
}
