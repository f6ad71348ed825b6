import type { AuditCaller, VaultFacts } from '../audit/audit-event.ts';
import type { Caller } from '../authz/caller.ts';
import type { VaultSettings } from './vault-directory.ts';

/** As diagnostic logs of the service call operations, by their ids in the API description.
 * @see Azure Key Vault logging, "Interpret your Key Vault logs" */
const auditedAs: Readonly<Record<string, string>> = {
  ...{
    CreateKey: 'KeyCreate',
    ImportKey: 'KeyImport',
    GetKey: 'KeyGet',
    UpdateKey: 'KeyUpdate',
    DeleteKey: 'KeyDelete',
  },
  ...{ GetKeys: 'KeyList', GetKeyVersions: 'KeyListVersions', BackupKey: 'KeyBackup', RestoreKey: 'KeyRestore' },
  ...{ GetDeletedKey: 'KeyGetDeleted', GetDeletedKeys: 'KeyListDeleted', RecoverDeletedKey: 'KeyRecover' },
  ...{ PurgeDeletedKey: 'KeyPurge', WrapKey: 'KeyWrap', UnwrapKey: 'KeyUnwrap', Encrypt: 'KeyEncrypt' },
  ...{ Decrypt: 'KeyDecrypt', Sign: 'KeySign', Verify: 'KeyVerify', RotateKey: 'KeyRotate', Release: 'KeyRelease' },
  ...{ GetKeyRotationPolicy: 'KeyRotationPolicyGet', UpdateKeyRotationPolicy: 'KeyRotationPolicySet' },
  ...{ SetSecret: 'SecretSet', GetSecret: 'SecretGet', UpdateSecret: 'SecretUpdate', DeleteSecret: 'SecretDelete' },
  ...{ GetSecrets: 'SecretList', GetSecretVersions: 'SecretListVersions', BackupSecret: 'SecretBackup' },
  ...{ RestoreSecret: 'SecretRestore', GetDeletedSecret: 'SecretGetDeleted', GetDeletedSecrets: 'SecretListDeleted' },
  ...{ RecoverDeletedSecret: 'SecretRecover', PurgeDeletedSecret: 'SecretPurge' },
  ...{
    CreateCertificate: 'CertificateCreate',
    ImportCertificate: 'CertificateImport',
    GetCertificate: 'CertificateGet',
  },
  ...{
    UpdateCertificate: 'CertificateUpdate',
    DeleteCertificate: 'CertificateDelete',
    GetCertificates: 'CertificateList',
  },
  ...{ GetCertificateVersions: 'CertificateListVersions', GetCertificatePolicy: 'CertificatePolicyGet' },
  ...{ UpdateCertificatePolicy: 'CertificatePolicyUpdate', GetCertificateOperation: 'CertificatePendingGet' },
  ...{ UpdateCertificateOperation: 'CertificatePendingUpdate', DeleteCertificateOperation: 'CertificatePendingDelete' },
  ...{ MergeCertificate: 'CertificatePendingMerge', GetDeletedCertificate: 'CertificateGetDeleted' },
  ...{ GetDeletedCertificates: 'CertificateListDeleted', RecoverDeletedCertificate: 'CertificateRecover' },
  ...{ PurgeDeletedCertificate: 'CertificatePurge', BackupCertificate: 'CertificateBackup' },
  ...{ RestoreCertificate: 'CertificateRestore', SetCertificateContacts: 'CertificateContactsSet' },
  ...{ GetCertificateContacts: 'CertificateContactsGet', DeleteCertificateContacts: 'CertificateContactsDelete' },
  ...{ GetCertificateIssuers: 'CertificateIssuersList', SetCertificateIssuer: 'CertificateIssuerSet' },
  ...{ GetCertificateIssuer: 'CertificateIssuerGet', UpdateCertificateIssuer: 'CertificateIssuerUpdate' },
  DeleteCertificateIssuer: 'CertificateIssuerDelete',
};

/** What the service's list of names has not is called by its id. */
export const auditedNameOf = (operationId: string): string =>
  Object.hasOwn(auditedAs, operationId) ? (auditedAs[operationId] ?? operationId) : operationId;

const auditedCallers = new WeakMap<Caller, AuditCaller>();

/** The same for the same caller, as an object. */
export function auditedCaller(caller: Caller): AuditCaller {
  const known = auditedCallers.get(caller);
  if (known !== undefined) return known;
  const audited: AuditCaller = {
    objectId: caller.objectId,
    ...(caller.appId === undefined ? {} : { appId: caller.appId }),
    tenantId: caller.tenantId,
    displayName: caller.displayName,
    ...(caller.user === undefined ? {} : { principalName: caller.user.principalName }),
    ...identityOf(caller),
  };
  auditedCallers.set(caller, audited);
  return audited;
}

function identityOf({ managedIdentity }: Caller): Pick<AuditCaller, 'identityResourceId' | 'usedByResourceId'> {
  if (managedIdentity === undefined) return {};
  const { resourceId, usedBy } = managedIdentity;
  return { identityResourceId: resourceId, ...(usedBy === undefined ? {} : { usedByResourceId: usedBy }) };
}

export const auditedVault = (
  vault: Pick<VaultSettings, 'vaultId' | 'name' | 'resourceId'>,
): Pick<VaultFacts, 'kind' | 'vaultId' | 'vaultName' | 'resourceId'> => ({
  kind: 'vault',
  vaultId: vault.vaultId,
  vaultName: vault.name,
  resourceId: vault.resourceId,
});

const clientInfoCharsMax = 256;

/** Of a `User-Agent`: printable ASCII alone, cut. @returns undefined for one that is missing or empty */
export function auditedClient(userAgent: string | undefined): string | undefined {
  if (userAgent === undefined || /^[\x20-\x7e]{1,256}$/.test(userAgent)) return userAgent;
  const text = userAgent.replaceAll(/[^\x20-\x7e]/g, '').slice(0, clientInfoCharsMax);
  return text === '' ? undefined : text;
}
